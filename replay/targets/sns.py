"""The `sns` target: a topic, whose subscribers get the events."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from replay.errors import AwsError, ConfigurationError
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.readers.aws_errors import aws_errors
from replay.targets.carrier import Acknowledgement, Answer, Carrier, CarrierOptions, Entry, Refusal, Watch
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.observing.called_function import called_patience_s, called_watches
from replay.targets.observing.consumers import chosen_function
from replay.targets.sending import batch_id
from replay.targets.topic_parts.subscribers import (
    Subscription,
    called_by,
    dead_letter_queues,
    seen_by,
    subscriptions_of,
)
from replay.targets.topic_parts.topic_entries import MOST_BYTES, topic_entries

_ARN = re.compile(r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]{1,256}(?:\.fifo)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsOptions(CarrierOptions):
    """
    Which topic is published to.

    Attributes:
        topic: Its name or ARN.
        marked: Whether messages carry the attribute `replay-marker`; their function sees it. Without it they are known
            by the ids that SNS gives them.
    """

    topic: str = ""
    marked: bool = True


class SnsTarget(Carrier):
    """
    An SNS topic: the messages of an event are published to it, and every subscriber gets them.

    Text, subject and attributes are kept; SNS gives each message a new id and timestamp. The end of a message is seen
    where the subscribed function logs, in its dead-letter queue and destinations, and in that of its subscription.

    Source: SNS API `PublishBatch`.
    """

    name = "sns"
    options = SnsOptions
    named_by: ClassVar[str] = "topic"
    most_entries: ClassVar[int] = 10
    most_bytes: ClassVar[int | None] = MOST_BYTES

    def __init__(self, function: Function | None = None, /, *, project: Path | None = None, **options: Any) -> None:
        del function, project
        self._options: SnsOptions = self.options(**options)
        if not self._options.topic:
            raise ConfigurationError("which topic?", where="the target sns", hint='say it: topic = "NAME", or sns:NAME')
        self._clients = TargetClients(self._options, arn=self._options.topic)

    @property
    def described(self) -> SnsOptions:
        """The options that say where it is."""
        return self._options

    @property
    def travels(self) -> str:
        """The topic."""
        return f"topic {self._name}"

    @cached_property
    def arn(self) -> str:
        """
        Find the topic.

        Raises:
            AwsError: There is none of that name, or it may not be looked at.
        """
        if _ARN.fullmatch(self._options.topic):
            return self._options.topic
        client = self._clients("sns")
        with aws_errors(where=self.travels, service="sns"):
            pages = client.get_paginator("list_topics").paginate()
            arns = [str(topic["TopicArn"]) for page in pages for topic in page.get("Topics", [])]
        found = next((arn for arn in arns if arn.rpartition(":")[2] == self._name), "")
        if not found:
            raise AwsError(
                "there is no such topic",
                where=f"{self.travels} in {client.meta.region_name}",
                hint="check the name, the region and the profile; see `aws sns list-topics`",
            )
        return found

    def destination(self) -> Destination:
        """
        Ask SNS what it is, and who is subscribed.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named.
            AwsError: There is no such topic, or it may not be looked at.
        """
        client, arn = self._clients("sns"), self.arn
        with aws_errors(where=self.travels, service="sns"):
            client.get_topic_attributes(TopicArn=arn)
        tags = unless_denied(
            lambda: tags_of(client.list_tags_for_resource(ResourceArn=arn).get("Tags", [])),
            service="sns",
            where=self.travels,
        )
        destination = described(
            self._options,
            target=f"{self.name}:{self._name}",
            arn=arn,
            region=str(client.meta.region_name),
            endpoint_url=str(client.meta.endpoint_url),
            tags=tags,
        )
        return replace(destination, seen_by=seen_by(self._subscriptions))

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give a message a record, as `topic_entries` does.

        Raises:
            InvalidEvent: It is no event of SNS.
        """
        to_fifo = self._name.endswith(".fifo")
        return topic_entries(event, key=key, marker=marker, marked=self._options.marked, to_fifo=to_fifo)

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """
        Publish one batch.

        Source: SNS API "BatchResultErrorEntry": a batch answers 200 although entries in it failed.
        """
        by_id = {batch_id(entry.key): entry for entry in entries}
        answer: Any = self._clients.sending("sns").publish_batch(
            TopicArn=self.arn,
            PublishBatchRequestEntries=[{"Id": name, **entry.request} for name, entry in by_id.items()],
        )
        answers: dict[str, Answer] = {
            by_id[each["Id"]].key: Acknowledgement(identity=str(each.get("MessageId", "")))
            for each in answer.get("Successful", [])
            if each["Id"] in by_id
        }
        refused = (each for each in answer.get("Failed", []) if each["Id"] in by_id)
        return answers | {by_id[each["Id"]].key: Refusal(code=str(each.get("Code", ""))) for each in refused}

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the places where the subscribed function tells of its invocations.

        Raises:
            ConfigurationError: Several are subscribed, and it is not said which is *function*.
            AwsError: The function cannot be looked at.
        """
        called = called_by(self._subscriptions)
        deployed = chosen_function(called, asked=self._options.function, function=function, where=self.arn)
        return called_watches(
            self._clients,
            self._options,
            called,
            function=function,
            where=self.arn,
            emulators_try_again=False,  # MiniStack's topics invoke once, and write no dead letter
            undelivered=dead_letter_queues(self._clients("sns"), self._subscriptions, deployed),
        )

    def patience_s(self, function: Function) -> float:
        """Say how long all tries of the subscribed function take."""
        called = called_by(self._subscriptions)
        return called_patience_s(self._clients, self._options, called, function=function, where=self.arn)

    @cached_property
    def _subscriptions(self) -> list[Subscription] | None:
        return subscriptions_of(self._clients("sns"), self.arn)

    @property
    def _name(self) -> str:
        return self._options.topic.rpartition(":")[2]
