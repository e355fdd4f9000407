"""The bytes of an object, unpacked piece by piece: never more of it in memory than a piece."""

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol, cast

from replay.errors import AwsError, ConfigurationError
from replay.readers.aws_errors import aws_errors
from replay.sources.s3_log_parts.log_objects import LogObject

PIECE_BYTES = 1024 * 1024
"""So much is unpacked at a time."""

_READ_BYTES = 256 * 1024
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW = 31
_ZSTD_WINDOW_BYTES = 64 * 1024 * 1024
_HONEST_RATIO = 100
"""Logs pack to a tenth or a twentieth; what unpacks to more than this is cut off at the size that the user allows."""

_MOST_LAYERS = 2
_FOREIGN = {
    b"PK\x03\x04": "ZIP", b"PAR1": "Parquet", b"ORC": "ORC", b"Obj\x01": "Avro", b"BZh": "bzip2", b"\xfd7zXZ": "xz",
    b"\x04\x22\x4d\x18": "LZ4", b"\xff\x06\x00\x00sNaPpY": "Snappy", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16",
}  # fmt: skip
"""What objects of a delivery stream, or files of a shell, begin with that no log of lines does."""

_MOST_RESUMES = 5


class Unreadable(Exception):
    """The rest of an object cannot be read; what came before it is good. Its message is for the user."""


class Readable(Protocol):
    """What gives the bytes of an object as they lie there."""

    def read(self, size: int, /) -> bytes: ...


class BucketObject:
    """An object of a bucket, read on from where it was when the connection breaks."""

    def __init__(self, client: Any, found: LogObject) -> None:
        self._client, self._found = client, found
        self._body: Any = None
        self._at, self._etag = 0, ""
        self._resumed = 0

    def read(self, size: int) -> bytes:
        """
        Give the next bytes, or none at the end.

        Raises:
            AwsError: It may not be read, or the connection breaks again and again.
        """
        from botocore.exceptions import HTTPClientError, ReadTimeoutError, ResponseStreamingError
        from urllib3.exceptions import HTTPError

        while True:
            try:
                piece: bytes = (self._body or self._open()).read(size)
            except (HTTPError, HTTPClientError, ReadTimeoutError, ResponseStreamingError) as error:
                self._body, self._resumed = None, self._resumed + 1
                if self._resumed > _MOST_RESUMES:
                    raise Unreadable("the connection broke again and again") from error
            else:
                self._at += len(piece)
                return piece

    def _open(self) -> Any:
        found = self._found
        more = {"Range": f"bytes={self._at}-", "IfMatch": self._etag} if self._at else {}
        with aws_errors(where=found.place, service="s3"):
            answer = self._client.get_object(Bucket=found.bucket, Key=found.key, **more)
        self._body, self._etag = answer["Body"], answer["ETag"]
        return self._body

    def close(self) -> None:
        """Let go of the connection, also in the middle."""
        if self._body is not None:
            self._body.close()


def opened(found: LogObject, client: Any) -> AbstractContextManager[Readable]:
    """Open an object or a file for reading, as it lies there."""
    if not found.bucket:
        return Path(found.key).open("rb")
    from contextlib import closing

    return closing(BucketObject(client, found))


def unpacked(raw: Readable, *, most_bytes: int) -> Iterator[bytes]:
    """
    Give the content piece by piece: gzip and Zstandard are known by their first bytes, anything else is plain.

    What is packed twice is unpacked twice: CloudWatch Logs packs what it sends, and Firehose packs it again if told to.

    Args:
        most_bytes: Where a packed object unpacks to more than this, and to more than a hundred times what it was, the
            rest is not read.

    Raises:
        Unreadable: The rest cannot be unpacked, or is far too large; or it is of a form that is not read.
        ConfigurationError: The object is Zstandard, and the package for it is not installed.
    """
    counted = Counted(raw)
    yield from _layer(counted, counted, most_bytes, _MOST_LAYERS)


def _layer(source: Readable, counted: "Counted", most_bytes: int, layers: int) -> Iterator[bytes]:
    """Take one packing off, and those inside; *counted* is the object as it lies there."""
    first = _read(source)
    if form := next((form for mark, form in _FOREIGN.items() if first.startswith(mark)), None):
        raise Unreadable(f"it is {form}, which is not read")
    unpack = _gunzipped if first.startswith(_GZIP) else _zstd if first.startswith(_ZSTD) else None
    if unpack is not None and not layers:
        raise Unreadable("it is packed more often than twice")
    if unpack is None:
        while first:
            yield first
            first = _read(source, PIECE_BYTES)
        return
    pieces = _measured(unpack(source, first), counted, most_bytes)
    head = next(pieces, b"")
    if head.startswith((_GZIP, _ZSTD, *_FOREIGN)):
        yield from _layer(_Pieces(head, pieces), counted, most_bytes, layers - 1)
        return
    yield head
    yield from pieces


class _Pieces:
    """What one layer gives, to be read by the next."""

    def __init__(self, head: bytes, pieces: Iterator[bytes]) -> None:
        self._held, self._pieces = head, pieces

    def read(self, size: int, /) -> bytes:
        self._held = self._held or next(self._pieces, b"")
        piece, self._held = self._held[:size], self._held[size:]
        return piece


def _measured(pieces: Iterator[bytes], counted: "Counted", most_bytes: int) -> Iterator[bytes]:
    """Stop a bomb: what comes is far more than the object is, as far as it was read."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > most_bytes and total > _HONEST_RATIO * counted.given:
            raise Unreadable(
                f"it unpacks to more than {most_bytes / 1e6:,.0f} MB, a zip bomb perhaps (--max-unpacked-mb)"
            )
        yield piece


def _read(raw: Readable, size: int = _READ_BYTES) -> bytes:
    try:
        return raw.read(size)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or type(error).__name__}") from error
    except AwsError as error:
        raise Unreadable(error.what) from error


def _gunzipped(raw: Readable, first: bytes) -> Iterator[bytes]:
    """Inflate one member after the other, as `zcat` does; what stands behind the last one is left."""
    library = _inflating()
    data = first
    inflater = library.decompressobj(_GZIP_WINDOW)
    while True:
        try:
            piece = inflater.decompress(data, PIECE_BYTES)
        except (zlib.error, library.error) as error:
            raise Unreadable("it is not whole gzip: damaged") from error
        if piece:
            yield piece
        data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        if not data and (inflater.eof or not piece):
            data = _read(raw)
            if not data and inflater.eof:
                return
            if not data:
                raise Unreadable("it is not whole gzip: the end is missing")
        if inflater.eof:
            if not data.startswith(_GZIP):
                return
            inflater = library.decompressobj(_GZIP_WINDOW)


@cache
def _inflating() -> Any:
    """Prefer Intel's ISA-L, more than twice as quick as zlib, where it is installed."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


def _zstd(raw: Readable, first: bytes) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise ConfigurationError(
            "Zstandard objects cannot be read here",
            expected="the package zstandard",
            hint='pip install "event-replay[logs]"',
        ) from None
    counted = Counted(raw, first)
    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    with nullcontext(unpacker.stream_reader(cast("IO[bytes]", counted), read_across_frames=True)) as reader:
        while True:
            try:
                piece = reader.read(PIECE_BYTES)
            except zstandard.ZstdError as error:
                raise Unreadable("it is not whole Zstandard: damaged") from error
            if not piece:
                return
            yield piece


class Counted:
    """Readable bytes, counted; with *first* put back before them."""

    def __init__(self, raw: Readable, first: bytes = b"") -> None:
        self._raw, self._first = raw, first
        self.given = 0

    def read(self, size: int = -1, /) -> bytes:
        """Give the next bytes; of unpackers, that take what they are given, none says how many."""
        piece, self._first = self._first or (_read(self._raw, size) if size > 0 else _read(self._raw)), b""
        self.given += len(piece)
        return piece
