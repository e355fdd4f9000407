"""Exit codes, and what a user reads when we could not do our work."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from replay.errors import ReplayError

AS_EXPECTED = 0
UNEXPECTED = 1
COULD_NOT_RUN = 2
INTERRUPTED = 130


@contextmanager
def could_not_run() -> Iterator[None]:
    """
    Turn what stops a command into its message on stderr and its exit code.

    `REPLAY_DEBUG=1` shows the traceback of our own error instead; captured payloads are never part of one.
    """
    try:
        yield
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(COULD_NOT_RUN)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # `replay list | head` closes the pipe: not an error, and Python must not complain of it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(AS_EXPECTED)
    except ReplayError as error:
        if os.environ.get("REPLAY_DEBUG"):
            raise
        click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
        sys.exit(COULD_NOT_RUN)
