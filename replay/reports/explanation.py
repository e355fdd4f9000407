"""Why a fixture is red: expectation and outcome, production's stack and ours, the payload, and how to run it again."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from replay.expectations.judgement import Judgement
from replay.fixtures.fixture import Fixture
from replay.outcomes.outcome import Outcome
from replay.payloads.failures import Failure, Frame
from replay.reports.effect_lines import effect_lines
from replay.reports.expectation_words import happened, headline, recorded_failure, wanted
from replay.reports.payload_excerpt import payload_section
from replay.reports.shown_log import shown_log
from replay.reports.visible_text import one_line, visible

_LOG_LINES = 15
_LOG_END = 64 * 1024
_LIBRARY_FRAMES = 2
"""Of each stretch of library code, the call into it and the innermost frame are shown."""


def explain(
    fixture: Fixture,
    outcomes: Sequence[Outcome],
    judgement: Judgement,
    *,
    options: Sequence[str] = (),
    notes: Iterable[str] = (),
    red_option: str = "--red",
) -> str:
    """
    Tell in plain text, some twenty lines, what was expected, what happened and what to do now.

    Args:
        options: Of the run that is explained, for the command that runs it again.
        notes: What is to be known of this replay beside it, where it stands nowhere else.
        red_option: What the user has said to make known bugs red.
    """
    outcome = outcomes[-1]
    failure = outcome.failure or recorded_failure(fixture)
    sections = (
        [f"{judgement.verdict}: {one_line(judgement.reason, limit=400)}"],
        _expectation_lines(fixture, outcomes, judgement, red_option),
        _production_lines(fixture),
        ["here", *stack_lines(outcome.failure)] if outcome.failure else [],
        payload_section(fixture, failure),
        effect_lines(outcome.effects),
        log_lines(outcome),
        note_lines(notes),
        _what_to_do(judgement, run_command([fixture.reference.short], options)),
    )
    return joined(sections)


def joined(sections: Iterable[Sequence[str]]) -> str:
    """Put sections under each other, an empty line between; an empty one is left out."""
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def run_command(ids: Iterable[str], options: Sequence[str] = ()) -> str:
    """Write the command that replays the fixtures *ids* again as they were replayed."""
    return shlex.join(("replay", "run", *ids, *options))


def log_lines(outcome: Outcome) -> list[str]:
    """Show what the function logged in its last invocation, or rather the end of it."""
    log = outcome.report.invocations[-1].reply.log if outcome.report.invocations else ""
    shown = shown_log(log[-_LOG_END:]).strip()
    if not shown:
        return []
    rows = shown.split("\n")[-_LOG_LINES:]
    return ["log (last invocation)", *(f"  {visible(row, limit=200)}" for row in rows)]


def note_lines(notes: Iterable[str]) -> list[str]:
    """Show what is to be known of a replay beside it."""
    return [f"note       {one_line(note, limit=400)}" for note in notes]


def _expectation_lines(
    fixture: Fixture, outcomes: Sequence[Outcome], judgement: Judgement, red_option: str
) -> list[str]:
    lines = [f"expected   {wanted(fixture)}"]
    if judgement.red:
        lines.append(f"           it does, as expected; red because {red_option} was asked for")
    lines += [f"happened   {words}" for words in _happened(outcomes)]
    if judgement.was or judgement.seen:
        lines.append(f"was        {visible(judgement.was or 'no such call', limit=160)}")
        lines.append(f"is         {visible(judgement.seen or 'no such call', limit=160)}")
    if fixture.edited:
        lines.append("note       event.json was edited by hand since it was recorded")
    return lines


def _what_to_do(judgement: Judgement, run_again: str) -> list[str]:
    """Give the commands that accept what has happened, unless the reason has them, and the one that repeats it."""
    ways = [] if judgement.verdict == "fixed" else judgement.ways
    width = max((len(command) for command, _ in ways), default=0)
    lines = [f"{'' if number else 'accept it':<9}  {way:<{width}}  # {what}" for number, (way, what) in enumerate(ways)]
    return [*lines, f"run again  {run_again}"]


def _production_lines(fixture: Fixture) -> list[str]:
    recorded = recorded_failure(fixture)
    return ["in production", *stack_lines(recorded)] if recorded and recorded.frames else []


def _happened(outcomes: Sequence[Outcome]) -> list[str]:
    """Put several outcomes of one fixture into words, those that are alike together."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        words = happened(outcome)
        counts[words] = counts.get(words, 0) + 1
    if len(counts) == 1:
        return list(counts)
    return [f"{count} of {len(outcomes)} times: {words}" for words, count in counts.items()]


def stack_lines(failure: Failure) -> list[str]:
    """Write a failure's frames, user code marked and long stretches of library code folded, and its headline."""
    lines: list[str] = []
    for owner, stretch in groupby(failure.frames, key=lambda frame: frame.owner):
        frames = list(stretch)
        lines += map(_frame, frames) if owner == "user" else _folded(frames)
    return [*lines, f"  {headline(failure.error_type, failure.message)}"]


def _folded(frames: Sequence[Frame]) -> Iterator[str]:
    if len(frames) <= _LIBRARY_FRAMES + 1:
        yield from map(_frame, frames)
        return
    hidden = frames[1:-1]
    packages = dict.fromkeys(one_line(frame.module.partition("/")[0], limit=40) for frame in hidden)
    yield _frame(frames[0])
    yield f"  … {len(hidden)} more in {', '.join(list(packages)[:4])}"
    yield _frame(frames[-1])


def _frame(frame: Frame) -> str:
    mark = ">" if frame.owner == "user" else " "
    where = f"{frame.module}:{frame.line}" if frame.line else frame.module
    what = f"{one_line(where, limit=60)} {one_line(frame.function, limit=60)}  {one_line(frame.code, limit=100)}"
    return f"{mark} {what}".rstrip()
