"""Exit codes, and what a user reads when we could not do our work."""

import errno
import os
import signal
import sys
import threading
import traceback
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
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(COULD_NOT_RUN)
    except click.ClickException as error:
        tell_error(_usage(error))
        sys.exit(COULD_NOT_RUN)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(INTERRUPTED)
    except ReplayError as error:
        if os.environ.get("REPLAY_DEBUG"):
            raise
        tell_error(error)
        sys.exit(COULD_NOT_RUN)
    except Exception as error:  # the last line of defence: a user gets a sentence, also for a mistake of ours
        if os.environ.get("REPLAY_DEBUG"):
            raise
        tell_error(_unforeseen(error))
        _drop_what_cannot_be_written()
        sys.exit(COULD_NOT_RUN)


def hang_up() -> None:
    """Write to nobody from now on: `replay list | head` has closed the pipe, and Python may not complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _drop_what_cannot_be_written() -> None:
    """Have nothing left to write when Python ends: on a full disk that fails again, with an exit code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        hang_up()


def tell_error(error: ReplayError) -> None:
    """Write an error on stderr, and the notes that were added to it on the way; nothing in it can act on a terminal."""
    from replay.reports.visible_text import visible

    color = wanted_color()
    click.echo(f"{click.style('error:', fg='red', bold=True)} {visible(str(error))}", err=True, color=color)
    for note in getattr(error, "__notes__", ()):
        click.echo(f"note: {visible(note)}", err=True, color=color)


def wanted_color() -> bool | None:
    """Say whether colours are asked for (True), refused (False, https://no-color.org), or up to the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("REPLAY_COLOR"):  # the demo passes colours on through its pipe
        return True
    return None


def _usage(error: click.ClickException) -> ReplayError:
    """Put click's own errors into the same form as ours."""
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help" if context else ""
    return ReplayError(error.format_message().rstrip("."), hint=hint)


def _unforeseen(error: Exception) -> ReplayError:
    """Say where we failed and nothing of the error's own text, which may quote a payload; but the system's words."""
    if isinstance(error, FileNotFoundError) and not error.filename and _nowhere():
        return ReplayError("the working directory is gone", hint="change to a folder that is there")
    if isinstance(error, OSError) and error.strerror:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        hint = "free some space, then run the command again" if is_full else "REPLAY_DEBUG=1 shows where"
        return ReplayError(error.strerror, where=str(error.filename or ""), hint=hint)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return ReplayError(
        f"a mistake in replay itself: {type(error).__name__}",
        where=f"{os.path.basename(frame.filename)}:{frame.lineno} in {frame.name}",  # noqa: PTH119 - no pathlib here
        hint="report it; REPLAY_DEBUG=1 shows the traceback",
    )


def _nowhere() -> bool:
    """Say whether somebody has removed the folder that we work in."""
    try:
        return not os.getcwd()  # noqa: PTH109 - no pathlib here
    except FileNotFoundError:
        return True


@contextmanager
def ended_properly() -> Iterator[None]:
    """
    Take a cancelled CI job (SIGTERM) or a closed terminal (SIGHUP) as Ctrl-C, so that every lease is given back,
    and what was made is removed.

    What is ignored (nohup) stays ignored.
    """
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ends = [end for end in known if signal.getsignal(end) is not signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {end: signal.signal(end, signal.default_int_handler) for end in ends}
    try:
        yield
    finally:
        for end, handler in before.items():
            signal.signal(end, handler)
