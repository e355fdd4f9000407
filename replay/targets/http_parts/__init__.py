"""An HTTP request as an event tells it, sent once more, and what its answer says of the function behind it."""
