"""What an AWS call sends and gets back, as plain JSON by the shapes of the API's own model."""

import base64
import hashlib
import io
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from replay.payloads.exact_json import Json
from replay.redaction.pseudonyms import MARK

_DEEPEST = 60
_MADE_BY_THE_SDK = frozenset({"ChecksumAlgorithm", "ChecksumMode", "ContentLength", "ContentMD5"})
_SHOWN_ALTHOUGH_SENSITIVE = frozenset(
    {
        ("lambda", "Blob"),
        ("stepfunctions", "SensitiveData"),
        ("stepfunctions", "SensitiveCause"),
        ("stepfunctions", "SensitiveError"),
    }
)
"""Events on their way: the redactor sees to what is private in them."""


class Sized(NamedTuple):
    """A stream that was not read; None where its size is not known."""

    size_bytes: int | None


def plain_parameters(parameters: Mapping[str, Any], shape: Any, service: str) -> dict[str, Json]:
    """
    Give the parameters of a call as JSON.

    What the model calls sensitive (`SecretString`, a parameter of SSM) is replaced, bytes are base64 text, times ISO
    8601 in UTC. Of a stream (the `Body` of an S3 object) there is the size, and the SHA-256 where that can be had
    without using it up. Checksums and lengths, which SDKs add by themselves, are left out.

    Args:
        shape: The operation's input shape in botocore's model, None where it has none.
    """
    members = shape.members if shape is not None else {}
    return {
        name: _as_sent(_plain(value, members.get(name), service, 0), members.get(name))
        for name, value in parameters.items()
        if value is not None and not _is_of_the_sdk(name, members.get(name))
    }


def plain_result(result: Mapping[str, Any], shape: Any, service: str) -> dict[str, Json]:
    """Give what a call got back as JSON, without its metadata; see `plain_parameters`."""
    members = shape.members if shape is not None else {}
    payload = shape.serialization.get("payload") if shape is not None else None
    plain: dict[str, Json] = {}
    for name, value in result.items():
        member = members.get(name)
        if value is None or name == "ResponseMetadata" or _is_of_the_sdk(name, member):
            continue
        if name == payload and member is not None and member.type_name == "blob":
            plain[name] = _sized(value)
        else:
            plain[name] = _plain(value, member, service, 0)
    return plain


def _as_sent(value: Json, shape: Any) -> Json:
    """Give a map that is sent as headers (the metadata of an S3 object) as AWS sees it: in small letters."""
    if shape is None or shape.serialization.get("location") != "headers" or not isinstance(value, dict):
        return value
    return {name.lower(): item for name, item in value.items()}


def _is_of_the_sdk(name: str, member: Any) -> bool:
    if member is None or member.serialization.get("location") != "header":
        return False
    return name in _MADE_BY_THE_SDK or member.serialization.get("name", "").startswith("x-amz-checksum-")


def _plain(value: Any, shape: Any, service: str, depth: int) -> Json:
    if depth > _DEEPEST:
        return "…"
    if shape is not None and shape.metadata.get("sensitive") and (service, shape.name) not in _SHOWN_ALTHOUGH_SENSITIVE:
        return MARK
    if isinstance(value, Mapping):
        return {
            str(name): _plain(item, _member(shape, str(name)), service, depth + 1)
            for name, item in value.items()
            if item is not None
        }
    if isinstance(value, list | tuple):
        item_shape = getattr(shape, "member", None)
        return [_plain(item, item_shape, service, depth + 1) for item in value]
    return _leaf(value, shape)


def _leaf(value: Any, shape: Any) -> Json:
    kind = getattr(shape, "type_name", "")
    if kind in {"structure", "list", "map"}:
        return "…"  # an event stream, which only the function reads
    if kind == "timestamp":
        return _moment(value)
    if kind == "blob":
        return _blob(value, is_stream=bool(shape.serialization.get("streaming")))
    return _scalar(value)


def _member(shape: Any, name: str) -> Any:
    kind = getattr(shape, "type_name", "")
    if kind == "structure":
        return shape.members.get(name)
    return shape.value if kind == "map" else None


def _scalar(value: Any) -> Json:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    return str(value)


def _moment(value: Any) -> str:
    from botocore.utils import parse_to_aware_datetime

    try:
        moment: datetime = parse_to_aware_datetime(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return str(value)
    return moment.astimezone(UTC).isoformat()


def _blob(value: Any, *, is_stream: bool) -> Json:
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if not is_stream:
        return _scalar(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return {"size_bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, io.IOBase) and value.seekable():
        return _read_and_put_back(value)
    from botocore.utils import determine_content_length

    return _sized(Sized(determine_content_length(value)))


def _read_and_put_back(file: Any) -> Json:
    start, digest, size_bytes = file.tell(), hashlib.sha256(), 0
    while piece := file.read(1 << 20):
        data = piece.encode("utf-8", "surrogatepass") if isinstance(piece, str) else piece
        digest.update(data)
        size_bytes += len(data)
    file.seek(start)
    return {"size_bytes": size_bytes, "sha256": digest.hexdigest()}


def _sized(value: Any) -> Json:
    size_bytes = len(value) if isinstance(value, bytes | str) else getattr(value, "size_bytes", None)
    return {} if size_bytes is None else {"size_bytes": size_bytes}
