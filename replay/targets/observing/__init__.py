"""Where the end of what a carrier sent can be seen: one file a place, and what the sightings add up to."""
