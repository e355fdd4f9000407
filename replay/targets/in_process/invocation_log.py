"""What a function prints and logs, caught as Lambda's log would have it."""

import io
import logging
import sys
import warnings
from collections import deque
from typing import Any

from replay.functions.function import Function
from replay.targets.in_process.debugger import in_a_debugger
from replay.targets.in_process.log_format import log_formatter, root_level

_HALF = 512 * 1024


class BoundedText:
    """Text of any length in bounded memory: its first and last *half* characters, and how many are missing between."""

    def __init__(self, half: int = _HALF) -> None:
        self._half = half
        self._head: list[str] = []
        self._head_room = half
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._lost = 0

    def write(self, text: str) -> None:
        """Append *text*."""
        if self._head_room:
            self._head.append(text[: self._head_room])
            text = text[self._head_room :]
            self._head_room -= len(self._head[-1])
            if not text:
                return
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size > self._half:
            excess = self._tail_size - self._half
            first = self._tail.popleft()
            if len(first) > excess:
                self._tail.appendleft(first[excess:])
            gone = min(len(first), excess)
            self._lost += gone
            self._tail_size -= gone

    def __str__(self) -> str:
        missing = f"\n… {self._lost} characters left out …\n" if self._lost else ""
        return "".join([*self._head, missing, *self._tail])


class InvocationLog:
    """
    Catches stdout, stderr and the root logger between `start` and `stop`, and gives back what was there before.
    Meanwhile stdin is empty, as there.

    The root logger is set up as the Python runtime does it, so that `logging.basicConfig` in the function does nothing
    and `setLevel` all it should; what the function changes in it lasts until `forget`.

    Source: aws-lambda-python-runtime-interface-client 4.2.2, `bootstrap.py`.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._stream = _LogStream()
        self._input = _NoInput()
        self.forget()

    def forget(self) -> None:
        """Set the root logger and the warning filters up anew, as for a new process."""
        self._handlers: list[logging.Handler] = [_RuntimeHandler(self._stream, log_formatter(self._function))]
        self._level = root_level(self._function)
        self._warnings: list[Any] = _DEFAULT_WARNINGS[:]

    def start(self, request_id: str) -> None:
        """Begin to catch."""
        self._stream.caught = BoundedText()
        self._stream.request_id = request_id
        root = logging.getLogger()
        self._outside = (sys.stdin, sys.stdout, sys.stderr, root.handlers, root.level)
        self._input.outside, self._stream.outside = sys.stdin, sys.stdout
        sys.stdin, sys.stdout, sys.stderr = self._input, self._stream, self._stream
        root.handlers = self._handlers
        _set_level(root, self._level)
        self._catch_warnings = warnings.catch_warnings()
        self._catch_warnings.__enter__()
        warnings.filters[:] = self._warnings  # type: ignore[index]  # typed as a sequence, and a list

    def stop(self) -> str:
        """Give back what was there before, and what was caught."""
        root = logging.getLogger()
        self._warnings = list(warnings.filters)
        self._catch_warnings.__exit__(None, None, None)
        self._handlers, self._level = root.handlers, root.level
        sys.stdin, sys.stdout, sys.stderr, root.handlers, level = self._outside
        _set_level(root, level)
        text = str(self._stream.caught)
        self._stream.caught = BoundedText()
        return text


_DEFAULT_WARNINGS: list[Any] = [
    ("default", None, DeprecationWarning, "__main__", 0),
    *(("ignore", None, kind, None, 0) for kind in (DeprecationWarning, PendingDeprecationWarning)),
    *(("ignore", None, kind, None, 0) for kind in (ImportWarning, ResourceWarning)),
]
"""Python's own filters, which Lambda leaves as they are; a test runner's may turn a warning into an error."""


def _set_level(root: logging.Logger, level: int) -> None:
    if root.level != level:
        root.setLevel(level)


class _LogStream(io.TextIOBase):
    """Stands for stdout and stderr; UTF-8 only, as there. A debugger's prompt goes past it, to who is debugging."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self) -> None:
        self.caught = BoundedText()
        self.outside = sys.stdout
        self.request_id = ""
        self.buffer = _BinaryLogStream(self)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not text.isascii():
            text.encode("utf-8")  # a lone surrogate fails here, as it does there
        if in_a_debugger():
            self.outside.write(text)
        else:
            self.caught.write(text)
        return len(text)

    def flush(self) -> None:
        if in_a_debugger():
            self.outside.flush()

    def writable(self) -> bool:
        return True

    def reconfigure(self, **_: object) -> None:
        """Accept what a real standard stream accepts."""

    def close(self) -> None:
        """Stay open, whoever closes it: the next invocation writes here."""


class _NoInput(io.TextIOBase):
    """Stands for stdin. A debugger's prompt reads past it, from who is debugging."""

    def __init__(self) -> None:
        self.outside = sys.stdin

    def read(self, size: int | None = -1, /) -> str:
        return self.outside.read(-1 if size is None else size) if in_a_debugger() else ""

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # the base class's is of bytes or str
        return self.outside.readline(size) if in_a_debugger() else ""

    def readable(self) -> bool:
        return True


class _BinaryLogStream(io.BufferedIOBase):
    def __init__(self, text: _LogStream) -> None:
        self._text = text

    def write(self, data: Any) -> int:
        self._text.caught.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def writable(self) -> bool:
        return True


class _RuntimeHandler(logging.Handler):
    """The runtime's handler: an error in formatting or encoding reaches the function, unlike with Python's own."""

    def __init__(self, stream: _LogStream, formatter: logging.Formatter) -> None:
        super().__init__()
        self._stream = stream
        self.setFormatter(formatter)
        self.addFilter(self._add_request_id)

    def _add_request_id(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self._stream.request_id
        record.tenant_id = None
        return True

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self._stream.write(text if text.endswith("\n") else f"{text}\n")  # on AWS each record is an entry of its own
