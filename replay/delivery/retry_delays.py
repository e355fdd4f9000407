"""How long Lambda's pollers wait before they try a failed batch again, and when we stop where they never do."""

import math

UNLIMITED_RETRIES = 2
"""
How often a batch is tried again without progress when no setting ever ends it.

AWS goes on until the records expire: for days, thousands of times. Two retries are enough for a failure that passes by
itself to pass, and for a developer to see that this one does not.
"""
_FIRST_DELAY_S = 0.25
_LONGEST_DELAY_S = 60.0
_DOUBLINGS = 40  # beyond any age


def retry_delay_s(failures: int, *, limited: bool) -> float:
    """
    Give the delay after *failures* in a row: 0.25 s, doubled each time.

    It stays at 60 s where a number of retries is what ends it (*limited*), and goes on doubling where only time does.
    AWS documents none of it: 0.25 s makes the 8 invocations within 60 s of recording
    test_kinesis_maximum_record_age_exceeded, and the rest is ours, to keep an age of days to a few invocations.
    """
    delay_s = math.ldexp(_FIRST_DELAY_S, min(failures - 1, _DOUBLINGS))
    return min(delay_s, _LONGEST_DELAY_S) if limited else delay_s
