"""The `s3` target: an object is put, and S3 tells of it; or those whom S3 would tell are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from replay.errors import ConfigurationError, InvalidEvent, TargetRefused
from replay.fixtures.fixture import StoredObject
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.partitions import partition_of
from replay.readers.aws_errors import aws_errors, error_code
from replay.targets.bucket_parts.object_changes import FUNCTION_ITSELF, ObjectChange, is_on_a_bus, object_changes
from replay.targets.bucket_parts.receivers import Receiver, queue_url, receiver_tags, receivers_of, tells_a_bus
from replay.targets.carrier import (
    MARKER_NAME,
    Acknowledgement,
    Answer,
    Carrier,
    CarrierOptions,
    Entry,
    Refusal,
    Watch,
    entry_keys,
)
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination, check_destination, require_account_id
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.guard_rails.this_machine import is_on_this_machine
from replay.targets.observing.called_function import called_patience_s, called_watches

_SUBJECT = "Amazon S3 Notification"
_THERE = {"PreconditionFailed", "412"}
_NO_TAGS = {"NoSuchTagSet"}
_DEFAULT_BUS = "the default bus, and its rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Options(CarrierOptions):
    """
    Which bucket it goes through.

    Attributes:
        bucket: Its name.
        how: `object` puts the object that the event speaks of, where the fixture has it, and S3 tells of that;
            `notification` tells those whom the bucket's configuration names, and touches no object.
        overwrite: Whether an object of the same key may be replaced.
    """

    bucket: str = ""
    how: Literal["object", "notification"] = "object"
    overwrite: bool = False


class S3Target(Carrier):
    """
    A bucket of S3.

    An object is put under its key in this bucket, whatever bucket the event names; a notification goes as it is.

    Source: S3 API `PutObject`, `GetBucketNotificationConfiguration`; User Guide, "Amazon S3 Event Notifications".
    """

    name = "s3"
    options = S3Options
    named_by: ClassVar[str] = "bucket"
    most_entries: ClassVar[int] = 1
    most_bytes: ClassVar[int | None] = None

    def __init__(self, function: Function | None = None, /, *, project: Path | None = None, **options: Any) -> None:
        del function, project
        self._options: S3Options = self.options(**options)
        if not self._options.bucket:
            raise ConfigurationError("which bucket?", where="the target s3", hint='say it: bucket = "NAME", or s3:NAME')
        self._objects: dict[tuple[str, str], str] = {}
        self._receivers: Sequence[Receiver] = ()
        self._tells_a_bus = False
        self._tried: set[str] = set()
        self.clients = TargetClients(self._options)

    @property
    def described(self) -> S3Options:
        """The options that say where it is."""
        return self._options

    @property
    def travels(self) -> str:
        """The bucket."""
        how = "objects" if self._options.how == "object" else "notifications"
        return f"bucket {self._options.bucket}, as {how}"

    @property
    def notes(self) -> Sequence[str]:
        """What a replay through S3 does otherwise."""
        if self._options.how == "object" or not self._tells_a_bus:
            return ()
        return (f"bucket {self._options.bucket} also tells the default bus, which only S3 itself can do",)

    def destination(self) -> Destination:
        """
        Ask S3 whose it is, and whom it tells.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named; or it is in another region than the
                target; or one whom it tells may not be sent to.
            AwsError: There is no such bucket of this account, or it may not be looked at.
        """
        options, client = self._options, self.clients("s3")
        region, where = str(client.meta.region_name), f"bucket {options.bucket}"
        arn = f"arn:{partition_of(region).id}:s3:::{options.bucket}"
        owner: dict[str, str] = {}
        if not is_on_this_machine(str(client.meta.endpoint_url)):
            require_account_id(f"{self.name}:{options.bucket}", options, arn=arn)
            owner = {"ExpectedBucketOwner": options.account_id}
        with aws_errors(where=where, service="s3"):
            found: Any = client.head_bucket(Bucket=options.bucket, **owner)
        _refuse_other_region(arn, str(found.get("BucketRegion") or region), region)
        destination = described(
            options,
            target=f"{self.name}:{options.bucket}",
            arn=arn,
            region=region,
            endpoint_url=str(client.meta.endpoint_url),
            tags=unless_denied(lambda: _read_tags(client, options.bucket, owner), service="s3", where=where),
            owner_account_id=options.account_id,
        )
        with aws_errors(where=where, service="s3"):
            told: Any = client.get_bucket_notification_configuration(Bucket=options.bucket, **owner)
        self._receivers, self._tells_a_bus = receivers_of(told), tells_a_bus(told)
        if options.how == "notification":
            self._check_receivers(destination)
        return destination

    def also_seen_by(self, event: Event) -> Sequence[str]:
        """
        Name whom S3 tells of it.

        Raises:
            InvalidEvent: It is no event of S3.
        """
        changes = object_changes(event, key=self.travels)
        told = [str(receiver) for receiver in self._receivers if _is_told(receiver, changes)]
        if self._tells_a_bus and self._options.how == "object":
            told.append(_DEFAULT_BUS)
        return tuple(told) or ("nobody: the bucket tells nobody of such a change",)

    def place_objects(self, objects: Sequence[StoredObject]) -> None:
        """Keep what the fixture has of objects, for the entries of its event."""
        self._objects = {(each.bucket, each.key): each.text for each in objects}

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give an object each to put, or the notification to each whom the bucket tells of it.

        Raises:
            InvalidEvent: It is no event of S3, none that putting an object makes, or one of an object that the fixture
                does not have; or nobody is told of it.
        """
        changes = object_changes(event, key=key)
        if self._options.how == "notification":
            return self._notifications(event, changes, key=key, marker=marker)
        keys = entry_keys(key, len(changes))
        return [self._object(change, each) for change, each in zip(changes, keys, strict=True)]

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """Put the object, or send the notification; there is one entry."""
        sending = self._put if self._options.how == "object" else self._tell
        return {entry.key: sending(entry) for entry in entries}

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the log, dead letters and destinations of the function that the bucket calls.

        Raises:
            ConfigurationError: They are several, and it is not said which is *function*.
            AwsError: The function cannot be looked at.
        """
        return called_watches(self.clients, self._options, self._called, function=function, where=self.travels)

    def patience_s(self, function: Function) -> float:
        """Say how long all tries of the function take."""
        return called_patience_s(self.clients, self._options, self._called, function=function, where=self.travels)

    def _object(self, change: ObjectChange, key: str) -> Entry:
        if not change.is_put:
            raise InvalidEvent(
                f"{change.kind} is made by no PutObject",
                where=key,
                expected="ObjectCreated:Put",
                hint=f'tell those whom the bucket tells: how = "notification"; or {FUNCTION_ITSELF}',
            )
        text = self._objects.get((change.bucket, change.key))
        if text is None:
            raise InvalidEvent(
                "the fixture does not have the object that its event speaks of",
                where=key,
                expected="the object among those of the fixture (claim checks)",
                hint=f'tell those whom the bucket tells: how = "notification"; or {FUNCTION_ITSELF}',
            )
        body = text.encode("utf-8", "surrogatepass")
        request: dict[str, Any] = {"Bucket": self._options.bucket, "Key": change.key, "Body": body}
        if not self._options.overwrite:
            request["IfNoneMatch"] = "*"
        return Entry(key=key, request=request, size_bytes=len(body), group=change.key)

    def _notifications(
        self, event: Event, changes: Sequence[ObjectChange], *, key: str, marker: str
    ) -> Sequence[Entry]:
        if is_on_a_bus(event):
            raise InvalidEvent(
                "only S3 itself can put its events on a bus",
                where=key,
                expected="a notification with Records",
                hint=f'put the object: how = "object"; or {FUNCTION_ITSELF}',
            )
        told = [receiver for receiver in self._receivers if _is_told(receiver, changes)]
        if not told:
            raise InvalidEvent(
                f"the bucket {self._options.bucket} tells nobody of {changes[0].kind} of such a key",
                where=key,
                expected="a queue, topic or function in its notification configuration",
                hint=FUNCTION_ITSELF,
            )
        size_bytes = len(event.text.encode("utf-8", "surrogatepass"))
        return [
            Entry(
                key=name,
                request={"Receiver": receiver, "Body": event.text},
                size_bytes=size_bytes,
                marker="" if receiver.kind == "function" else marker,
            )
            for receiver, name in zip(told, entry_keys(key, len(told)), strict=True)
        ]

    def _put(self, entry: Entry) -> Answer:
        client = self.clients.sending("s3")
        was_tried = entry.key in self._tried
        self._tried.add(entry.key)
        try:
            answer: Any = client.put_object(**entry.request)
        except client.exceptions.ClientError as error:
            if error_code(error) not in _THERE:
                raise
            if was_tried and self._holds(entry):
                return Acknowledgement()  # the answer to a former try was lost, and it has been put
            why = "the bucket has an object of this key: `overwrite = true` in the target's section replaces it"
            return Refusal(code="PreconditionFailed", message=why, retryable=False)
        known = {name: str(answer[member]) for name, member in _KNOWN.items() if answer.get(member)}
        # S3 writes the id of this request into what it tells of the object.
        return Acknowledgement(identity=_request_id(answer), known=known)

    def _holds(self, entry: Entry) -> bool:
        request = entry.request
        held: Any = self.clients.sending("s3").get_object(Bucket=request["Bucket"], Key=request["Key"])
        with held["Body"] as body:
            return bool(body.read(len(request["Body"]) + 1) == request["Body"])

    def _tell(self, entry: Entry) -> Answer:
        receiver, body = entry.request["Receiver"], entry.request["Body"]
        if receiver.kind == "function":
            client = self.clients.sending("lambda")
            payload = body.encode("utf-8", "surrogatepass")
            answer = client.invoke(FunctionName=receiver.arn, InvocationType="Event", Payload=payload)
            return Acknowledgement(identity=_request_id(answer))
        attributes = {MARKER_NAME: {"DataType": "String", "StringValue": entry.marker}} if entry.marker else {}
        if receiver.kind == "topic":
            answer = self.clients.sending("sns").publish(
                TopicArn=receiver.arn, Subject=_SUBJECT, Message=body, MessageAttributes=attributes
            )
        else:
            client = self.clients.sending("sqs")
            answer = client.send_message(
                QueueUrl=queue_url(client, receiver.arn), MessageBody=body, MessageAttributes=attributes
            )
        return Acknowledgement(identity=str(answer["MessageId"]))

    @property
    def _called(self) -> list[str]:
        return [receiver.arn for receiver in self._receivers if receiver.kind == "function"]

    def _check_receivers(self, destination: Destination) -> None:
        """Refuse those that may not be sent to: here they are sent to by us, not by S3."""
        for receiver in self._receivers if not destination.on_this_machine else ():
            arn = receiver.arn
            own = replace(
                destination,
                target=f"{destination.target} ({receiver})",
                arn=arn,
                region=destination.region,
                tags=receiver_tags(self.clients, receiver),
            )
            check_destination(own, self._options)


_KNOWN = {"version_id": "VersionId", "etag": "ETag"}


def _request_id(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))


def _is_told(receiver: Receiver, changes: Sequence[ObjectChange]) -> bool:
    return any(receiver.is_told(change.kind, change.key) for change in changes)


def _read_tags(client: Any, bucket: str, owner: Mapping[str, str]) -> Mapping[str, str]:
    try:
        return tags_of(client.get_bucket_tagging(Bucket=bucket, **owner).get("TagSet", []))
    except client.exceptions.ClientError as error:
        if error_code(error) in _NO_TAGS:
            return {}
        raise


def _refuse_other_region(arn: str, found: str, region: str) -> None:
    if found != region:
        raise TargetRefused(
            f"the bucket is in {found}, and the target's region is {region}",
            where=arn,
            expected="one region",
            hint="correct the target's bucket or its region",
        )
