"""Station 2: what must not reach git."""
