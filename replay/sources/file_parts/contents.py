"""The content of a file as a stream of bytes, unpacked where it is packed, and the lines of it."""

import io
from collections.abc import Iterator
from typing import NamedTuple

from replay.sources.s3_log_parts.console_tables import without_tables
from replay.sources.s3_log_parts.object_streams import PIECE_BYTES, Counted, Readable, Unreadable, unpacked

MOST_LINE_BYTES = 32 * 1024 * 1024
"""An answer of `ReceiveMessage` with ten of the largest messages fits into one line; what is longer is skipped."""

_MOST_UNPACKED_BYTES = 2_000_000_000


class Content(io.RawIOBase):
    """
    What a file holds: gzip and Zstandard are known by their first bytes and unpacked, anything else is as it is.

    `problem` says why the rest cannot be read, as an end too early or a zip bomb; what came before it is good.
    """

    def __init__(self, raw: Readable) -> None:
        self._counted = Counted(raw)
        self._pieces = without_tables(unpacked(self._counted, most_bytes=_MOST_UNPACKED_BYTES))
        self._held = memoryview(b"")
        self.problem = ""

    @property
    def read_bytes(self) -> int:
        """How much of the file is read, as it lies there."""
        return self._counted.given

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's is a private type
        while not self._held:
            try:
                self._held = memoryview(next(self._pieces))
            except StopIteration:
                return 0
            except Unreadable as error:
                self.problem = str(error)
                self._pieces = iter(())
                return 0
        size = min(len(buffer), len(self._held))
        buffer[:size], self._held = self._held[:size], self._held[size:]
        return size


def buffered(content: Content) -> io.BufferedReader:
    """Make *content* readable line by line."""
    return io.BufferedReader(content, PIECE_BYTES)


class Line(NamedTuple):
    """One line of a file, by its number from 1; `data` is None where it is too long to be read."""

    number: int
    data: bytes | None


def lines(file: io.BufferedIOBase, first: int = 1) -> Iterator[Line]:
    """Give each line; of one that is too long no more is in memory than a line may have."""
    number = first
    while data := file.readline(MOST_LINE_BYTES + 1):
        if len(data) <= MOST_LINE_BYTES:
            yield Line(number, data)
        else:
            while data and not data.endswith(b"\n"):
                data = file.readline(MOST_LINE_BYTES)
            yield Line(number, None)
        number += 1
