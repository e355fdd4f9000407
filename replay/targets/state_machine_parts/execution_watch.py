"""Seeing the end of executions: each is asked for, until it has one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors
from replay.targets.carrier import Sighting, Sought
from replay.targets.sending import THROTTLES
from replay.targets.state_machine_parts.execution_ends import RUNNING, is_report, reply_of_end, reported_in
from replay.targets.state_machine_parts.machines import StateMachine

_MOST_AT_ONE_LOOK = 25
_MOST_HISTORY = 100
_NOT_THERE = "ExecutionDoesNotExist"


class ExecutionWatch:
    """
    Sees the ends of executions of *machine*: what was sent is known by the ARN of its execution.

    Args:
        code: The function's code here, to name the files of a trace as Lambda does.
    """

    def __init__(self, client: Any, machine: StateMachine, *, code: Path) -> None:
        self._client, self._machine, self._code = client, machine, code
        self._over: set[str] = set()
        self._looked_at: dict[str, int] = {}
        self._looks = 0

    @property
    def place(self) -> str:
        """Where it looks, for eyes."""
        return f"the executions of state machine {self._machine.name}"

    def begin(self) -> None:
        """See nothing: each execution has a name of its own."""

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """
        Ask for those that were not asked for longest.

        Raises:
            AwsError: They may not be looked at.
        """
        self._looks += 1
        open_ones = [each for each in sought if each.key not in self._over]
        open_ones.sort(key=lambda each: self._looked_at.get(each.key, 0))
        seen = []
        for each in open_ones[:_MOST_AT_ONE_LOOK]:
            self._looked_at[each.key] = self._looks
            try:
                found = self._seen(each)
            except AwsError as error:
                if error.code in THROTTLES:
                    break  # the next look asks again
                raise
            if found is not None:
                self._over.add(each.key)
                seen.append(found)
        return seen

    def close(self) -> Sequence[str]:
        """Give nothing back: an execution that still runs is the state machine's."""
        return ()

    def reason(self) -> str:
        """Say why an end may not be seen."""
        return "the execution still runs" if self._looked_at.keys() - self._over else ""

    def _seen(self, sought: Sought) -> Sighting | None:
        arn = next((sign for sign in sought.signs if sign.startswith("arn:")), "")
        arn = arn or self._machine.execution_arn(sought.signs[0])
        where = f"execution {arn}"
        try:
            with aws_errors(where=where, service="states"):
                told = self._client.describe_execution(executionArn=arn)
        except AwsError as error:
            if error.code == _NOT_THERE:
                return None
            raise
        status = str(told["status"])
        if status in RUNNING:
            return None
        began, ended = told["startDate"], told.get("stopDate")
        reply = reply_of_end(
            status,
            error=str(told.get("error") or ""),
            cause=self._cause(arn, told),
            output=told.get("output"),
            took_s=(ended - began).total_seconds() if ended else 0.0,
            code=self._code,
        )
        return Sighting(
            keys=(sought.key,),
            identity=arn,
            reply=reply,
            settled="processed" if reply.succeeded else "discarded",
            at_ms=round((ended or began).timestamp() * 1000),
        )

    def _cause(self, arn: str, told: Any) -> str:
        """Give the cause; where the state machine has put its own in the place of a function's, the function's."""
        error, cause = str(told.get("error") or ""), str(told.get("cause") or "")
        if told["status"] != "FAILED" or not error or is_report(cause):
            return cause
        try:
            with aws_errors(where=f"execution {arn}", service="states"):
                history = self._client.get_execution_history(
                    executionArn=arn, reverseOrder=True, maxResults=_MOST_HISTORY
                )["events"]
        except AwsError:
            return cause  # who may not read the history has what the execution says itself
        return reported_in(history, error) or cause
