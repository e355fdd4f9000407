"""What is received ahead is bounded, keeps its order, and ends when it is said to."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from replay.sources.read_ahead import ReadAhead


@given(st.lists(st.lists(st.integers(1, 9), min_size=1), max_size=20), st.integers(1, 30))
def test_everything_comes_through_in_order(batches: list[list[int]], most_bytes: int) -> None:
    """Whatever there is room for at a time, all batches are taken as they were put, and then the end."""
    ahead = ReadAhead[int](most_bytes, int)

    def put_all() -> None:
        for batch in batches:
            assert ahead.put(batch, within_s=20)
        ahead.end()

    putting = threading.Thread(target=put_all)
    putting.start()
    taken = []
    while batch := ahead.take():
        taken.append(list(batch))
    putting.join()
    assert taken == batches
    assert list(ahead.take()) == []


def test_no_more_waits_than_there_is_room_for() -> None:
    """A batch that does not fit is refused in time; one that never could goes through alone."""
    ahead = ReadAhead[int](10, int)
    assert ahead.put([99], within_s=0)
    assert not ahead.put([1], within_s=0.01)
    assert list(ahead.take()) == [99]
    assert ahead.put([6], within_s=0)
    assert ahead.put([4], within_s=0)
    assert not ahead.put([1], within_s=0.01)


def test_whoever_takes_knows_whether_to_wait() -> None:
    """Empty is what may get more; what has ended is not waited for, and what is thrown away makes room."""
    ahead = ReadAhead[int](1, int)
    assert ahead.is_empty
    assert ahead.put([1], within_s=0)
    assert not ahead.is_empty
    ahead.clear()
    assert ahead.is_empty
    assert ahead.put([2], within_s=0)
    ahead.end()
    assert list(ahead.take()) == [2]
    assert not ahead.is_empty
    assert list(ahead.take()) == []
