"""Sample legacy databases and their targets."""
