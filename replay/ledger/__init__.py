"""What was sent, acknowledged and observed: one append-only file for each run that sends something."""
