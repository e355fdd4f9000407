"""A recording for human eyes: a progress bar while it goes, a few lines when it is done."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from replay.counted_nouns import counted
from replay.payloads.exact_json import Json
from replay.recorder import Progress, RecordingSummary
from replay.reports.visible_text import one_line, visible

_NAMED_AT_MOST = 10
_PROBLEMS_AT_MOST = 20


@contextmanager
def progress_bar(*, enabled: bool) -> Iterator[Callable[[Progress], object] | None]:
    """Show what is done, how many captures were seen at which rate, and the time left, on stderr; None if unwatched."""
    if not enabled:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    with Bar(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:.0f}%"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("recording", total=None)

        def advance(to: Progress) -> None:
            done, total = _way(to)
            told = progress_text(to, elapsed_s=bar.tasks[0].elapsed or 0)
            bar.update(task, description=told, completed=done, total=total)

        yield advance


def progress_text(to: Progress, *, elapsed_s: float) -> str:
    """Write how far a recording has come: what its source does, events with their rate, bytes with theirs."""
    from rich.filesize import decimal

    advance = to.advance
    parts = [advance.doing if advance is not None else "recording"]
    if advance is not None and advance.unit == "bytes":
        of = f" of {decimal(int(advance.total))}" if advance.total else ""
        each = f", {decimal(int(advance.done / elapsed_s))}/s" if elapsed_s else ""
        parts[0] += f" {decimal(int(advance.done))}{of}{each}"
    about = f" of about {to.total:,}" if to.total and to.total >= to.seen else ""
    events = f"{to.seen:,}{about} event{'' if (to.total or to.seen) == 1 else 's'}"
    rate = to.seen / elapsed_s if elapsed_s else 0.0
    parts.append(f"{events}, {rate:,.0f}/s" if rate >= 1 or not to.seen else f"{events}, {rate * 60:,.0f}/min")
    return ": ".join(parts)


def _way(to: Progress) -> tuple[float, float | None]:
    """Say what is done of how much: of what the source goes through, else of the captures that there are."""
    if to.advance is not None and to.advance.total:
        return to.advance.done, max(to.advance.total, to.advance.done)
    return to.seen, max(to.total, to.seen) if to.total else None


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
