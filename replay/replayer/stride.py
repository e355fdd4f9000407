"""How many events are begun together, so that the ledger need not wait for the disk before each of them."""

MOST = 4096
MOMENT_S = 0.02
_TIMES_WAITED = 10


class Stride:
    """
    Grows while replaying what is begun together takes less than a moment, or less than ten times what the disk takes to
    note it; shrinks to one where it takes longer. That much of a run is in doubt when its machine breaks down.

    Args:
        most: 1 for what is not to be noted before it is due.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self.count = 1

    def took(self, replaying_s: float, *, noting_s: float) -> None:
        """Take note of how long the last ones took, and how long it took to note them on the disk."""
        enough_s = max(MOMENT_S, _TIMES_WAITED * noting_s)
        if replaying_s > enough_s:
            self.count = max(1, self.count // 2)
        elif replaying_s < enough_s / 2:
            self.count = min(self._most, self.count * 2)
