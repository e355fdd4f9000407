"""What a function asks of AWS, and what a call of it may meet: plain values that targets fill and outcomes show."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from replay.payloads.exact_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsError:
    """
    An error that an AWS call ended in.

    `code` is AWS's own (`ProvisionedThroughputExceededException`); for a call that had no answer it is botocore's name
    of it (`ReadTimeoutError`, `ConnectTimeoutError`, `EndpointConnectionError`).
    """

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCall:
    """
    One call that a function made of AWS during a replay.

    Attributes:
        service: The service as botocore names it (`dynamodb`, `events`, `sqs`).
        operation: The operation in AWS's own words (`PutItem`).
        parameters: What was sent, redacted, in JSON's types (bytes as base64 text).
        result: What came back, redacted, without its metadata; None when the call ended in an error.
        error: What it ended in.
        injected: Whether the error was a fault of ours.
        attempts: How often the SDK sent it: retries are the same call.
    """

    service: str
    operation: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    result: Mapping[str, Json] | None = None
    error: AwsError | None = None
    injected: bool = False
    attempts: int = 1

    @property
    def name(self) -> str:
        """The call as IAM and users write it: `dynamodb:PutItem`."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    What the calls of a name shall meet in a replay.

    Attributes:
        call: Which calls: `service:Operation`, each part a glob (`dynamodb:PutItem`, `s3:*`), compared without case.
        error: The error code as AWS gives it, or `timeout` for a call that is never answered; None: no error.
        message: The error's message; AWS's own where it is empty and known.
        latency_s: Seconds by which each call is slower.
        skip: How many calls pass before the first that meets it.
        times: How many calls meet it; None for all.
    """

    call: str
    error: str | None = None
    message: str = ""
    latency_s: float = 0.0
    skip: int = 0
    times: int | None = None
