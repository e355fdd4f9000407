"""Options of the source that reads an SQS queue."""

from dataclasses import dataclass, field

from replay.errors import ConfigurationError
from replay.sources.aws_options import AwsOptions

MOST_VISIBILITY_TIMEOUT_S, MOST_WAIT_S = 43_200, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SqsOptions(AwsOptions):
    """What to record from which queue, and what may happen to it."""

    queue: str = field(metadata={"help": "the queue: its name, URL or ARN", "metavar": "NAME|URL|ARN"})
    concurrency: int | None = field(
        default=None,
        metadata={"help": "how many receives run at once; by itself 2, and 4 at an emulator", "metavar": "N"},
    )
    force: bool = field(
        default=False,
        metadata={"help": "receive from a queue that has a redrive policy; each receive counts", "flag": True},
    )
    drain: bool = field(
        default=False, metadata={"help": "delete what has a fixture of its own, safely on disk", "flag": True}
    )
    drain_to: str | None = field(
        default=None, metadata={"help": "move there what no fixture holds whole", "metavar": "NAME|URL|ARN"}
    )
    accept_redacted: bool = field(default=False, metadata={"help": "delete what no fixture holds whole", "flag": True})
    visibility_timeout_s: int | None = field(
        default=None,
        metadata={"help": "for how long messages are leased at a time, in seconds", "metavar": "SECONDS"},
    )
    wait_s: int | None = field(
        default=None,
        metadata={
            "help": "how long an empty receive waits, in seconds; by itself 1, and 0 at an emulator",
            "metavar": "SECONDS",
        },
    )

    def __post_init__(self) -> None:
        """
        Refuse what cannot be meant.

        Raises:
            ConfigurationError: A number out of its range, or drain options that do not fit.
        """
        if self.concurrency is not None:
            _in_range("concurrency", self.concurrency, 1, 64)
        _in_range("wait_s", self.wait_s or 0, 0, MOST_WAIT_S)
        if self.visibility_timeout_s is not None:
            _in_range("visibility_timeout_s", self.visibility_timeout_s, 1, MOST_VISIBILITY_TIMEOUT_S)
        if not self.drain and (self.drain_to or self.accept_redacted):
            option = "--drain-to" if self.drain_to else "--accept-redacted"
            raise ConfigurationError(f"{option} needs --drain", where=option, hint="add --drain, or leave it out")
        if self.drain_to and self.accept_redacted:
            raise ConfigurationError(
                "what redaction changed can be moved or deleted, not both",
                where="--drain-to and --accept-redacted",
                hint="leave out --accept-redacted: then nothing is lost",
            )


def _in_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        flag = "--" + name.replace("_", "-")
        raise ConfigurationError("a number out of its range", where=f"{flag} {value}", expected=f"{least} to {most}")
