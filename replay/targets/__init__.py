"""Station 5: who receives the event, one file each."""
