"""Options of the source that reads X-Ray, and what its function may be called there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from replay.payloads.traces import TracedRequest
from replay.readers.logs import default_log_group
from replay.sources.cloudwatch_logs import CloudWatchLogsOptions
from replay.sources.function_log_options import FunctionLogOptions
from replay.sources.permissions import ANY

_NAME = re.compile(r"[\w-]{1,140}", re.ASCII)
_STACK_S_RANDOM = r"(?=[a-z]*[0-9A-Z])[0-9A-Za-z]{8,13}"
"""Behind the names that a stack makes; a word in small letters, as in `shop-orders-confirmation`, is a person's."""

_FAILED = "fault = true OR error = true OR throttle = true"


@dataclass(frozen=True, slots=True, kw_only=True)
class XRayOptions(FunctionLogOptions):
    """Which traces, and where the events of their requests are logged."""

    filter: str | None = field(
        default=None,
        metadata={
            "help": "a filter expression: all requests of the function in the traces that it finds; by default those "
            "that failed",
            "metavar": "EXPRESSION",
        },
    )
    log_group: str | None = field(
        default=None, metadata={"help": "the log group; by default the one that the trace names", "metavar": "NAME"}
    )
    function: str | None = field(default=None, metadata={"help": "the function in the traces", "shared": True})

    def __post_init__(self) -> None:
        """
        Refuse what cannot be meant.

        Raises:
            ConfigurationError: Two ways to find events.
        """
        self.refuse_both("event_at", "event_prefix")

    @property
    def expression(self) -> str:
        """What X-Ray is asked for: of a known function its own faults, wherever in a trace they are."""
        if self.filter is not None:
            return self.filter
        named = self.deployed_name or ""
        return faults_of([named]) if _NAME.fullmatch(named) else _FAILED

    @property
    def deployed_name(self) -> str | None:
        """The function's name on AWS: that of the log which Lambda makes for it, else of its template, else as here."""
        return self._name_of_log or self.function_physical_name or self.function

    @property
    def _name_of_log(self) -> str | None:
        group = group_name(self.function_log_group) if self.function_log_group else ""
        named = group.removeprefix(default_log_group(""))
        return named if named != group and _NAME.fullmatch(named) else None

    def may_be(self, function: str) -> bool:
        """
        Say whether a stack may have named the function so: `<stack>-<logical id>-<random letters and digits>`.

        Source: CloudFormation User Guide, "Name type".
        """
        named = self.deployed_name
        if self._name_of_log is not None or not named:
            return False
        return bool(re.fullmatch(rf"[A-Za-z][\w-]*-{re.escape(named)}-{_STACK_S_RANDOM}", function, re.ASCII))

    def stack_made(self, log_groups: Iterable[str]) -> list[str]:
        """
        List the functions with these log groups that `may_be` the one meant.

        None where one of them has exactly its name: that is the one, whatever else there is.
        """
        named = [group.removeprefix(default_log_group("")) for group in log_groups]
        return [] if self.deployed_name in named else [each for each in named if self.may_be(each)]

    @property
    def groups_read(self) -> tuple[str, ...]:
        """The log groups that recording may have to read, as IAM has them: what a stack made of the name also fits."""
        named = self.log_group or self.function_log_group
        if named:
            return (group_name(named),)
        own = default_log_group(self.deployed_name or ANY)
        return (own, default_log_group(f"*-{self.deployed_name}-*")) if self.deployed_name else (own,)

    @property
    def how_to_name(self) -> str:
        """How a user says what the function is called on AWS."""
        if self.function_log_group is not None and self._name_of_log is None:
            return "--function NAME"
        return f'--function NAME, or [tool.replay.functions.{self.function}] log_group = "{default_log_group("NAME")}"'

    def group_of(self, request: TracedRequest) -> str:
        """Say where a request is logged."""
        named = self.log_group or request.log_group or self.function_log_group
        return group_name(named) if named else default_log_group(request.function)


def faults_of(functions: Iterable[str]) -> str:
    """Write a filter expression that finds the traces in which one of *functions* failed."""
    return " OR ".join(f'service("{each}") {{ {_FAILED} }}' for each in functions)


def group_name(named: str) -> str:
    """Read the name or ARN of a log group as the source that reads nothing but logs does."""
    return CloudWatchLogsOptions(log_group=named).group
