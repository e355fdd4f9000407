"""What can be run: one function with its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of the template beside the functions: CloudFormation type and properties, intrinsics resolved."""

    logical_id: str
    type: str
    properties: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """
    A Lambda function as configured or as its template says.

    `code` is the folder that becomes `/var/task`; `handler` is AWS's `module.function` (`pkg/app.handler` too);
    `layers` are folders that become `/opt`. `setup` names `module:function`, run inside the mock before the first
    event. `clock = "captured"` sets the time to that of the failure.

    `isolation = "process"` runs it in a child process, in any language; `command` starts that process where it is not
    the runtime's own (`("node", "node_modules/aws-lambda-ric/index.mjs", "app.handler")`), with `code` as its folder.
    """

    name: str
    handler: str
    code: Path
    runtime: str = "python3.12"
    timeout_s: float = 3
    memory_mb: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[Path, ...] = ()
    event_sources: tuple[EventSource, ...] = ()
    resources: tuple[Resource, ...] = ()
    setup: str | None = None
    clock: Literal["now", "captured"] = "now"
    allow_hosts: tuple[str, ...] = ()
    isolation: Literal["in_process", "process"] = "in_process"
    command: tuple[str, ...] = ()
    region: str = "us-east-1"
    account_id: str = "123456789012"
    template: Path | None = None

    @property
    def arn(self) -> str:
        """The unqualified ARN that an event source would invoke."""
        partition = "aws-us-gov" if self.region.startswith("us-gov-") else "aws"
        if self.region.startswith("cn-"):
            partition = "aws-cn"
        return f"arn:{partition}:lambda:{self.region}:{self.account_id}:function:{self.name}"
