"""A driver: takes the same fixtures through two targets, and tells what differs."""
