"""How a service lives: the loop around a handler, start, drain and stop, and the steps at which tests break it."""
