"""The last words of a run: how many fixtures had which verdict, and what was pinned."""

from collections import Counter
from collections.abc import Iterable

VERDICT = "replay_verdict"
PINNED = "replay_pinned"
ACCEPTED = "replay_as_accepted"
NOTE = "replay_note"
FIXTURE = "replay_fixture"
"""Properties of a test report: xdist carries them to the process that prints, and `--junitxml` writes them."""


_NOTES_AT_MOST = 5


def note_lines(properties: Iterable[tuple[str, object]]) -> list[str]:
    """Write the notes among the properties of reports, each once, as `replay run` does."""
    notes = list(dict.fromkeys(str(value) for name, value in properties if name == NOTE))
    more = len(notes) - _NOTES_AT_MOST
    return [
        *(f"replay: note: {note}" for note in notes[:_NOTES_AT_MOST]),
        *([f"replay: … and {more:,} more of such notes: see `replay run`"] if more > 0 else []),
    ]


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
