"""Station 6: what happened. Pure."""
