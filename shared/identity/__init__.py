"""Who asks and what they may: one verifier and one matrix for REST and sockets alike."""
