"""Options of the sources that find events in the log of one function."""

from dataclasses import dataclass, field

from replay.errors import ConfigurationError
from replay.payloads.log_formats.json_path import json_path
from replay.payloads.log_formats.logged_event import EventPlace
from replay.sources.aws_options import AwsOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionLogOptions(AwsOptions):
    """Which function, where it logs, and where its lines hold the events."""

    event_at: str | None = field(
        default=None, metadata={"help": "where a JSON line holds the event, such as $.request", "metavar": "JSONPATH"}
    )
    event_prefix: str | None = field(
        default=None, metadata={"help": "the text behind which a line holds the event", "metavar": "TEXT"}
    )
    function: str | None = field(default=None, metadata={"help": "the function that logs there", "shared": True})
    function_physical_name: str | None = field(
        default=None,
        metadata={"help": "its name on AWS, or in its template, as the project knows it", "shared": True},
    )
    function_log_group: str | None = field(
        default=None, metadata={"help": "the log group of the function, as the project knows it", "shared": True}
    )
    function_timeout_s: float | None = field(
        default=None, metadata={"help": "how long an invocation of it takes at most", "shared": True}
    )

    @property
    def event_place(self) -> EventPlace:
        """Where the events are."""
        path = json_path(self.event_at, option="--event-at") if self.event_at else None
        return EventPlace(path=path, prefix=self.event_prefix or "")

    def refuse_both(self, one: str, other: str) -> None:
        """
        Refuse two options of which only one can be meant.

        Raises:
            ConfigurationError: Both were given.
        """
        if getattr(self, one) and getattr(self, other):
            flags = f"--{one} and --{other}".replace("_", "-")
            raise ConfigurationError("only one of these can be meant", where=flags, hint="leave one out")
