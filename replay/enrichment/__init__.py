"""Station 1b: what else is known of a failure."""
