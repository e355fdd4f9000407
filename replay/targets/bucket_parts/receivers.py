"""Whom a bucket tells of its objects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from replay.targets.guard_rails.identity import tags_of, unless_denied

ReceiverKind = Literal["queue", "topic", "function"]
_KINDS: Mapping[str, tuple[ReceiverKind, str]] = {
    "QueueConfigurations": ("queue", "QueueArn"),
    "TopicConfigurations": ("topic", "TopicArn"),
    "LambdaFunctionConfigurations": ("function", "LambdaFunctionArn"),
}
_SERVICES: Mapping[ReceiverKind, str] = {"queue": "sqs", "topic": "sns", "function": "lambda"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """
    A queue, topic or function that the configuration of a bucket names, and which changes it is told of.

    Attributes:
        events: As the configuration writes them: `s3:ObjectCreated:*`.
        prefix: What the keys of its objects begin with.
        suffix: What they end in.
    """

    kind: ReceiverKind
    arn: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""

    def is_told(self, change: str, key: str) -> bool:
        """Say whether it is told of a *change* (`ObjectCreated:Put`) of the object *key*."""
        kind = f"s3:{change}"
        asked = any(each == kind or (each.endswith("*") and kind.startswith(each[:-1])) for each in self.events)
        return asked and key.startswith(self.prefix) and key.endswith(self.suffix)

    def __str__(self) -> str:
        return f"{self.kind} {self.arn.split(':', 5)[-1].removeprefix('function:')}"


def receivers_of(configuration: Mapping[str, Any]) -> list[Receiver]:
    """Read the notification configuration of a bucket. Source: S3 API `GetBucketNotificationConfiguration`."""
    return [
        Receiver(kind=kind, arn=str(each[member]), events=tuple(each.get("Events", ())), **_filters(each))
        for name, (kind, member) in _KINDS.items()
        for each in configuration.get(name, ())
    ]


def tells_a_bus(configuration: Mapping[str, Any]) -> bool:
    """Say whether the default bus is told of everything."""
    return configuration.get("EventBridgeConfiguration") is not None


def receiver_tags(clients: Callable[[str], Any], receiver: Receiver) -> Mapping[str, str] | None:
    """
    Read the tags of a receiver; None where that is not allowed.

    Raises:
        AwsError: They cannot be read for another reason.
    """
    service = _SERVICES[receiver.kind]
    client = clients(service)

    def read() -> Any:
        if receiver.kind == "queue":
            return client.list_queue_tags(QueueUrl=queue_url(client, receiver.arn)).get("Tags", {})
        if receiver.kind == "topic":
            return client.list_tags_for_resource(ResourceArn=receiver.arn).get("Tags", [])
        return client.list_tags(Resource=":".join(receiver.arn.split(":")[:7])).get("Tags", {})

    found: Mapping[str, str] | None = unless_denied(lambda: tags_of(read()), service=service, where=str(receiver))
    return found


def queue_url(client: Any, arn: str) -> str:
    """Give the URL of a queue, in whichever account it is."""
    *_, account_id, name = arn.split(":")
    return str(client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account_id)["QueueUrl"])


def _filters(configured: Mapping[str, Any]) -> dict[str, str]:
    rules: Sequence[Mapping[str, Any]] = configured.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    named = {str(rule.get("Name", "")).lower(): str(rule.get("Value", "")) for rule in rules}
    return {name: named[name] for name in ("prefix", "suffix") if name in named}
