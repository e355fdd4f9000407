"""The identity of a failure: what stays the same over messages, machines, Python versions and moved lines."""

from collections import Counter
from collections.abc import Sequence

from replay.outcomes.message_patterns import MESSAGE_LIMIT, message_pattern
from replay.outcomes.message_templates import written_part
from replay.payloads.failures import Failure, Frame, Signature

FRAMES = 3
_AWS_TYPES = ("Runtime.", "Sandbox.", "Function.", "Extension.", "Lambda.", "States.", "Platform.")
_COMPREHENSIONS = {"<listcomp>", "<dictcomp>", "<setcomp>"}
_JAVASCRIPT = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_FRAMELESS = {"Sandbox.Timedout", "Runtime.ExitError"}


def signature(failure: Failure) -> Signature:
    """
    Give the signature of *failure*: equal signatures are the same bug.

    It has the error type without its module, the message without its data, and the three innermost frames of the user's
    own code, without line numbers. A timeout or a killed process has no frames: where it happened to be is chance.
    """
    error_type = _error_type(failure)
    frames = () if error_type in _FRAMELESS else _user_frames(failure.frames, recursion=error_type == "RecursionError")
    return Signature(error_type=error_type, message=_message(error_type, failure), frames=frames)


def _error_type(failure: Failure) -> str:
    name = failure.error_type
    if not name and "Task timed out after" in failure.message:
        return "Sandbox.Timedout"  # as Lambda wrote it before 2025, without a type
    return name if name.startswith(_AWS_TYPES) else name.rpartition(".")[2]


def _message(error_type: str, failure: Failure) -> str:
    innermost = failure.frames[-1] if failure.frames else None
    if innermost is not None and innermost.owner == "user":
        written = written_part(failure.message, _code(innermost))
        if written is None and error_type == "KeyError":
            written = written_part(failure.message[1:-1], _code(innermost))  # str() of a KeyError quotes its message
        if written is not None:
            return " ".join(written.split())[:MESSAGE_LIMIT]
    return message_pattern(error_type, failure.message)


def _user_frames(frames: Sequence[Frame], *, recursion: bool) -> tuple[str, ...]:
    names = [_frame_name(frame) for frame in _inlined([each for each in frames if each.owner == "user"])]
    circle = sorted(name for name, times in Counter(names).items() if times > 1) if recursion else []
    if circle:
        return tuple(circle[:FRAMES])  # where in the circle the stack ran out is chance: it has an order of its own
    innermost_first = dict.fromkeys(reversed(names))
    return tuple(reversed(list(innermost_first)[:FRAMES]))


def _inlined(frames: Sequence[Frame]) -> list[Frame]:
    """Put comprehensions into the functions around them, as Python does from 3.12 on."""
    inlined: list[Frame] = []
    for frame in frames:
        if frame.function in _COMPREHENSIONS and inlined and inlined[-1].module == frame.module:
            around = inlined.pop()
            frame = Frame(module=frame.module, function=around.function, code=frame.code)  # noqa: PLW2901 - the same frame
        inlined.append(frame)
    return inlined


def _frame_name(frame: Frame) -> str:
    return f"{frame.module}:{_function(frame)}:{_code(frame)}"


def _function(frame: Frame) -> str:
    """
    Give a function's own name: V8 puts before it what it was called on (`Runtime.handler`), and how.

    The same handler is `Runtime.handler` on Lambda, `BufferedInvokeProcessor.handler` under another release of AWS's
    client, and `handler` under a client of the user's own.
    """
    if not frame.module.endswith(_JAVASCRIPT):
        return frame.function
    name = frame.function.partition(" [as ")[0].removeprefix("async ").removeprefix("new ")
    return name.rpartition(".")[2] or name


def _code(frame: Frame) -> str:
    """Give the first line of a frame's code: from 3.13 on Python shows all lines of a long statement."""
    return " ".join(frame.code.strip().partition("\n")[0].split())
