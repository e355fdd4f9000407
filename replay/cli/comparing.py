"""What `replay run` does with two targets: plans both, asks once, compares, and tells."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, COULD_NOT_RUN, INTERRUPTED, UNEXPECTED, ended_properly, hang_up
from replay.cli.options import write_line
from replay.cli.sending_options import agree, show_plan
from replay.comparison.compare_events import CompareEvent, ComparisonFinished, FixtureCompared
from replay.comparison.comparison import Comparison
from replay.errors import ConfigurationError
from replay.targets.guard_rails.plan import plan_document

Listener = Callable[[CompareEvent], object]


def compare_and_exit(
    comparison: Comparison,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    junit: Path | None,
    options: Sequence[str],
) -> None:
    """Show the plans, have them agreed to, compare, and end with the exit code of the comparison."""
    if dry_run and not comparison.plans:
        raise ConfigurationError(
            "--dry-run is for deployed targets, and neither is one", where="--dry-run", hint="leave it out"
        )
    for plan in comparison.plans:
        if as_json and dry_run:
            write_line(plan_document(plan))
        else:
            show_plan(plan)
    if dry_run:
        return
    for plan in comparison.plans:
        agree(plan, yes=yes)
    with ended_properly(), closing(comparison.events()) as events, ExitStack() as stack:
        listeners = _listeners(stack, comparison, options, as_json=as_json, junit=junit)
        for event in events:
            _tell(listeners, event)
            if isinstance(event, ComparisonFinished):
                _tell_end(event)
                sys.exit(exit_code(event))


def sides_of(targets: Sequence[str], baseline: str | None) -> tuple[str, str]:
    """
    Give the baseline, and the target that is compared with it: of two targets, the first is the baseline.

    Raises:
        ConfigurationError: They are not two.
    """
    named = (*([baseline] if baseline else []), *(targets or (["local"] if baseline else [])))
    if len(named) != len(("baseline", "other")):
        raise ConfigurationError(
            f"{len(named)} targets are named",
            where=" ".join(f"--target {each}" for each in targets) + (f" --baseline {baseline}" if baseline else ""),
            expected="two: --target ONE --target OTHER, or --target ONE --baseline OTHER",
            hint="leave one out",
        )
    return named[0], named[1]


def exit_code(finished: ComparisonFinished) -> int:
    """Give 0 where all are the same, 1 where anything differs, and 2 where something could not be compared."""
    if finished.interrupted:
        return INTERRUPTED
    if finished.kinds.get("not_compared"):
        return COULD_NOT_RUN
    return UNEXPECTED if finished.kinds.get("differs") else AS_EXPECTED


def _tell(listeners: list[Listener], event: CompareEvent) -> None:
    for listen in list(listeners):
        try:
            listen(event)
        except BrokenPipeError:
            hang_up()
            listeners.remove(listen)


def _tell_end(finished: ComparisonFinished) -> None:
    if finished.stopped:
        click.echo(f"stopped {finished.stopped}", err=True)
    if finished.runs and (finished.stopped or finished.interrupted or finished.kinds.get("not_compared")):
        click.echo(f"go on with it: replay run --resume {finished.runs[-1]}", err=True)


def _listeners(
    stack: ExitStack, comparison: Comparison, options: Sequence[str], *, as_json: bool, junit: Path | None
) -> list[Listener]:
    names = comparison.baseline.target, comparison.other.target
    listeners: list[Listener] = []
    if sys.stderr.isatty():
        from replay.reports.comparison_progress import ComparisonProgress

        line = ComparisonProgress(lambda text: click.echo(text, nl=False, err=True))
        stack.callback(line.clear)
        listeners.append(line.notice)
    listeners.append(_json_writer(names) if as_json else _table_writer(options))
    if junit:
        listeners.append(_junit_writer(junit, names, options))
    return listeners


def _table_writer(options: Sequence[str]) -> Listener:
    from replay.reports.comparison_table import ComparisonTable

    return ComparisonTable(click.echo, options=options).notice


def _json_writer(names: tuple[str, str]) -> Listener:
    from replay.reports.comparison_lines import comparison_document, comparison_summary

    def write(event: CompareEvent) -> None:
        if isinstance(event, FixtureCompared):
            write_line(comparison_document(event))
        elif isinstance(event, ComparisonFinished):
            write_line(comparison_summary(event, baseline=names[0], other=names[1]))

    return write


def _junit_writer(path: Path, names: tuple[str, str], options: Sequence[str]) -> Listener:
    from replay.reports.comparison_junit import write_comparison_junit
    from replay.reports.junit import prepare_junit

    prepare_junit(path)
    told: list[FixtureCompared] = []

    def notice(event: CompareEvent) -> None:
        if isinstance(event, FixtureCompared):
            told.append(event)
        elif isinstance(event, ComparisonFinished):
            write_comparison_junit(path, told, names=names, elapsed_s=event.elapsed_s, options=options)

    return notice
