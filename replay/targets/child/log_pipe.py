"""What a process and its children print, kept in bounded memory."""

import codecs
import fcntl
import os
import selectors
import sys

from replay.targets.in_process.invocation_log import BoundedText

_READ_BYTES = 1024 * 1024
_F_SETPIPE_SZ = 1031
_PIPE_BYTES = 1024 * 1024


class LogPipe:
    """
    The reading end of a pipe that is both stdout and stderr of a process; what comes is read whenever *selector* says.

    Lambda keeps a log in the order of writing, whichever of the two it was written to. `size_bytes` counts all that
    ever came.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        if sys.platform == "linux":
            _enlarge(self.writing)
        self.size_bytes = 0
        self._forget()
        selector.register(self._reading, selectors.EVENT_READ, self._read)

    def take(self) -> str:
        """Give what was printed since the last time, up to this moment."""
        self._drain()
        text = str(self._text) + self._decoder.decode(b"", final=True)
        self._forget()
        return text

    def close(self) -> None:
        """Read no more."""
        self._selector.unregister(self._reading)
        os.close(self._reading)
        os.close(self.writing)

    def _drain(self) -> None:
        """Read what is in the pipe now; a process that goes on printing does not keep us."""
        left = _PIPE_BYTES
        while left > 0 and (size := self._read()):
            left -= size

    def _read(self) -> int:
        try:
            data = os.read(self._reading, _READ_BYTES)
        except BlockingIOError:
            return 0
        self.size_bytes += len(data)
        self._text.write(self._decoder.decode(data))
        return len(data)

    def _forget(self) -> None:
        self._text = BoundedText()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")


def _enlarge(pipe: int) -> None:
    """Let much be printed at once; a system that allows no more than it does is as well."""
    try:
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, _PIPE_BYTES)
    except OSError:
        return
