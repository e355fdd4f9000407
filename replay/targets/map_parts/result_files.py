"""What a Distributed Map wrote of its items: a manifest, and files of succeeded, failed and pending ones."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from json import JSONDecoder
from pathlib import Path
from typing import Any

from replay.delivery.attempt import Reply
from replay.errors import AwsError, InvalidJson, TargetError
from replay.payloads.exact_json import Json, parse, write
from replay.readers.aws_errors import aws_errors
from replay.targets.corpus_parts.buckets import OwnedBucket
from replay.targets.state_machine_parts.execution_ends import reply_of_end

_CHUNK_BYTES = 256 * 1024
_KINDS = ("SUCCEEDED", "FAILED")
_BLANK = " \t\r\n,"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapResult:
    """What became of one item: the fixture that it is of, its event, and the reply of its function."""

    fixture: str
    event_text: str
    reply: Reply


def read_results(bucket: OwnedBucket, manifest_key: str, *, code: Path) -> Iterator[MapResult]:
    """
    Read the results that a manifest names, one after the other, whatever their size.

    What is pending has no result: the map has ended before it came to it.

    Source: Step Functions developer guide, "ResultWriter": `manifest.json`, `SUCCEEDED_n.json`, `FAILED_n.json`.

    Raises:
        AwsError: They cannot be read.
        TargetError: They are not what Step Functions writes.
    """
    manifest = _document(b"".join(_chunks(bucket, manifest_key)), manifest_key)
    files = manifest.get("ResultFiles")
    for kind in _KINDS:
        for file in (files.get(kind) or []) if isinstance(files, dict) else []:
            key = str(file["Key"])
            for item in array_items(_chunks(bucket, key), where=f"s3://{bucket.name}/{key}"):
                yield result_of(item, code=code)


def result_of(item: Json, *, code: Path) -> MapResult:
    """
    Read one item of a result file: `Input` and `Output` are JSON texts, `Error` and `Cause` those of the function.

    Raises:
        TargetError: It is not what Step Functions writes.
    """
    if not isinstance(item, dict) or not isinstance(item.get("Input"), str):
        raise TargetError("a result without its input cannot be told from others", where="the results of the map")
    told = _document(str(item["Input"]).encode("utf-8", "surrogatepass"), "the input of an item")
    reply = reply_of_end(
        str(item.get("Status", "")),
        error=str(item.get("Error") or ""),
        cause=str(item.get("Cause") or ""),
        output=_payload(item.get("Output")),
        took_s=_seconds(item),
        code=code,
    )
    return MapResult(fixture=str(told.get("fixture", "")), event_text=write(told.get("event")), reply=reply)


def array_items(chunks: Iterable[bytes], *, where: str) -> Iterator[Json]:
    """
    Read the elements of a JSON array one by one; no more is held than one of them and one chunk.

    Raises:
        TargetError: It is no array, or it breaks off.
    """
    decoder = JSONDecoder(strict=False)
    text, begun = "", False
    for chunk in _texts(chunks, where):
        text += chunk
        at = 0
        if not begun:
            text = text.lstrip(_BLANK + "\ufeff")
            if not text:
                continue
            if text[0] != "[":
                raise TargetError("a result file is no JSON array", where=where)
            begun, at = True, 1
        while True:
            at = _next(text, at)
            try:
                value, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                break  # its end is in the next chunk
            if end == len(text):
                break  # a number may go on
            yield value
            at = end
        text = text[at:]
    if text.strip(_BLANK) != "]":
        raise TargetError("a result file breaks off", where=where, hint="read it again: replay run --resume")


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at


def _texts(chunks: Iterable[bytes], where: str) -> Iterator[str]:
    """Decode UTF-8 whose characters lie across chunks."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")
    try:
        for chunk in chunks:
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise TargetError("a result file is not UTF-8", where=where) from None


def _chunks(bucket: OwnedBucket, key: str) -> Iterator[bytes]:
    where = f"s3://{bucket.name}/{key}"
    with aws_errors(where=where, service="s3"):
        body = bucket.client.get_object(Bucket=bucket.name, Key=key, **bucket.owner)["Body"]
        try:
            yield from body.iter_chunks(_CHUNK_BYTES)
        except OSError as error:
            raise AwsError("reading broke off", where=where, hint="run again with --resume") from error


def _document(data: bytes, where: str) -> Mapping[str, Any]:
    try:
        value = parse(data)
    except InvalidJson:
        value = None
    if not isinstance(value, dict):
        raise TargetError("it is no JSON object", where=where, expected="what Step Functions writes")
    return value


def _payload(output: object) -> str | None:
    """Give what the function answered, out of what the state machine makes of it."""
    if not isinstance(output, str):
        return None
    try:
        value = parse(output)
    except InvalidJson:
        return output
    return write(value["payload"]) if isinstance(value, dict) and "payload" in value else output


def _seconds(item: Mapping[str, Any]) -> float:
    from datetime import datetime

    try:
        began, ended = (datetime.fromisoformat(str(item[name])) for name in ("StartDate", "StopDate"))
        return max(0.0, (ended - began).total_seconds())
    except (KeyError, ValueError, TypeError):
        return 0.0


def inline_results(output: str, items: Iterable[Mapping[str, Any]]) -> Iterator[MapResult]:
    """
    Read the results of an execution whose output holds them, as emulators without a ResultWriter give it.

    They are in the order of the items; a failed one is null, and tells nothing.
    """
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        return
    for item, each in zip(items, value if isinstance(value, list) else [], strict=False):
        if isinstance(each, dict) and "payload" in each:
            reply = Reply(status="returned", payload=write(each["payload"]))
            yield MapResult(fixture=str(item.get("fixture", "")), event_text=write(item.get("event")), reply=reply)


def read_items(bucket: OwnedBucket, key: str) -> Iterator[Mapping[str, Any]]:
    """
    Read the lines of a corpus one by one.

    Raises:
        AwsError: It cannot be read.
        TargetError: It is not what was written there.
    """
    where, rest = f"s3://{bucket.name}/{key}", b""
    for chunk in _chunks(bucket, key):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (_document(line, where) for line in lines)
    if rest:
        yield _document(rest, where)
