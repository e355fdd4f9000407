"""
Sending in batches, of which nothing is believed but what was answered for this very entry.

A batch call may succeed while entries in it fail: each of those is tried again alone, after a pause that grows. A call
that was throttled is made again as it was. What no answer came for is tried again too, and is in doubt from then on: it
may have arrived once more than acknowledged, and whoever keeps the ledger says so.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from replay.readers.aws_errors import error_code
from replay.targets.carrier import Acknowledgement, Answer, Carrier, Entry

TRIES = 6
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
THROTTLES = {
    "RequestThrottled", "ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException",
    "RequestLimitExceeded", "SlowDown", "KmsThrottled", "OverLimit", "ProvisionedThroughputExceededException",
    "LimitExceededException", "ExecutionLimitExceeded", "PriorRequestNotComplete", "KMSThrottlingException",
    "RequestThrottledException", "EC2ThrottledException",
}  # fmt: skip
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """
    What came of a batch call, by entry.

    Attributes:
        done: What was acknowledged, with its answer.
        refused: What the service has said that it did not do, with its code.
        final: Which of the refused would be refused again.
        throttled: Refused too, and the whole call may be made again.
        unknown: What no answer came for, with what happened instead; it may have been done.
    """

    done: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    final: frozenset[str] = frozenset()
    throttled: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Settled:
    """
    What came of sending, over all tries.

    Attributes:
        done: The answer for each entry that arrived.
        problems: Why the others did not.
        doubtful: What may have arrived once more than acknowledged, or although it is among the problems.
    """

    done: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)

    def note(self, answered: Answered) -> None:
        """Take in one call."""
        self.done.update(answered.done)
        self.doubtful |= answered.unknown.keys()
        failed = {**answered.refused, **answered.unknown, **answered.throttled}
        self.problems = {name: why for name, why in {**self.problems, **failed}.items() if name not in self.done}


def answered_error(error: Exception, names: Iterable[str]) -> Answered:
    """
    Read from what boto3 has raised what became of the entries *names* of the call.

    A request that boto3 did not even make is refused; one that broke off without an answer, or with one of the 5xx, may
    have been done.
    """
    from botocore.exceptions import ClientError, ParamValidationError

    names = list(names)
    if isinstance(error, ParamValidationError | UnicodeError):  # a lone surrogate cannot be sent
        return Answered(refused=dict.fromkeys(names, type(error).__name__), final=frozenset(names))
    if not isinstance(error, ClientError):
        return Answered(unknown=dict.fromkeys(names, type(error).__name__))
    code = error_code(error)
    if code in THROTTLES:
        return Answered(throttled=dict.fromkeys(names, code))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", SERVER_ERROR)
    if status >= SERVER_ERROR:
        return Answered(unknown=dict.fromkeys(names, code))
    return Answered(refused=dict.fromkeys(names, code))


def batch_id(key: str) -> str:
    """Give the id of an entry in a batch: for ever its own, so that another request's answer is never taken for it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def packed(sizes: Iterable[tuple[str, int]], *, most_entries: int, most_bytes: int | None) -> Iterator[Sequence[str]]:
    """
    Pack entries into batches, in their order and within the bounds; one that is too large by itself is a batch alone.

    Args:
        sizes: The name of each, and its size in bytes.
    """
    batch: list[str] = []
    total = 0
    for name, size in sizes:
        if batch and (len(batch) == most_entries or (most_bytes is not None and total + size > most_bytes)):
            yield batch
            batch, total = [], 0
        batch.append(name)
        total += size
    if batch:
        yield batch


def send_until_answered(
    batches: Iterable[Sequence[str]],
    call: Callable[[Sequence[str]], Answered],
    *,
    sleep: Callable[[float], object] = time.sleep,
) -> Settled:
    """Send each of *batches* by *call*, and what failed once more alone, `TRIES` times in all."""
    settled = Settled()
    for number in range(TRIES):
        again: list[Sequence[str]] = []
        for batch in batches:
            answered = call(batch)
            settled.note(answered)
            again += [[name] for name in answered.refused if name not in answered.final]
            again += [[name] for name in answered.unknown]
            again += [list(answered.throttled)] if answered.throttled else []
        batches = again
        if not batches:
            break
        if number < TRIES - 1:
            sleep(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**number))
    return settled


class Journal(Protocol):
    """The part of a ledger that sending needs: when it returns, its lines are on the disk."""

    def sent(self, keys: Sequence[str], **known: Any) -> None:
        """Note what is about to be sent."""

    def note_each(self, told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Note in one go, by type of line and then by key, what is known of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """
    What came of sending one entry.

    Attributes:
        acknowledgement: None where it did not arrive, as far as anybody has said.
        problem: The service's code for why not, or what happened instead of an answer.
        doubtful: It may have arrived once more than acknowledged.
        at_ms: When it was first sent, by our clock, in epoch milliseconds; 0 where it never was.
    """

    acknowledgement: Acknowledgement | None = None
    problem: str = ""
    doubtful: bool = False
    at_ms: int = 0


class Sender:
    """
    Sends entries through *carrier*, in batches of its size; every call waits for *wait* and stands in *journal*.

    Args:
        wait: Is told how many entries are about to be sent, and returns when they may.
        concurrency: How many calls are made at once, where no order is to be kept.
    """

    def __init__(
        self,
        carrier: Carrier,
        journal: Journal,
        *,
        wait: Callable[[int], object] = lambda _: None,
        concurrency: int = 1,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._carrier, self._journal, self._wait, self._sleep = carrier, journal, wait, sleep
        self._concurrency = concurrency
        self._began_ms: dict[str, int] = {}

    def send(self, entries: Sequence[Entry]) -> dict[str, Sent]:
        """
        Send *entries*, and give what came of each, by its key.

        Of a group one entry at a time is under way, and one that cannot be sent is not overtaken by a later one.

        Raises:
            ReplayError: The ledger cannot be written.
        """
        blocked: set[str] = set()
        sent: dict[str, Sent] = {}
        for layer in _layers(entries):
            free = [entry for entry in layer if not entry.group or entry.group not in blocked]
            behind = [entry for entry in layer if entry.group and entry.group in blocked]
            sent.update((entry.key, Sent(problem="an earlier one of its group could not be sent")) for entry in behind)
            sent.update(self._send_layer(free))
            blocked |= {entry.group for entry in free if entry.group and sent[entry.key].acknowledgement is None}
        return {entry.key: sent[entry.key] for entry in entries}

    def _send_layer(self, entries: Sequence[Entry]) -> dict[str, Sent]:
        by_key = {entry.key: entry for entry in entries}
        carrier = self._carrier
        sizes = ((entry.key, entry.size_bytes) for entry in entries)
        batches = list(packed(sizes, most_entries=carrier.most_entries, most_bytes=carrier.most_bytes))

        def settle(batch: Sequence[str]) -> Settled:
            return send_until_answered(
                [batch], lambda keys: self._call([by_key[key] for key in keys]), sleep=self._sleep
            )

        if self._concurrency == 1 or len(batches) <= 1:
            settled = [settle(batch) for batch in batches]
        else:
            with ThreadPoolExecutor(min(self._concurrency, len(batches)), thread_name_prefix="replay-send") as pool:
                settled = list(pool.map(settle, batches))
        return {key: self._told(key, each) for batch, each in zip(batches, settled, strict=True) for key in batch}

    def _told(self, key: str, settled: Settled) -> Sent:
        return Sent(
            acknowledgement=settled.done.get(key),
            problem=settled.problems.get(key, ""),
            doubtful=key in settled.doubtful,
            at_ms=self._began_ms.pop(key, 0),
        )

    def _call(self, entries: Sequence[Entry]) -> Answered:
        keys = [entry.key for entry in entries]
        self._wait(len(keys))
        for key in keys:
            self._began_ms.setdefault(key, round(time.time() * 1000))
        self._journal.sent(keys)
        try:
            answered = _by_kind(self._carrier.send(entries), keys)
        except Exception as error:  # noqa: BLE001 - not all is a BotoCoreError, such as ResponseParserError of a proxy's page
            answered = answered_error(error, keys)
        acknowledged = {key: {"identity": each.identity, **each.known} for key, each in answered.done.items()}
        said = chain(answered.refused.items(), answered.throttled.items())
        refused = {key: {"code": code.partition(":")[0]} for key, code in said}  # its words may quote what was sent
        self._journal.note_each({"acknowledged": acknowledged, "refused": refused})
        return answered


def _by_kind(answers: Mapping[str, Answer], keys: Iterable[str]) -> Answered:
    done, refused, final = {}, {}, set()
    for key, answer in answers.items():
        if isinstance(answer, Acknowledgement):
            done[key] = answer
            continue
        refused[key] = f"{answer.code}: {answer.message}" if answer.message else answer.code
        if not answer.retryable:
            final.add(key)
    unknown = {key: "NoAnswer" for key in keys if key not in answers}
    return Answered(done=done, refused=refused, final=frozenset(final), unknown=unknown)


def _layers(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Part entries into layers with at most one of each group, in their order; those without a group come first."""
    layers: list[list[Entry]] = []
    depth: Counter[str] = Counter()
    for entry in entries:
        number = depth[entry.group] if entry.group else 0
        depth[entry.group] += 1
        while number >= len(layers):
            layers.append([])
        layers[number].append(entry)
    return layers
