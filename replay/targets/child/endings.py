"""What the platform says of a process that ended, or that it had to end."""

import os
import signal

from replay.delivery.attempt import ReplyStatus
from replay.targets.in_process.runtime_faults import RuntimeFault

_SIGNAL_NAMES: dict[int, str] = {
    signal.SIGABRT: "aborted",
    signal.SIGALRM: "alarm clock",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGHUP: "hangup",
    signal.SIGILL: "illegal instruction",
    signal.SIGINT: "interrupt",
    signal.SIGKILL: "killed",
    signal.SIGPIPE: "broken pipe",
    signal.SIGQUIT: "quit",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGTERM: "terminated",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGUSR1: "user defined signal 1",
    signal.SIGUSR2: "user defined signal 2",
}
"""As Go, in which Lambda's agent is written, names them. Source: the `signals` table of Go's package `syscall`."""


def exited(wait_status: int) -> RuntimeFault:
    """
    Say how a process ended by its *wait_status*.

    Source: recordings test_lambda_handler_exit (no status), test_lambda_wrapper_not_found (a status), and
    newrelic-entry_lambda_oom (a signal).
    """
    code = os.waitstatus_to_exitcode(wait_status)
    if code < 0:
        reason = f"with error: signal: {_SIGNAL_NAMES.get(-code, f'signal {-code}')}"
    else:
        reason = f"with error: exit status {code}" if code else "without providing a reason"
    return _exit_error(reason, "exited")


def out_of_memory() -> RuntimeFault:
    """Source: recording newrelic-entry_lambda_oom."""
    return _exit_error("with error: signal: killed", "out_of_memory")


def is_segmentation_fault(wait_status: int) -> bool:
    """Say whether a process ended by touching memory that is not its own."""
    return os.WIFSIGNALED(wait_status) and os.WTERMSIG(wait_status) == signal.SIGSEGV


def _exit_error(reason: str, status: ReplyStatus) -> RuntimeFault:
    return RuntimeFault("Runtime.ExitError", f"Runtime exited {reason}", status=status)
