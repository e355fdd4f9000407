"""The last words of a run: how many fixtures had which verdict, and what was pinned."""

from collections import Counter
from collections.abc import Iterable

VERDICT = "replay_verdict"
PINNED = "replay_pinned"
"""Properties of a test report: xdist carries them to the process that prints, and `--junitxml` writes them."""


def summary_lines(properties: Iterable[tuple[str, object]], *, folder: str) -> list[str]:
    """
    Sum up the properties of all reports of a run; nothing where no fixture was replayed.

    Args:
        folder: Where the fixtures are, as the user would write it.
    """
    counts = Counter(properties)
    verdicts = Counter({str(value): count for (name, value), count in counts.items() if name == VERDICT})
    if not verdicts:
        return []
    lines = [f"replay: {', '.join(f'{count} {verdict}' for verdict, count in verdicts.most_common())}"]
    pinned = sum(count for (name, _), count in counts.items() if name == PINNED)
    if pinned:
        what = "1 first failure" if pinned == 1 else f"{pinned} first failures"
        lines.append(f"replay: {what} pinned in {folder}: commit the change")
    return lines
