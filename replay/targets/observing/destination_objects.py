"""A bucket that failed invocations are written to: its new objects are listed and read, and nothing is changed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from replay.delivery.attempt import Reply
from replay.payloads.captures import Capture, Origin
from replay.payloads.envelopes.documents import object_in, text_at
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.exact_json import Json
from replay.readers.aws_errors import aws_errors
from replay.targets.aws.lambda_answer import status_of_type
from replay.targets.carrier import Settled, Sighting, Sought
from replay.targets.observing.letter_owners import LetterRequests
from replay.targets.observing.signs import keys_in

_MOST_READ = 5_000
_LONGEST_RECORD_BYTES = 16 * 1024 * 1024
_CLOCKS_DIFFER = timedelta(minutes=1)

KeysOf = Callable[[str, Sequence[Sought]], tuple[str, ...]]
"""Says which of what is sought the text of an object tells of."""


def tells_signs(text: str, sought: Sequence[Sought]) -> tuple[str, ...]:
    """Give those whose signs the text holds."""
    return keys_in([text], sought)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    key: str
    text: str
    at_ms: int


class DestinationObjects:
    """
    Sees what failed in the objects of a bucket below *prefix*, and what they tell of the failure.

    The time of a failure stands in the key of its object, in each folder behind what comes before it, so that old ones
    are not even listed.

    Source: Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations": an object
    `aws/lambda/async/FUNCTION/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID` each; "Configuring destinations" of Kinesis:
    likewise `aws/lambda/MAPPING/SHARD/YYYY/MM/DD/…`.

    Args:
        bucket_arn: The ARN of the bucket.
        in_folders: Whether there is a folder for each shard below the prefix.
        keys_of: Says whose an object is.
        requests: Is told of the requests that objects name, where each is one asynchronous event.
    """

    def __init__(
        self,
        client: Any,
        bucket_arn: str,
        *,
        prefix: str,
        in_folders: bool = False,
        keys_of: KeysOf = tells_signs,
        settled: Settled = "sent_to_destination",
        requests: LetterRequests | None = None,
    ) -> None:
        self._client, self._arn, self._prefix = client, bucket_arn, prefix
        self._bucket = bucket_arn.rpartition(":::")[2].partition("/")[0]
        self._in_folders, self._keys_of, self._settled = in_folders, keys_of, settled
        self._is_open, self._requests = False, requests
        self._since = datetime.now(UTC)
        self._read: set[str] = set()
        self._of_nobody: dict[str, _Object] = {}

    @property
    def place(self) -> str:
        """Where it looks, for eyes."""
        return f"the bucket {self._bucket} below {self._prefix}"

    def begin(self) -> None:
        """
        See that it may be listed.

        Raises:
            AwsError: It may not, or there is no such bucket.
        """
        self._since = datetime.now(UTC)
        with aws_errors(where=self.place, service="s3"):
            self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
        self._is_open = True

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """
        Read what is new, and give what of it is sought.

        Raises:
            AwsError: The bucket may not be listed or read.
        """
        earliest_ms = min((each.sent_at_ms for each in sought), default=round(self._since.timestamp() * 1000))
        self._since = min(self._since, datetime.fromtimestamp(earliest_ms / 1000, UTC))
        with aws_errors(where=self.place, service="s3"):
            for found in self._new():
                self._of_nobody[found.key] = found
        told = []
        for found in list(self._of_nobody.values()):
            keys = self._keys_of(found.text, sought)
            if keys:
                told.append(self._sighting(found, keys))
                del self._of_nobody[found.key]
        return told

    def close(self) -> Sequence[str]:
        """Give nothing back: reading takes nothing."""
        return ()

    def reason(self) -> str:
        """Say what is not there."""
        if len(self._read) >= _MOST_READ:
            return f"{self.place} has more objects than were looked at ({_MOST_READ:,})"
        return f"nothing of it is in {self.place}"

    def may_have_come_since(self, at_ms: int) -> bool:
        """Say whether something without a sign came since then (epoch milliseconds), or nobody may look."""
        return not self._is_open or any(each.at_ms >= at_ms for each in self._of_nobody.values())

    def _new(self) -> Iterator[_Object]:
        since = self._since - _CLOCKS_DIFFER
        for folder in self._folders():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=folder, StartAfter=f"{folder}{since:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}"
            )
            for listed in [each for page in pages for each in page.get("Contents", [])]:
                key = str(listed["Key"])
                if key in self._read or len(self._read) >= _MOST_READ:
                    continue
                self._read.add(key)
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
                with body:
                    text = body.read(_LONGEST_RECORD_BYTES).decode("utf-8", "replace")
                yield _Object(key=key, text=text, at_ms=round(listed["LastModified"].timestamp() * 1000))

    def _folders(self) -> list[str]:
        if not self._in_folders:
            return [self._prefix]
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
        )
        return [str(each["Prefix"]) for page in pages for each in page.get("CommonPrefixes", [])]

    def _sighting(self, found: _Object, keys: tuple[str, ...]) -> Sighting:
        origin = Origin(source="s3", arn=self._arn, identity=found.key, place=self._bucket)
        _, unwrapped = unwrap(Capture(origin=origin, body=found.text))
        failure = unwrapped.failure
        record: Json = {"Bucket": self._bucket, "Key": found.key, "Body": found.text}
        request_id = ""
        if self._requests is not None:
            request_id = text_at(object_in(found.text), "requestContext", "requestId") or ""
            self._requests.note(request_id, keys)
        return Sighting(
            keys=keys,
            identity=f"{self._bucket} {found.key}",
            reply=Reply(status=status_of_type(failure.error_type), failure=failure) if failure else None,
            settled=self._settled,
            failure_record=record,
            request_id=request_id,
        )
