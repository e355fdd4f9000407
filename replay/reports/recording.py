"""A recording for human eyes: a progress bar while it goes, a few lines when it is done."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from replay.counted_nouns import counted
from replay.payloads.exact_json import Json
from replay.recorder import RecordingSummary
from replay.reports.visible_text import one_line, visible

_NAMED_AT_MOST = 10
_PROBLEMS_AT_MOST = 20


@contextmanager
def progress_bar(*, enabled: bool) -> Iterator[Callable[[int, int | None], object] | None]:
    """Show how many captures were seen, at which rate and how many are left, on stderr; None where nobody looks."""
    if not enabled:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    with Progress(
        SpinnerColumn(),
        TextColumn("recording"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("recording", total=None, rate=0.0)

        def advance(seen: int, total: int | None) -> None:
            elapsed = progress.tasks[0].elapsed or 0
            rate = seen / elapsed if elapsed else 0.0
            progress.update(task, completed=seen, total=max(total, seen) if total else None, rate=rate)

        yield advance


def summary_lines(summary: RecordingSummary, folder: Path) -> list[str]:
    """Write what was recorded: one line of counts, one a failure, the fixtures' names, and what was drained."""
    lines = [f"{counted(summary.seen, 'event seen', 'events seen')}: {', '.join(_counts(summary))}"]
    lines += [_failure_line(summary, label, count) for label, count in summary.by_failure.items()]
    if summary.left_out:
        kept = summary.written + summary.duplicates
        failures = counted(len(summary.by_failure), "failure")
        most = f"at most {summary.sample} of each that is known, those recorded before included"
        lines.append(f"kept {kept:,} of {kept + summary.left_out:,}: {failures}, {most}; --all keeps every one")
    lines += [f"          {reference}" for reference in summary.written_references[:_NAMED_AT_MOST]]
    more = summary.written - min(len(summary.written_references), _NAMED_AT_MOST)
    if more > 0:
        lines.append(f"          … and {more:,} more in {folder}")
    consumed = _consumed(summary)
    if consumed:
        lines.append(f"drained: {', '.join(consumed)}")
    return lines


def remark_lines(summary: RecordingSummary) -> list[str]:
    """Write what the user must know: notes, what was not recorded, and whether it was ended early."""
    lines = [f"note: {visible(note)}" for note in summary.notes]
    lines += [f"problem: {visible(problem)}" for problem in summary.problems[:_PROBLEMS_AT_MOST]]
    if len(summary.problems) > _PROBLEMS_AT_MOST:
        lines.append(f"problem: … and {summary.failed - _PROBLEMS_AT_MOST:,} more")
    if summary.interrupted:
        lines.append(
            "interrupted: what was recorded is whole, and what was taken was given back but for what is noted above; "
            "run it again to go on"
        )
    return lines


def next_step(function: str, options: Sequence[str] = ()) -> str:
    """Say what to do with what was recorded; *options* say where it is."""
    return f"next: {shlex.join(('replay', 'run', function, *options))}"


def summary_document(summary: RecordingSummary) -> dict[str, Json]:
    """Give the summary line of a recording."""
    return {
        "type": "summary",
        "seen": summary.seen,
        "written": summary.written,
        "known": summary.duplicates,
        "left_out": summary.left_out,
        "skipped": summary.skipped,
        "failed": summary.failed,
        "redacted": summary.changed,
        "by_failure": dict(summary.by_failure),
        "kept_by_failure": dict(summary.kept_by_failure),
        "sample": summary.sample,
        "deleted": summary.deleted,
        "moved": summary.moved,
        "left": summary.left,
        "notes": list(summary.notes),
        "problems": list(summary.problems),
        "interrupted": summary.interrupted,
    }


def _counts(summary: RecordingSummary) -> list[str]:
    if not summary.seen:
        return ["nothing to record"]
    counts = [f"{summary.written:,} recorded"]
    if summary.duplicates:
        counts.append(f"{summary.duplicates:,} recorded before")
    if summary.left_out:
        counts.append(f"{summary.left_out:,} left out")
    if summary.skipped:
        counts.append(f"{summary.skipped:,} not asked for")
    if summary.failed:
        counts.append(f"{summary.failed:,} not recorded")
    if summary.changed:
        counts.append(f"{summary.changed:,} with something redacted")
    elif summary.written or summary.duplicates:
        counts.append("nothing found to redact")
    return counts


def _failure_line(summary: RecordingSummary, label: str, count: int) -> str:
    kept = summary.kept_by_failure.get(label, 0)
    return f"  {count:>6,}  {one_line(label)}" + (f"  ({kept:,} kept)" if kept < count else "")


def _consumed(summary: RecordingSummary) -> list[str]:
    counts = {"deleted": summary.deleted, "moved": summary.moved, "left in the queue": summary.left}
    return [f"{count:,} {what}" for what, count in counts.items() if count]
