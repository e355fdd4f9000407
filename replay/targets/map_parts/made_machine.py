"""The state machine of one run: made, started, stopped and removed."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors, error_code
from replay.sources.archive_parts.made_for_replay import LEASE, Mark
from replay.targets.map_parts.definition import definition_text

_GONE = {"StateMachineDoesNotExist", "ExecutionDoesNotExist"}
_TRIES = 5
_PAUSE_S = 0.5
_NOT_AT_ONCE = {"StateMachineDeleting", "ConflictException", "ThrottlingException", "AccessDeniedException"}
"""What a role that was made a moment ago, or a machine that is being made, answers for a while."""


class MadeMachine:
    """
    A state machine of ours, by its mark; whether it is there or not, `remove` leaves nothing of it.

    Source: Step Functions API `CreateStateMachine`, `StartExecution`, `StopExecution`, `DeleteStateMachine`.
    """

    def __init__(self, client: Any, mark: Mark, *, arn: str) -> None:
        self._client, self._mark, self.arn = client, mark, arn

    @property
    def where(self) -> str:
        """What it is, for eyes."""
        return f"state machine {self._mark.name}"

    def make(self, definition: Mapping[str, Any], role_arn: str) -> None:
        """
        Make it, with our tags.

        Raises:
            AwsError: AWS does not make it; `remove` removes it all the same, for the answer may have been lost.
        """
        with aws_errors(where=self.where, service="states"):
            made = self._client.create_state_machine(
                name=self._mark.name,
                definition=definition_text(dict(definition)),
                roleArn=role_arn,
                type="STANDARD",
                tags=self._tags(),
            )
        self.arn = str(made["stateMachineArn"])

    def start(self, text: str) -> str:
        """
        Start its one execution with the input *text*, and give the execution's ARN.

        Raises:
            AwsError: AWS does not start it.
        """
        with aws_errors(where=self.where, service="states"):
            started = self._client.start_execution(stateMachineArn=self.arn, name=self._mark.name, input=text)
        return str(started["executionArn"])

    def renew(self, now: datetime) -> None:
        """Say from time to time, in a tag, that the run still goes on; its own machine knows it anyway."""
        if self._mark.kept_until - now > LEASE * 3 / 4:
            return
        self._mark = replace(self._mark, kept_until=now + LEASE)
        with aws_errors(where=self.where, service="states"):
            self._client.tag_resource(resourceArn=self.arn, tags=self._tags())

    def _tags(self) -> list[dict[str, str]]:
        return [{"key": str(key), "value": value} for key, value in self._mark.tags().items()]

    def remove(self) -> AwsError | None:
        """Stop its executions, and delete it; give what AWS said where it is still there."""
        return remove_machine(self._client, self.arn, self.where)


def remove_machine(client: Any, arn: str, where: str) -> AwsError | None:
    """Stop the executions of a state machine of ours, and delete it; None when it is gone, or will be."""
    for last in (*(False,) * (_TRIES - 1), True):
        try:
            with aws_errors(where=where, service="states"):
                _stop(client, arn)
                client.delete_state_machine(stateMachineArn=arn)
        except AwsError as error:
            if error.code in _GONE:
                return None
            if error.code not in _NOT_AT_ONCE or last:
                return error
            time.sleep(_PAUSE_S)
        else:
            return None
    return None


def _stop(client: Any, arn: str) -> None:
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=arn, statusFilter="RUNNING")
    for execution in [each for page in pages for each in page["executions"]]:
        try:
            client.stop_execution(executionArn=execution["executionArn"], cause="replay was ended")
        except client.exceptions.ClientError as error:
            if error_code(error) not in _GONE:
                raise
