"""A corpus of events in S3: JSON Lines, each with the fixture that it is of."""
