"""What can be run: one function with its settings."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from replay.payloads.aws_calls import Fault
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json
from replay.payloads.partitions import partition_of


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
    event. `clock = "captured"` sets the time to that of the failure. `faults` are what its calls of AWS meet
    in every replay.

    `isolation = "process"` runs it in a child process, in any language; None does so for what cannot run otherwise, and
    for fixtures whose failure ends the process. `command` starts that process where it is not the runtime's own
    (`("node", "node_modules/aws-lambda-ric/index.mjs", "app.handler")`), with `code` as its folder.

    `runtime_is_declared`: the configuration or the template has said `runtime`; else it is only our default.

    `log_group` is where it logs on AWS, where that is told; else Lambda makes `/aws/lambda/<its physical name>`.
    """

    name: str
    handler: str
    code: Path
    runtime: str = "python3.12"
    runtime_is_declared: bool = field(default=True, compare=False)
    timeout_s: float = 3
    memory_mb: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[Path, ...] = ()
    event_sources: tuple[EventSource, ...] = ()
    resources: tuple[Resource, ...] = ()
    setup: str | None = None
    clock: Literal["now", "captured"] = "now"
    allow_hosts: tuple[str, ...] = ()
    isolation: Literal["in_process", "process"] | None = None
    command: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    region: str = "us-east-1"
    account_id: str = "123456789012"
    template: Path | None = None
    log_group: str | None = None
    alias: str = field(default="", compare=False)
    """The name under which it was asked for, where that is another: what its user types and wants to read."""

    @property
    def display_name(self) -> str:
        """The name to show: the one that the user gave, and else its own."""
        return self.alias or self.name

    @property
    def other_python_here(self) -> str:
        """The Python that runs it here, where it is declared to run on another one on AWS; else empty."""
        here = f"python{sys.version_info.major}.{sys.version_info.minor}"
        differs = self.runtime_is_declared and self.runtime.startswith("python") and self.runtime != here
        return here if differs and not self.command else ""

    @property
    def arn(self) -> str:
        """The unqualified ARN that an event source would invoke."""
        return f"arn:{partition_of(self.region).id}:lambda:{self.region}:{self.account_id}:function:{self.name}"
