"""The driver that gives messages back: each is judged, and what now succeeds is moved to where it came from."""
