"""What is known of a failure: its frames, its identity, and what was observed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Observer = Literal["source", "logs", "local"]

UNTOLD_TYPES = frozenset({
    "", "Unhandled", "Handled", "RetriesExhausted", "EventAgeExceeded", "RetryAttemptsExhausted", "RecordAgeExceeded",
})  # fmt: skip
"""What stands for an error's type where nobody told it: nothing, or why AWS gave up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """
    One line of a stack, outermost first in a stack's order.

    `module` is the path of the file relative to the function's code (`/var/task`, `/opt` and `CodeUri` mapped away),
    `code` the text of the line, stripped. `line` and `file` are for eyes only and no part of a signature.
    """

    module: str
    function: str
    code: str = ""
    owner: Literal["user", "library"] = "user"
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """
    The identity of a failure: equal signatures are the same bug.

    `message` is normalised (its variable parts replaced), `frames` are the top user frames as `module:function:code`.
    """

    error_type: str
    message: str
    frames: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Twelve hex digits that stand for this signature in names and output."""
        import hashlib  # it loads OpenSSL, and the processes that read logs digest nothing

        parts = "\x1f".join((self.error_type, self.message, *self.frames))
        return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    What a REPORT line or a `platform.report` says of a request; None is what it does not say.

    `cpu_time_ms` is told by Lambda Insights only.
    """

    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    memory_size_mb: float | None = None
    max_memory_used_mb: float | None = None
    init_duration_ms: float | None = None
    status: str | None = None
    cpu_time_ms: float | None = None

    @property
    def memory_was_used_up(self) -> bool:
        """Whether the function had all the memory there is."""
        used, size = self.max_memory_used_mb, self.memory_size_mb
        return used is not None and size is not None and used >= size


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """
    One segment of a trace; those below it in the tree follow it, with a greater `depth`.

    `cause` is its first exception; `began` marks the one where the fault began.
    """

    name: str
    depth: int = 0
    status: Literal["ok", "error", "fault", "throttle"] = "ok"
    duration_ms: float | None = None
    cause: str = ""
    began: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """
    A failure as it was observed.

    `error_type` and `message` are as the runtime gave them (`KeyError`, `'customer_id'`); `frames` go outermost first;
    `stack` is the trace as text; `signature` is there once it has been worked out. `condition` is AWS's own word where
    a failure record has one (`RetriesExhausted`). `log_lines`, `report` and `trace` are those of the failed invocation.
    """

    error_type: str
    message: str
    signature: Signature | None = None
    frames: tuple[Frame, ...] = ()
    stack: str = ""
    observed: Observer = "source"
    condition: str | None = None
    attempts: int | None = None
    request_id: str | None = None
    trace_id: str | None = None
    log_lines: tuple[str, ...] = ()
    report: Report | None = None
    trace: tuple[Segment, ...] = ()


_NAMELESS = frozenset({"Runtime.ExitError", "Runtime.Unknown", "Unhandled"})
"""What Lambda calls an end of which it knows no more than that it came."""


def knowledge(failure: Failure) -> tuple[bool, bool, bool]:
    """Order failures by what they tell: a stack before a message before a status."""
    return bool(failure.frames), bool(failure.stack), bool(failure.message)


def most_telling(failures: Sequence[Failure]) -> Failure | None:
    """
    Choose of several words for one failure those that tell most, the earlier of two that tell as much.

    A process that ended tells less than why it did: the panic of a Go function, or the type that its report names.
    """
    best = max(failures, key=knowledge, default=None)
    if best is None or best.error_type not in _NAMELESS:
        return best
    named = max((each for each in failures if each.error_type not in _NAMELESS), key=knowledge, default=None)
    if named is None or named.message or named.stack:
        return named or best
    return replace(best, error_type=named.error_type)
