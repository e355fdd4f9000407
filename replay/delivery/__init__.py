"""Station 4: how AWS would hand an event over. Pure: no I/O, no clock."""
