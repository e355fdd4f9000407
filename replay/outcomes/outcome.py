"""What happened in the end."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from replay.delivery.report import DeliveryReport, Disposition
from replay.payloads.aws_calls import AwsCall
from replay.payloads.exact_json import Json
from replay.payloads.failures import Failure, Signature

Status = Literal[
    "succeeded", "failed", "partially_failed", "timed_out", "out_of_memory", "exited", "not_invoked", "throttled",
    "unserialisable", "rejected", "unobserved",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Outcome:
    """
    What happened to one fixture in one delivery.

    `failure` is the last failure of the function that was not made good, None when all was well in the end;
    `dispositions` go in record order; `duration_s` sums the invocations' wall time; `log` is what the function printed
    and logged.
    """

    status: Status
    failure: Failure | None = None
    signature: Signature | None = None
    dispositions: list[Disposition] = field(default_factory=list)
    duration_s: float = 0.0
    memory_mb: float | None = None
    log: str = ""
    report: DeliveryReport

    def __repr__(self) -> str:
        """Stay short enough for pytest to show beside a failed `assert`."""
        failure = f" {self.failure.error_type}: {self.failure.message[:80]}" if self.failure else ""
        return f"<Outcome {self.status}{failure} {self.dispositions}>"

    @property
    def effects(self) -> list[AwsCall]:
        """The AWS calls that the function made, redacted, in order, over all invocations."""
        return [call for invocation in self.report.invocations for call in invocation.reply.effects]

    def called(self, name: str, **parameters: Json) -> list[AwsCall]:
        """
        Give the calls of *name* that were made with *parameters*, in order.

        *name* is `service:Operation`, a glob compared without case; *parameters* are in the API's own words, those
        that are not given may be anything: `outcome.called("dynamodb:PutItem", TableName="orders")`.
        """
        wanted = parameters.items()
        return [
            call
            for call in self.effects
            if fnmatchcase(call.name.lower(), name.lower())
            and all(parameter in call.parameters and call.parameters[parameter] == value for parameter, value in wanted)
        ]

    def failed_with(self, error_type: str, *, match: str | None = None) -> bool:
        """
        Say whether the function failed with *error_type* and a message in which the pattern *match* is found.

        `error_type` is the name as the runtime gives it: the class name, without its module.
        """
        if self.failure is None or self.failure.error_type != error_type:
            return False
        return match is None or re.search(match, self.failure.message) is not None
