"""Station 7: was it right. Pure."""
