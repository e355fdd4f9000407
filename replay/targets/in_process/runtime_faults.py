"""Failures that the runtime or the platform reports, as opposed to those that the function raises."""

from collections.abc import Sequence

from replay.delivery.attempt import ReplyStatus
from replay.delivery.python_answers import exit_message
from replay.payloads.failures import Frame


class RuntimeFault(Exception):
    """
    The runtime's own word for what went wrong, such as `Runtime.MarshalError`.

    Only a syntax error has frames, and no fault but a syntax error has a stack on Lambda; here `stack` may tell more.
    """

    def __init__(
        self,
        error_type: str,
        message: str,
        *,
        status: ReplyStatus = "raised",
        frames: Sequence[Frame] = (),
        stack: str = "",
    ) -> None:
        self.error_type = error_type
        self.message = message
        self.status: ReplyStatus = status
        self.frames = tuple(frames)
        self.stack = stack
        super().__init__(message)

    def text(self, request_id: str) -> str:
        """Give the message as it is reported: the platform, which sees the process end, names the request."""
        return f"RequestId: {request_id} Error: {self.message}" if self.ends_the_process else self.message

    @property
    def ends_the_process(self) -> bool:
        """Whether the platform ends the function's process, so that the next invocation is a cold start."""
        return self.status in {"timed_out", "exited", "out_of_memory"}


def timed_out(timeout_s: float, stack: str) -> RuntimeFault:
    """Source: recording test_lambda_invoke_with_timeout (2025-11)."""
    return RuntimeFault(
        "Sandbox.Timedout", f"Task timed out after {timeout_s:.2f} seconds", status="timed_out", stack=stack
    )


def exited(code: object, stack: str) -> RuntimeFault:
    """The function ended its process by *code*, as `sys.exit` takes it (see `exit_message`)."""
    return RuntimeFault("Runtime.ExitError", exit_message(code), status="exited", stack=stack)
