"""A handler that does what its event tells it: uploaded to a real Lambda, and given to `replay.deliver`, as it stands."""

import base64
import json
import os
import sys
from collections import Counter
from pathlib import Path

ATTEMPTS: Counter[str] = Counter()
"""How often each request came to this process."""


class Told(Exception):
    """The event said so."""


def handler(event, context):
    """
    Note what came, and do as told.

    A record is the body of an SQS message or the data of a Kinesis record: `ok`, `fail` (reported), `fail once` (at its
    first receive), `stop` (it and all after it are reported), or a word that speaks for the whole batch: `raise`,
    `raise once`, `exit`, `say TEXT` (TEXT is the answer, byte for byte). An event without records says `ok`, `raise`,
    `raise once` or `exit` in its key `do`.
    """
    _note(event, context)
    if "Records" not in event:
        ATTEMPTS[context.aws_request_id] += 1
        _whole(event["do"], is_first=ATTEMPTS[context.aws_request_id] == 1)
        return {"done": True}
    records = [_read(record) for record in event["Records"]]
    for _, word, is_first in records:
        if (said := _whole(word, is_first=is_first)) is not None:
            return said
    return {"batchItemFailures": [{"itemIdentifier": each} for each in _failed(records)]}


def _read(record):
    """Give the item identifier, the word, and whether it is the first receive, which a stream does not know."""
    if kinesis := record.get("kinesis"):
        return kinesis["sequenceNumber"], base64.b64decode(kinesis["data"]).decode(), False
    return record["messageId"], record["body"], record["attributes"]["ApproximateReceiveCount"] == "1"


def _whole(word, *, is_first):
    if word == "raise" or (word == "raise once" and is_first):
        raise Told(word)
    if word == "exit":
        sys.exit(1)
    return word.removeprefix("say ").encode() if word.startswith("say ") else None


def _failed(records):
    words = [word for _, word, _ in records]
    stopped = words.index("stop") if "stop" in words else len(words)
    for index, (identifier, word, is_first) in enumerate(records):
        if word == "fail" or (word == "fail once" and is_first) or index >= stopped:
            yield identifier


def _note(event, context):
    """Append one line to the file that a Lambda function is given; whoever calls the handler here has the events."""
    if notes := os.environ.get("NOTES"):
        with Path(notes).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"function": context.function_name, "event": event}) + "\n")
