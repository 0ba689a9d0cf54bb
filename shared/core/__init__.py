"""Pure vocabulary of the domain: identities, states, counts, errors. Imports no I/O library."""
