"""What is said of an event that is not there: why, and the command that reads it, where one can."""

import re
import shlex

from replay.payloads.captures import Missing, StreamRecords

_ARN = re.compile(r"arn:[\w-]+:(?:kinesis|dynamodb):[\w-]+:\d{12}:[\w./:-]+", re.ASCII)
_SHARD = re.compile(r"[\w-]{1,128}", re.ASCII)
_NUMBER = re.compile(r"\d{1,256}", re.ASCII)


def why_missing(missing: Missing, function: str) -> str:
    """Say what is known of an event that is not there: what stands for it must not become a fixture."""
    stream = missing.stream
    if stream is None:
        return missing.reason
    ranges = "; ".join(f"{each.partition} from {each.first} to {each.last}" for each in stream.ranges)
    told = f"{missing.reason}: {stream.arn} {ranges}"
    command = reading_command(stream, function)
    return f"{told}; while the stream has them: {command}" if command else told


def reading_command(stream: StreamRecords, function: str) -> str:
    """Write the command that records a batch out of its stream; empty where what is told of it is not AWS's."""
    part = stream.ranges[0] if len(stream.ranges) == 1 else None
    if part is None or stream.kind == "kafka" or not _ARN.fullmatch(stream.arn) or not _SHARD.fullmatch(part.partition):
        return ""
    if not (_NUMBER.fullmatch(part.first) and _NUMBER.fullmatch(part.last)):
        return ""
    words = ["replay", "record", "stream", "--stream", stream.arn, "--shard", part.partition]
    words += ["--from", part.first, "--to", part.last]
    words += ["--batch-size", str(stream.batch_size)] if stream.batch_size and stream.batch_size > 1 else []
    return shlex.join([*words, "--function", function])
