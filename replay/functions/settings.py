"""What a user says of a function in `[tool.replay.functions.NAME]`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from replay.payloads.aws_calls import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """
    The settings of one function; None means "as the template says, else AWS's default".

    Attributes:
        handler: `module.function` or `folder/module.function`, below `code`. With it, no template is searched for the
            function but those that `template` here or in `[tool.replay]` names.
        code: The folder that becomes `/var/task`; the project's root where neither this nor a template says.
        template: The template that declares the function.
        logical_id: Its name there, where that is another one than NAME.
        runtime: Such as `python3.12` or `nodejs20.x`.
        timeout_s: Seconds, above 0 and up to 900.
        memory_mb: 128 to 10,240.
        environment: Variables, laid over those of the template.
        layers: Folders that become `/opt`; they replace the template's.
        setup: `module:function`, run inside the mock before the first event.
        clock: `captured` sets the function's clock to the time of the failure.
        allow_hosts: Hosts that the function may reach beside the mocked AWS.
        isolation: `process` runs the function in a child under AWS's own runtime client, `in_process` never does;
            without it, fixtures whose failure ends the process (timeout, memory, exit) run in a child, others do not.
        command: What starts a function that is not in Python, such as `["node", "index.mjs"]`; it runs in a child.
        faults: What calls of AWS meet in every replay: `{ call = "dynamodb:PutItem", error = "ThrottlingException" }`.
        event_source: The fields of `EventSource` that differ from the template's event source of the same `kind`
            (without `kind`: of its first one).
        account_id: Twelve digits, as in ARNs.
        region: Such as `eu-west-1`.
        log_group: Where it logs on AWS, such as `/aws/lambda/shop-orders-1A2B3C`.
    """

    handler: str | None = None
    code: Path | None = None
    template: Path | None = None
    logical_id: str | None = None
    runtime: str | None = None
    timeout_s: float | None = None
    memory_mb: int | None = None
    environment: Mapping[str, str] | None = None
    layers: tuple[Path, ...] | None = None
    setup: str | None = None
    clock: Literal["now", "captured"] | None = None
    allow_hosts: tuple[str, ...] | None = None
    isolation: Literal["in_process", "process"] | None = None
    command: tuple[str, ...] | None = None
    faults: tuple[Fault, ...] | None = None
    event_source: Mapping[str, Any] | None = None
    account_id: str | None = None
    region: str | None = None
    log_group: str | None = None
