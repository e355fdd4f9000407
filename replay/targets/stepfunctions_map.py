"""The `stepfunctions-map` target: all events at once through a Distributed Map of Step Functions, into a function."""

import hashlib
import json
import re
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from replay.errors import AwsError, ConfigurationError, InvalidEvent, TargetRefused
from replay.functions.function import Function
from replay.readers.aws_errors import aws_errors
from replay.sources.archive_parts.made_for_replay import LEASE, PREFIX, Mark
from replay.sources.archive_parts.owners import this_process
from replay.targets.bulk import Bulk, BulkAdvance, BulkAnswer, BulkItem
from replay.targets.corpus_parts.buckets import OwnedBucket, S3Place, place_of_uri
from replay.targets.corpus_parts.item_lines import item_line
from replay.targets.corpus_parts.uploads import upload_lines
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.lambda_ import LambdaTarget
from replay.targets.map_parts.definition import MOST_ITEM_BYTES, MapSettings, definition_text, map_definition
from replay.targets.map_parts.made_machine import MadeMachine
from replay.targets.map_parts.result_files import MapResult, inline_results, read_items, read_results
from replay.targets.state_machine_parts.execution_ends import RUNNING

_ROLE = re.compile(r"arn:[\w-]+:iam::(?P<account>\d{12}):role/[\w+=,.@/-]{1,512}")
_NONE_GIVEN = 'role = "arn:aws:iam::123456789012:role/NAME"'
_TICK_S = 2.0
_TICK_HERE_S = 0.2
_NOT_THERE = {"ExecutionDoesNotExist", "StateMachineDoesNotExist"}
_RESULTS = "results"
_ITEMS = "items.jsonl"
_MANIFEST = "manifest.json"
_ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFunctionsMapOptions(DeployedOptions):
    """
    Which function gets the events, and what the Distributed Map before it may do.

    Attributes:
        function: The deployed function, by name, name:alias or ARN.
        place: Where events and results are kept: `s3://BUCKET/PREFIX`; each run has a folder of its own there.
        role: The ARN of the role by which the state machine reads, writes and invokes.
        max_concurrency: How many events are under way at once.
        tolerated_failure_percentage: From which share of failed events on it gives up the others; 100 is never.
        tolerated_failure_count: From which number on; without it that is no bound.
    """

    function: str = ""
    place: str = ""
    role: str = ""
    max_concurrency: int = 10
    tolerated_failure_percentage: float = 100.0
    tolerated_failure_count: int | None = None


class StepFunctionsMapTarget(Bulk):
    """
    A deployed function, behind a Distributed Map that is made for one run and removed after it.

    Events and results lie in S3. The function is invoked once for each event: what its event source would deliver again
    after a failure is taken to fail in the same way again.

    Source: Step Functions developer guide, "Using Map state in Distributed mode".
    """

    name = "stepfunctions-map"
    options = StepFunctionsMapOptions
    named_by: ClassVar[str] = "function"

    def __init__(self, function: Function, /, *, project: Path | None = None, **options: Any) -> None:
        del project
        self._function = function
        self._options: StepFunctionsMapOptions = _in_its_region(self.options(**options))
        self._place = _checked_place(self._options)
        now = datetime.now(UTC)
        self._mark = Mark(recording=uuid.uuid4().hex[:12], created=now, owner=this_process(), kept_until=now + LEASE)
        self._clients = TargetClients(self._options)
        self._machine: MadeMachine | None = None
        self._function_arn = ""
        self._notes: list[str] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what runs, and remove the state machine, whatever happened; also on a second Ctrl-C."""
        machine, self._machine = self._machine, None
        if machine is None:
            return
        try:
            left = machine.remove()
        except KeyboardInterrupt:
            left = machine.remove()
            raise
        if left is not None:
            said = f"{machine.where} is left behind ({left.what}): `replay doctor --leftovers --remove` removes it"
            self._notes.append(said)

    @property
    def described(self) -> StepFunctionsMapOptions:
        """The options that say where it is."""
        return self._options

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is different from an invocation of each event by itself."""
        return tuple(self._notes)

    def destination(self) -> Destination:
        """
        Ask Lambda which function it is, and S3 whose the bucket is.

        Raises:
            TargetRefused: One of them is beyond this machine, and its account is not named; the bucket could not be
                written to safely; the role is another account's; or Lambda, S3 and Step Functions are not in one place.
            AwsError: One of them is not there, or may not be looked at.
        """
        known = self._lambda.destination()
        _ = self._client  # or a state machine would be made where nothing was checked
        self._function_arn = known.arn
        if not known.on_this_machine:
            _check_role(self._options)
        self._bucket.checked()
        machine = f"a state machine {PREFIX}ID, made for this run, with the role {self._options.role}"
        places = f"{self._place}, where the events and their results stay"
        made = (machine, *definition_text(self._definition(known.arn)).splitlines())
        return replace(
            known, target=f"{self.name}:{self._options.function or self._function.name}", seen_by=(places,), made=made
        )

    def check(self, item: BulkItem) -> None:
        """
        See whether an event fits into an item.

        Raises:
            InvalidEvent: It is too large.
        """
        size = len(item_line(item.key, item.event_text))
        if size > MOST_ITEM_BYTES:
            raise InvalidEvent(
                f"with its event an item has {size:,} bytes, and an item of a map at most {MOST_ITEM_BYTES:,}",
                where=item.key,
                hint="deliver it to the function itself: --target lambda:FUNCTION",
            )

    def handles_of(self, run: str) -> list[str]:
        """
        Give the executions that were, or may have been, started in the run: their names come from its id.

        With its state machine an execution goes too, as when somebody has removed what a killed run left. It may have
        been started where its corpus lies in the bucket: that is written after the machine was made.

        Raises:
            AwsError: They may not be looked at.
        """
        found: list[str] = []
        while True:
            self._mark = replace(self._mark, recording=_recording(run, len(found)))
            arn = f"{self._arn_of('execution')}:{self._mark.name}"
            if self._described(arn) is None and not self._was_removed():
                return found
            found.append(arn)

    def start(self, items: Iterable[BulkItem]) -> str:
        """
        Make the state machine, write the corpus, and start it: in this order, see `handles_of`.

        Raises:
            AwsError: One of it could not be done; leaving the target removes what was made.
        """
        folder = self._folder(self._mark.name)
        lines = (item_line(item.key, item.event_text) for item in items)
        first = next(lines, None)
        if first is None:
            return ""
        self._machine = MadeMachine(self._client, self._mark, arn=self._arn_of("stateMachine"))
        self._machine.make(self._definition(self._function_arn), self._options.role)
        upload_lines(self._bucket, folder.below(_ITEMS).prefix, chain([first], lines))
        asked = {"bucket": folder.bucket, "key": folder.below(_ITEMS).prefix, "results": folder.below(_RESULTS).prefix}
        return self._machine.start(json.dumps(asked))

    def advance(self, handle: str) -> Iterator[BulkAdvance]:
        """
        Ask for the execution until it has ended, and for the counts of its map run.

        Source: Step Functions API `DescribeExecution`, `ListMapRuns`, `DescribeMapRun`.

        Raises:
            AwsError: It may not be looked at.
        """
        self._adopt(handle)
        while True:
            told = self._described(handle)
            if told is None:
                return
            counts = self._counts(handle)
            if self._machine is not None:
                self._machine.renew(datetime.now(UTC))
            if counts is not None:
                yield counts
            if told["status"] not in RUNNING:
                return
            time.sleep(_TICK_HERE_S if self._bucket.on_this_machine else _TICK_S)

    def answers_of(self, handle: str) -> Iterator[BulkAnswer]:
        """
        Read the results that the map has written.

        Raises:
            AwsError: They cannot be read.
            TargetError: They are not what Step Functions writes.
        """
        self._adopt(handle)
        for result in self._results(handle):
            yield BulkAnswer(key=result.fixture, reply=result.reply, event_text=result.event_text)

    def why_missing(self, handle: str) -> str:
        """Say how the execution has ended, in AWS's words."""
        told = self._described(handle)
        if told is None:
            name = handle.rpartition(":")[2]
            return f"the execution {name} is no longer there, and nobody can tell whether it came to it"
        error, cause = str(told.get("error") or ""), str(told.get("cause") or "")[:300]
        said = ": ".join(filter(None, (error, cause)))
        return f"the execution has {str(told['status']).lower()}{f', {said}' if said else ''}"

    def _results(self, handle: str) -> Iterator[MapResult]:
        folder = self._folder(handle.split(":")[6]).below(_RESULTS)
        found = False
        for manifest in self._manifests(handle, folder):
            try:
                for result in read_results(self._bucket, manifest, code=self._function.code):
                    found = True
                    yield result
            except AwsError as error:
                if error.code not in {"NoSuchKey", "404"}:
                    raise
        if not found:
            yield from self._inline(handle)

    def _inline(self, handle: str) -> Iterator[MapResult]:
        """Read results out of the execution's output: there are emulators that write none to S3."""
        output = (self._described(handle) or {}).get("output") or ""
        items = self._folder(handle.split(":")[6]).below(_ITEMS)
        return inline_results(output, read_items(self._bucket, items.prefix))

    def _manifests(self, handle: str, folder: S3Place) -> list[str]:
        """Name what the map runs of an execution write; what they have written, where it is no longer there."""
        if self._described(handle) is None:
            return [key for key in self._bucket.keys(f"{folder.prefix}/") if key.endswith(f"/{_MANIFEST}")]
        runs = self._map_runs(handle)
        return [folder.below(run.rpartition(":")[2]).below(_MANIFEST).prefix for run in runs]

    def _described(self, handle: str) -> dict[str, Any] | None:
        """Ask for an execution; None when there is none."""
        try:
            with aws_errors(where=f"execution {handle}", service="states"):
                return dict(self._client.describe_execution(executionArn=handle))
        except AwsError as error:
            if error.code in _NOT_THERE:
                return None
            raise

    def _was_removed(self) -> bool:
        """Whether there is a corpus without its state machine."""
        items = self._folder(self._mark.name).below(_ITEMS).prefix
        if items not in self._bucket.keys(items):
            return False
        arn = self._arn_of("stateMachine")
        try:
            with aws_errors(where=f"state machine {arn}", service="states"):
                return bool(self._client.describe_state_machine(stateMachineArn=arn)["status"] != _ACTIVE)
        except AwsError as error:
            if error.code in _NOT_THERE:
                return True
            raise

    def _map_runs(self, handle: str) -> list[str]:
        with aws_errors(where=f"execution {handle}", service="states"):
            pages = self._client.get_paginator("list_map_runs").paginate(executionArn=handle)
            return [str(run["mapRunArn"]) for page in pages for run in page["mapRuns"]]

    def _counts(self, handle: str) -> BulkAdvance | None:
        for run in self._map_runs(handle):
            with aws_errors(where=f"map run {run}", service="states"):
                counts = self._client.describe_map_run(mapRunArn=run)["itemCounts"]
            failed = int(counts["failed"]) + int(counts["timedOut"]) + int(counts["aborted"])
            return BulkAdvance(done=int(counts["succeeded"]) + failed, failed=failed, total=int(counts["total"]))
        return None

    def _adopt(self, handle: str) -> None:
        """Take over the state machine of a run that was broken off: it is removed like one's own."""
        if self._machine is not None:
            return
        parts = handle.split(":")
        if len(parts) > 6 and parts[6].startswith(PREFIX):  # noqa: PLR2004 - the name in an execution's ARN
            arn = ":".join([*parts[:5], "stateMachine", parts[6]])
            mark = replace(self._mark, recording=parts[6].removeprefix(PREFIX))
            self._machine = MadeMachine(self._client, mark, arn=arn)

    def _arn_of(self, kind: str) -> str:
        """Give the ARN that the state machine of the run has, or the beginning of that of its executions."""
        _, partition, _, region, account_id = self._function_arn.split(":")[:5]
        return f"arn:{partition}:states:{region}:{account_id}:{kind}:{self._mark.name}"

    def _folder(self, name: str) -> S3Place:
        return self._place.below(name)

    def _definition(self, function_arn: str) -> dict[str, Any]:
        options = self._options
        settings = MapSettings(
            max_concurrency=options.max_concurrency,
            tolerated_failure_percentage=options.tolerated_failure_percentage,
            tolerated_failure_count=options.tolerated_failure_count,
        )
        return map_definition(function_arn, settings)

    @cached_property
    def _lambda(self) -> LambdaTarget:
        """The function as the target `lambda` knows it, with all its checks."""
        options = self._options
        target = LambdaTarget(
            self._function,
            function=options.function,
            account_id=options.account_id,
            region=options.region,
            profile=options.profile,
            endpoint_url=options.endpoint_url,
            production=options.production,
            production_patterns=options.production_patterns,
        )
        target.ask_with(self._clients)
        return target

    @cached_property
    def _bucket(self) -> OwnedBucket:
        return OwnedBucket(self._place.bucket, self._options, clients=self._clients)

    @cached_property
    def _client(self) -> Any:
        return self._clients("stepfunctions")


def _recording(run: str, number: int) -> str:
    """Name what a run makes for the *number*-th time: always the same, so that it is found again."""
    return hashlib.sha256(f"{run} {number}".encode()).hexdigest()[:12]


def _in_its_region(options: StepFunctionsMapOptions) -> StepFunctionsMapOptions:
    """Give the options with the region of the function's ARN: a state machine invokes no function of another region."""
    parts = options.function.split(":")
    return replace(options, region=parts[3]) if not options.region and len(parts) > 6 else options  # noqa: PLR2004 - an ARN


def _checked_place(options: StepFunctionsMapOptions) -> S3Place:
    where = "the target stepfunctions-map"
    if not options.place:
        raise ConfigurationError(
            "where shall events and results be kept?", where=where, hint='say it: place = "s3://BUCKET/PREFIX"'
        )
    if not _ROLE.fullmatch(options.role):
        raise ConfigurationError("which role may the state machine have?", where=where, hint=f"say it: {_NONE_GIVEN}")
    if not 1 <= options.max_concurrency <= 10_000:  # noqa: PLR2004 - Step Functions' own bounds
        raise ConfigurationError(
            "a number out of its range", where=f"max_concurrency of {where}", expected="1 to 10,000"
        )
    if not 0 <= options.tolerated_failure_percentage <= 100:  # noqa: PLR2004 - the same
        raise ConfigurationError(
            "a number out of its range", where=f"tolerated_failure_percentage of {where}", expected="0 to 100"
        )
    return place_of_uri(options.place, where=f"place of {where}")


def _check_role(options: StepFunctionsMapOptions) -> None:
    found = _ROLE.fullmatch(options.role)
    if found is None or found["account"] != options.account_id:
        raise TargetRefused(
            "the role of the state machine is another account's",
            where=options.role,
            expected=f"account {options.account_id}, as the target's account_id says",
            hint="correct role or account_id in the target's section",
        )
