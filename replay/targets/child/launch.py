"""How a function's process is started: its command, and the variables that it starts with."""

import importlib.util
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from replay.errors import FunctionError, TargetError
from replay.functions.function import Function
from replay.payloads.partitions import ENDPOINT_SUFFIXES
from replay.targets.in_process.function_environment import function_environment
from replay.targets.in_process.own_modules import folders_here, import_roots

Language = Literal["python", "node", "other"]

_GUARDS = Path(__file__).parent / "guards"
_NODE_GUARDS = ("network_guard.cjs", "http2_to_mock.cjs")
_JSON_FOR_JAVA = {"AWS_CBOR_DISABLE": "true", "CBOR_ENABLED": "false"}
"""The SDKs for Java, 1 and 2, speak a CBOR of their own to Kinesis, which moto does not know."""

_NODE_CLIENT = Path("node_modules", "aws-lambda-ric", "index.mjs")
_AWS_QUEUE = re.compile(
    r"https://(?:(?:sqs|sqs-fips|queue)\.[a-z0-9-]+|(?:[a-z0-9-]+\.)?queue)"
    rf"(?:{'|'.join(map(re.escape, ENDPOINT_SUFFIXES))})/"
)
"""A queue's URL in any partition. Source: AWS General Reference, "Amazon SQS endpoints", with the legacy ones."""


def language_of(function: Function) -> Language:
    """Say what the function's process is written in, as far as that decides how its network is closed."""
    program = Path(function.command[0]).name if function.command else function.runtime
    if program.startswith("python"):
        return "python"
    return "node" if program.startswith("node") else "other"


def command_of(function: Function) -> tuple[str, ...]:
    """
    Give the command that starts the function's process: its own, or that of its runtime.

    Raises:
        TargetError: The runtime's client is not installed, or there is none that we know of.
        FunctionError: The function has no `bootstrap` that can be run.
    """
    if function.command:
        return function.command
    if function.runtime.startswith("python"):
        _require_python_client()
        return (sys.executable, str(_GUARDS / "python_bootstrap.py"))
    if function.runtime.startswith("nodejs"):
        return ("node", str(_node_client(function)), function.handler)
    if function.runtime.startswith("provided"):
        return (str(_bootstrap(function)),)
    raise TargetError(
        f"{function.name} needs a `command`: there is no runtime client for {function.runtime} here",
        where=f"runtime {function.runtime} of {function.name}",
        expected='the program that asks the Runtime API for events, such as command = ["java", "-cp", "target/*", '
        '"com.amazonaws.services.lambda.runtime.api.client.AWSLambda", "example.Handler"]',
        hint=f"set `command` for {function.name} in [tool.replay]",
    )


def runs_own_setup(function: Function) -> bool:
    """Say whether the function's process runs its `setup`, so that stubs hold: Python under our own command can."""
    return function.setup is not None and function.runtime.startswith("python") and not function.command


def environment_of(
    function: Function,
    *,
    ports: tuple[int, int],
    project: Path,
    prepared: Mapping[str, str],
    clock_offset_s: float | None,
) -> dict[str, str]:
    """
    Give the variables that the function's process starts with.

    Args:
        ports: Of the Runtime API and of the mocked AWS.
        prepared: What a `setup` outside of the process has set.
        clock_offset_s: How far from now its clock is to be, None where it shows the real time. Python only.
    """
    environment = {**function_environment(function, os.environ), **prepared}
    environment |= _ours(function, ports, environment)
    if clock_offset_s is not None:
        environment["REPLAY_CLOCK_OFFSET_S"] = repr(clock_offset_s)
    if runs_own_setup(function):
        package = Path(__file__).parents[3]
        environment |= {
            "REPLAY_SETUP": str(function.setup),
            "REPLAY_PROJECT": str(project),
            "REPLAY_PACKAGE": str(package),
        }
    _add_layers(environment, function)
    if language_of(function) == "other":
        environment = {**_JSON_FOR_JAVA, **environment}
    if language_of(function) == "node":
        # The JavaScript SDK calls the host in a queue's URL, whatever endpoint it is given.
        mock = f"{environment['AWS_ENDPOINT_URL']}/"
        environment = {name: _AWS_QUEUE.sub(mock, value) for name, value in environment.items()}
    return environment


def _ours(function: Function, ports: tuple[int, int], environment: Mapping[str, str]) -> dict[str, str]:
    """Give what leads the process to us, and keeps it from everybody else."""
    api_port, aws_port = ports
    roots = import_roots(function.code, function.layers, function.runtime)
    return {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api_port}",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws_port}",
        "REPLAY_ALLOW_HOSTS": " ".join(function.allow_hosts),
        "REPLAY_AWS_SUFFIXES": " ".join(ENDPOINT_SUFFIXES),
        "REPLAY_OPEN_PORTS": f"{api_port} {aws_port}",
        "REPLAY_IMPORT_ROOTS": os.pathsep.join(map(str, roots)),
        "PYTHONPATH": os.pathsep.join(_python_path(function, environment.get("PYTHONPATH", ""), roots)),
        "NODE_OPTIONS": " ".join([*map(_required_by_node, _NODE_GUARDS), environment.get("NODE_OPTIONS", "")]),
    }


def _required_by_node(file: str) -> str:
    path = str(_GUARDS / "node" / file).replace("\\", "\\\\").replace('"', '\\"')
    return f'--require "{path}"'


def _require_python_client() -> None:
    if importlib.util.find_spec("awslambdaric") and importlib.util.find_spec("runtime_client"):
        return
    raise TargetError(
        'isolation = "process" runs Python under AWS\'s own runtime client, which is not installed',
        where="package awslambdaric",
        expected="wheels exist for Linux with glibc; elsewhere pip builds it, which needs cmake, a C++ compiler, "
        "autoconf, automake and libtool",
        hint="pip install 'event-replay[process]'; where it cannot be built, use isolation = \"in_process\"",
    )


def _node_client(function: Function) -> Path:
    for folder in (function.code, *function.code.parents):
        if (folder / _NODE_CLIENT).is_file():
            return folder / _NODE_CLIENT
    raise TargetError(
        f"{function.name} runs under AWS's runtime client for Node, which is not installed",
        where=f"{_NODE_CLIENT} in {function.code} or a folder above it",
        expected="npm builds it, which needs cmake, a C++ compiler, autoconf, automake and libtool",
        hint='npm install --save-dev aws-lambda-ric; or set command = ["node", "your-bootstrap.mjs"] in [tool.replay]',
    )


def _bootstrap(function: Function) -> Path:
    candidates = [folder / "bootstrap" for folder in (function.code, *function.layers)]
    for candidate in candidates:
        if candidate.is_file():
            if not os.access(candidate, os.X_OK):
                raise FunctionError(
                    f"the bootstrap of {function.name} cannot be run",
                    where=str(candidate),
                    expected="an executable file",
                    hint=f"chmod +x {candidate}",
                )
            return candidate
    raise FunctionError(
        f"the bootstrap of {function.name} is not there",
        where=str(candidates[0]),
        expected=f"an executable file `bootstrap`, as {function.runtime} has it",
        hint="build the function first, or set `command` in [tool.replay]",
    )


def _python_path(function: Function, variable: str, roots: Sequence[Path]) -> list[str]:
    """Our guard comes first; a Python of the user's own `command` finds the layers here, too."""
    layers = [str(root) for root in roots[1:]] if function.command else []
    entries = [entry for entry in variable.split(os.pathsep) if entry]
    configured = [here for entry in entries for here in folders_here(entry, function.code, function.layers)]
    return [str(_GUARDS / "python"), *layers, *configured]


def _add_layers(environment: dict[str, str], function: Function) -> None:
    """
    Let programs, shared libraries and Node packages be found in code and layers.

    Source: Lambda Developer Guide, "Adding layers to functions" (paths for each runtime).
    """
    version = function.runtime.removeprefix("nodejs").partition(".")[0]
    places = {
        "PATH": ("bin",),
        "LD_LIBRARY_PATH": ("lib",),
        "NODE_PATH": ("nodejs/node_modules", f"nodejs/node{version}/node_modules"),
    }
    for name, folders in places.items():
        found = [str(layer / folder) for layer in function.layers for folder in folders if (layer / folder).is_dir()]
        if found:
            rest = [environment[name]] if environment.get(name) else []
            environment[name] = os.pathsep.join([*found, *rest])
