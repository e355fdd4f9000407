"""What is known of a failure: its frames, its identity, and what was observed."""

import hashlib
from dataclasses import dataclass
from typing import Literal

Observer = Literal["source", "logs", "local"]


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
        parts = "\x1f".join((self.error_type, self.message, *self.frames))
        return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """
    A failure as it was observed.

    `error_type` and `message` are as the runtime gave them (`KeyError`, `'customer_id'`); `frames` go outermost first;
    `stack` is the trace as text; `signature` is there once it has been worked out. `condition` is AWS's own word where
    a failure record has one (`RetriesExhausted`).
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
