"""The last words of a run: how many fixtures had which verdict, and what was pinned."""

from collections import Counter
from collections.abc import Iterable

VERDICT = "replay_verdict"
PINNED = "replay_pinned"
ACCEPTED = "replay_as_accepted"
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
    accepted, pinned = counts[ACCEPTED, "true"], counts[PINNED, "true"]
    words = verdicts + Counter({"as accepted": accepted}) - Counter({"fixed": accepted})
    lines = [f"replay: {', '.join(f'{count:,} {word}' for word, count in words.most_common())}"]
    if pinned:
        from replay.counted_nouns import counted

        lines.append(f"replay: {counted(pinned, 'first failure')} pinned in {folder}: commit the change")
    return lines
