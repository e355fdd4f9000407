"""A verdict as people read it: its word, its colour and its mark."""

from collections import Counter
from collections.abc import Iterable, Mapping

from replay.replayer import FixtureReplayed

AS_ACCEPTED = "as accepted"
COULD_NOT_RUN = "could not run"
_USUAL_WIDTH = len("reproduced")


def verdict_word(event: FixtureReplayed) -> str:
    """
    Give the verdict's word; of what fails just as somebody has accepted it, nobody would say `fixed`.

    Machines read `fixed` for both: it meets what was expected of a fix.
    """
    judgement, outcome = event.judgement, event.outcomes[-1]
    if judgement.verdict == "fixed" and judgement.as_expected and outcome.status != "succeeded":
        return AS_ACCEPTED
    return judgement.verdict


def word_width(events: Iterable[FixtureReplayed]) -> int:
    """Give the width of a column for the words of *events*."""
    return max(_USUAL_WIDTH, *(len(verdict_word(event)) for event in events), 0)


def count_words(words: Mapping[str, int], not_run: int) -> str:
    """Write how many have each word of a verdict, the most frequent first: `3 reproduced, 1 could not run`."""
    counts = Counter(words)
    if not_run:
        counts[COULD_NOT_RUN] += not_run
    return ", ".join(f"{count:,} {word}" for word, count in counts.most_common())


def look(event: FixtureReplayed) -> tuple[str, str]:
    """Give colour and mark: green is as expected, yellow a known bug that is still there, red unexpected."""
    if event.judgement.known_bug:
        return "yellow", "●"
    return ("green", "✓") if event.judgement.as_expected else ("red", "✗")
