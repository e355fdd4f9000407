"""Station 1: where events come from, one file each."""
