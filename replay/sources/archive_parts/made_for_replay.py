"""What a recording makes in an account to replay an archive, how it is known again, and how it is removed."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors, error_code
from replay.sources.archive_parts.archives import Archive, Window
from replay.sources.archive_parts.owners import Owner, owner_of

PREFIX = "event-replay-"
"""The names of all rules, queues and replays of ours begin so; the recording's id follows."""

LEASE = timedelta(hours=1)
"""For so long a recording of another machine is taken to run, from the last time that it said so."""

TARGET_ID = "queue"
UNFINISHED = ("STARTING", "RUNNING")
_RETENTION_S = 1_209_600
VISIBILITY_TIMEOUT_S = 60
"""What was received and deleted by nobody, since the answer was lost, comes again after that."""

_GONE = {
    "ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist",
}  # fmt: skip
THROTTLED = {
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "TooManyRequestsException",
    "RequestLimitExceeded",
}  # fmt: skip
_PASSING = {
    *THROTTLED, "ConcurrentModificationException", "InternalException", "InternalError", "InternalFailure",
    "ServiceUnavailable", "",
}  # fmt: skip
"""What a removal is tried again after, once botocore has given up; empty: no answer came."""

_PAUSES_S = (1.0, 3.0, 6.0)


class Tag(StrEnum):
    """The tags of everything that a recording makes."""

    RECORDING = "replay:recording"
    CREATED = "replay:created"
    OWNER = "replay:owner"
    KEPT_UNTIL = "replay:kept-until"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the tags say of a recording: which it is, when it began, whose it is, and until when it is taken to run."""

    recording: str
    created: datetime
    owner: Owner | None
    kept_until: datetime

    def tags(self) -> dict[str, str]:
        """Write it as tags."""
        return {
            Tag.RECORDING: self.recording,
            Tag.CREATED: _iso(self.created),
            Tag.OWNER: str(self.owner or ""),
            Tag.KEPT_UNTIL: _iso(self.kept_until),
        }

    @property
    def name(self) -> str:
        """The name of its rule, its queue and its replay."""
        return PREFIX + self.recording


def mark_of(tags: Mapping[str, str]) -> Mark | None:
    """Read a mark from tags; None where they are not ours, or others have changed them."""
    recording, created = tags.get(Tag.RECORDING), _moment(tags.get(Tag.CREATED, ""))
    if not recording or created is None:
        return None
    return Mark(
        recording=recording,
        created=created,
        owner=owner_of(tags.get(Tag.OWNER, "")),
        kept_until=_moment(tags.get(Tag.KEPT_UNTIL, "")) or created + LEASE,
    )


def description_of(mark: Mark) -> str:
    """Write a mark as the description of a replay, which can have no tags."""
    return "; ".join(f"{name}={value}" for name, value in mark.tags().items())


def mark_in(description: str) -> Mark | None:
    """Read a mark from the description of a replay."""
    return mark_of(dict(part.partition("=")[::2] for part in description.split("; ")))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class MadeForReplay:
    """
    The rule, queue and replay of one recording: made one after the other, and removed whatever happened between.

    Each is noted before AWS is asked for it, so that what was made though no answer came is removed too.
    """

    def __init__(self, events: Any, sqs: Any, archive: Archive, mark: Mark) -> None:
        self._events, self._sqs, self._archive, self._mark = events, sqs, archive, mark
        self._to_remove: dict[str, Callable[[], AwsError | None]] = {}
        self._refused: set[str] = set()
        self._renewed = mark.created
        self.queue_url = ""
        self.rule_arn = ""

    @property
    def name(self) -> str:
        """The name of the rule, the queue and the replay."""
        return self._mark.name

    def make(self, pattern: Mapping[str, Any]) -> None:
        """
        Make the rule with this *pattern*, and the queue that only this rule may send to.

        Raises:
            AwsError: One could not be made; `remove` removes what was.
        """
        name, bus, tags = self.name, self._archive.bus, self._mark.tags()
        rule, queue = f"rule {name} on bus {bus}", f"queue {name}"
        with self._removed_later(rule, lambda: remove_rule(self._events, name, bus), service="events"):
            self.rule_arn = self._events.put_rule(
                Name=name,
                EventBusName=bus,
                EventPattern=json.dumps(pattern),
                State="ENABLED",
                Description="made by `replay record eventbridge-archive`, which removes it",
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )["RuleArn"]
        with self._removed_later(queue, lambda: remove_queue(self._sqs, name, self.queue_url), service="sqs"):
            self.queue_url = self._sqs.create_queue(QueueName=name, Attributes=self._attributes(), tags=tags)[
                "QueueUrl"
            ]
        with aws_errors(where=rule, service="events"):
            target = {"Id": TARGET_ID, "Arn": self._queue_arn}
            answer = self._events.put_targets(Rule=name, EventBusName=bus, Targets=[target])
        for failed in answer.get("FailedEntries", []):
            code, said = str(failed.get("ErrorCode", "")), str(failed.get("ErrorMessage", ""))
            raise AwsError(f"the queue could not be made the rule's target: {said or code}", code=code, where=rule)

    @property
    def _queue_arn(self) -> str:
        arn, partition, _, region, account_id = self.rule_arn.split(":")[:5]
        return f"{arn}:{partition}:sqs:{region}:{account_id}:{self.name}"

    def _attributes(self) -> dict[str, str]:
        """Have its policy from the beginning: changing it may take a minute. Source: SQS API `SetQueueAttributes`."""
        statement = {
            "Sid": "OnlyTheRuleOfThisReplay",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self._queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.rule_arn}},
        }
        return {
            "MessageRetentionPeriod": str(_RETENTION_S),
            "VisibilityTimeout": str(VISIBILITY_TIMEOUT_S),
            "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        }

    def start(self, window: Window) -> None:
        """
        Start the replay to our rule alone.

        Raises:
            AwsError: AWS does not start it.

        Source: EventBridge API `StartReplay`; `FilterArns` are "ARNs for rules to replay events to".
        """
        archive, name = self._archive, self.name
        where = f"replay {name} of archive {archive.name}"
        with self._removed_later(where, lambda: cancel_replay(self._events, name), service="events"):
            try:
                self._events.start_replay(
                    ReplayName=name,
                    Description=description_of(self._mark),
                    EventSourceArn=archive.arn,
                    EventStartTime=window.start,
                    EventEndTime=window.end,
                    Destination={"Arn": archive.bus_arn, "FilterArns": [self.rule_arn]},
                )
            except self._events.exceptions.ClientError as error:
                code = error_code(error)
                if code == "LimitExceededException":
                    raise _too_many(code, where) from error
                # Nobody else has this name: an earlier try of botocore has started it, and its answer did not come.
                if code != "ResourceAlreadyExistsException":
                    raise

    def state(self) -> tuple[str, str, datetime | None]:
        """
        Ask how far the replay is: its state, AWS's reason for it, and the time of the last event that was replayed.

        Raises:
            AwsError: AWS does not say.

        Source: EventBridge API `DescribeReplay`.
        """
        with aws_errors(where=f"replay {self.name}", service="events"):
            answer = self._events.describe_replay(ReplayName=self.name)
        return str(answer.get("State", "")), str(answer.get("StateReason") or ""), answer.get("EventLastReplayedTime")

    def renew(self, now: datetime) -> None:
        """Say from time to time, in a tag of the queue, that the recording still runs."""
        if now - self._renewed < LEASE / 4:
            return
        self._renewed = now
        with aws_errors(where=f"queue {self.name}", service="sqs"):
            self._sqs.tag_queue(QueueUrl=self.queue_url, Tags={Tag.KEPT_UNTIL: _iso(now + LEASE)})

    @contextmanager
    def _removed_later(self, where: str, removal: Callable[[], AwsError | None], *, service: str) -> Iterator[None]:
        """Note what is made inside, also where no answer comes; what AWS has refused is not told of as left."""
        self._to_remove = {where: removal, **self._to_remove}
        try:
            with aws_errors(where=where, service=service):
                yield
        except AwsError as error:
            if error.code not in _PASSING:
                self._refused.add(where)
            raise

    def remove(self) -> dict[str, AwsError]:
        """
        Cancel the replay, and remove everything, last made first; may be called again.

        Returns:
            What is left, and why.
        """
        left = {}
        for where in [*self._to_remove]:
            error = self._to_remove[where]()
            if error is None or where in self._refused:
                del self._to_remove[where]
            else:
                left[where] = error
        return left


def _too_many(code: str, where: str) -> AwsError:
    """Say which limit it is. Source: recording tests_concurrency_error_too_many_active_replays."""
    return AwsError(
        "as many replays run as AWS allows at once, ten in an account and region",
        code=code,
        where=where,
        hint="wait until one has ended: `aws events list-replays --state RUNNING`",
    )


def remove_rule(events: Any, name: str, bus: str) -> AwsError | None:
    """Remove a rule of ours and its target; None when it is gone."""

    def remove_target() -> None:
        answer = events.remove_targets(Rule=name, EventBusName=bus, Ids=[TARGET_ID])
        for failed in answer.get("FailedEntries", []):
            raise AwsError(
                f"the target could not be removed: {failed.get('ErrorMessage', '')}",
                code=str(failed.get("ErrorCode", "")),
                where=f"rule {name}",
            )

    where = f"rule {name} on bus {bus}"
    return _done(remove_target, where, "events") or _done(
        lambda: events.delete_rule(Name=name, EventBusName=bus), where, "events"
    )


def remove_queue(sqs: Any, name: str, url: str = "") -> AwsError | None:
    """Remove a queue of ours; None when it is gone."""
    return _done(
        lambda: sqs.delete_queue(QueueUrl=url or sqs.get_queue_url(QueueName=name)["QueueUrl"]), f"queue {name}", "sqs"
    )


def cancel_replay(events: Any, name: str) -> AwsError | None:
    """Cancel a replay of ours unless it has ended; None when it has, or will."""

    def runs() -> bool:
        return events.describe_replay(ReplayName=name).get("State") in UNFINISHED

    def cancel() -> None:
        try:
            if runs():
                events.cancel_replay(ReplayName=name)
        except events.exceptions.ClientError as error:
            if error_code(error) in _GONE or runs():  # else it has ended just now
                raise

    return _done(cancel, f"replay {name}", "events")


def _done(task: Callable[[], object], where: str, service: str) -> AwsError | None:
    """Do *task*, again after what passes; what is gone already is done."""
    for pause_s in (*_PAUSES_S, None):
        try:
            with aws_errors(where=where, service=service):
                task()
        except AwsError as error:
            if error.code in _GONE:
                return None
            if error.code not in _PASSING or pause_s is None:
                return error
            time.sleep(pause_s)
        else:
            return None
    return None
