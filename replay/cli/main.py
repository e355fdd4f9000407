"""The command `replay`: which commands there are, and what happens when one cannot do its work."""

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from replay.cli.exits import AS_EXPECTED, could_not_run, hang_up, wanted_color
from replay.cli.groups import LazyGroup

# Names and one-line helps stand here, so that `replay --help` imports no command.
_COMMANDS = {
    "record": "Capture failed events from a source into fixtures.",
    "list": "List the fixtures.",
    "show": "Show one fixture for human eyes.",
    "run": "Replay fixtures and judge what happens.",
    "redrive": "Give those dead letters back that now succeed.",
    "runs": "List the runs against deployed targets.",
    "expect": "Accept a new expectation after a fix.",
    "minimize": "Cut fixtures down to what still fails in the same way.",
    "export": "Write the events of fixtures as JSON Lines, to a file or to S3.",
    "scan": "Find what should not be in fixtures.",
    "redact": "Redact fixtures again after rules have changed.",
    "prune": "Remove fixtures that the corpus can do without.",
    "pack": "Bring fixtures from folders into packs, for large corpora.",
    "unpack": "Bring fixtures from packs back into folders.",
    "migrate": "Bring old fixtures to the format of this version.",
    "schema": "Print the JSON Schema of fixture.json.",
    "athena-ddl": "Print the table for a log in S3, so that Athena can read it.",
    "doctor": "Say what is misconfigured and how to mend it.",
    "demo": "Go through the whole loop on an embedded AWS, no account needed.",
}


class Commands(LazyGroup):
    """The commands of `replay`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"replay.cli.{cmd_name.replace('-', '_')}_command").command
        return command

    def invoke(self, ctx: click.Context) -> None:
        """Call the command; that nobody wants to read its output any more is no error."""
        try:
            super().invoke(ctx)
        except BrokenPipeError:
            hang_up()
            raise click.exceptions.Exit(AS_EXPECTED) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="event-replay", prog_name="replay")
def cli() -> None:
    """
    Turn the message that poisoned your queue into a fixture that fails locally, then stays fixed.

    \b
    replay record sqs --queue orders-dlq --function orders
    replay run                       the same failures, here, in seconds
    pytest -k replay                 the same in your tests
    replay expect ID succeeds        after the fix

    Exit codes: 0 as expected, 1 unexpected outcome, 2 could not run, 130 interrupted (Ctrl-C).
    """  # noqa: D301 - \b is how click is told to leave lines alone


def main(arguments: Sequence[str] | None = None) -> None:
    """
    Run the command line; a failure of ours is one clear message and exit code 2, never a traceback.

    Args:
        arguments: By default those of this process, which is then all ours.
    """
    if arguments is None:
        _collect_seldom()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who has called us, as `>&-` does
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the process ends
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 gets escapes, not a failure
    with could_not_run():
        sys.exit(cli.main(args=arguments, prog_name="replay", standalone_mode=False, color=wanted_color()) or 0)


def _collect_seldom() -> None:
    """
    Look for garbage in rings less often than Python does by itself, and not once more at the end.

    Measured: else it takes 0.7 s of 1.8 s of `replay run`, among modules that are there to stay.
    """
    gc.set_threshold(50_000, 20, 20)
    atexit.register(_leave_garbage)


def _leave_garbage() -> None:
    """Keep Python from looking for garbage as it ends, but where DuckDB would call what it then finds leaked."""
    if "duckdb" not in sys.modules:
        gc.freeze()


if __name__ == "__main__":
    main()
