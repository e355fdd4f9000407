"""Pointers to payloads that an extended client has put into S3, wherever they stand in an event."""

from collections.abc import Iterator, Mapping

from replay.errors import InvalidJson
from replay.payloads.captures import MessageAttribute, S3Object
from replay.payloads.envelopes.documents import count_at, document, text_at
from replay.payloads.exact_json import string_value, tokens

_MARK = "S3Pointer"
_POINTERS = ("software.amazon.payloadoffloading.PayloadS3Pointer", "com.amazon.sqs.javamessaging.MessageS3Pointer")
_SIZES = ("ExtendedPayloadSize", "SQSLargePayloadSize")
_PAIR = 2


def claim_check(body: str, message_attributes: Mapping[str, MessageAttribute] | None = None) -> S3Object | None:
    """
    Read a message body that is a pointer, or give None where it is a payload of its own.

    Source: Amazon SQS and SNS extended client libraries, `PayloadS3Pointer` (and before version 1.1 of the Java one
    `MessageS3Pointer`), attributes `ExtendedPayloadSize` and `SQSLargePayloadSize`.
    """
    if _MARK not in body:
        return None
    pair = document(body)
    if not isinstance(pair, list) or len(pair) != _PAIR or pair[0] not in _POINTERS:
        return None
    bucket, key = text_at(pair[1], "s3BucketName"), text_at(pair[1], "s3Key")
    if not bucket or not key:
        return None
    sizes = {
        name: (message_attributes or {})[name].string_value for name in _SIZES if name in (message_attributes or {})
    }
    told = [size for name in _SIZES if (size := count_at(sizes, name)) is not None]
    return S3Object(bucket=bucket, key=key, size_bytes=told[0] if told else None)


def claim_checks(text: str) -> tuple[S3Object, ...]:
    """List the objects that the strings of *text* point to, also those in JSON inside of strings, each once."""
    return tuple(dict.fromkeys(_claim_checks(text)))


def _claim_checks(text: str) -> Iterator[S3Object]:
    pending = [text]
    while pending:
        held = pending.pop()
        if _MARK not in held:
            continue
        pointer = claim_check(held)
        if pointer is not None:
            yield pointer
            continue
        try:
            strings = [string_value(held[token.start : token.end]) for token in tokens(held) if token.kind == "string"]
        except InvalidJson:
            continue
        pending += reversed([each for each in strings if each.lstrip()[:1] in {"{", "["}])
