"""
How many trivial events a warm function in a process of its own answers in a second, beside other local Lambdas.

Each is warm and is asked one event after the other; the others by one connection that stays open, which is less work
than any client of theirs does. They are measured in turn with ours, so that a busy moment hits all.

serverless-offline runs a Node function in a thread of its own process, and Python in another process: what counts is
the quicker of the two.
"""

import http.client
import io
import os
import statistics
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import boto3

from benchmarks.trivial import CODE, EVENT, trivial_function
from replay.delivery.attempt import Attempt
from replay.targets.process import ProcessTarget
from tests.emulators import ministack
from tests.emulators.environments import EnvironmentCannotBeBuilt, install_packages
from tests.emulators.node import SERVERLESS_OFFLINE
from tests.emulators.server import Launch, ServerDidNotStart, free_port, running

BOUND_PER_S = 400
BOUNDS = {"serverless-offline 13": 1.5, "MiniStack": 20.0}
ROUNDS = 5
OURS = 500
THEIRS = {"serverless-offline 13, Node": 200, "serverless-offline 13, Python": 200, "MiniStack": 20}
"""How many events make a round: less of who is slower."""

Invoke = Callable[[], None]

_SERVERLESS = """
service: peer
frameworkVersion: "3"
provider: {name: aws, runtime: nodejs20.x, region: us-east-1}
plugins: [serverless-offline]
functions:
  node: {handler: app.handler}
  python: {handler: trivial.handler, runtime: python3.11}
"""


def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """Give the median rates, and the median ratios of ours to each of the others, round by round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = stack.enter_context(_ours(folder / "ours"))
        others = stack.enter_context(_serverless_offline(folder / "serverless"))
        others |= stack.enter_context(_ministack(folder / "ministack"))
        rates: dict[str, list[float]] = {name: [] for name in ("ours", *others)}
        for number in range(rounds + 1):
            measured = {"ours": _per_s(ours, OURS)}
            measured |= {name: _per_s(invoke, THEIRS[name]) for name, invoke in others.items()}
            if number:  # the first round warms them up
                for name, rate in measured.items():
                    rates[name].append(rate)
    result = {f"{name} per_s": statistics.median(each) for name, each in rates.items()}
    for peer in BOUNDS:
        quickest = [max(each) for each in zip(*(rates[name] for name in rates if name.startswith(peer)), strict=True)]
        result[f"ratio to {peer}"] = statistics.median(
            mine / other for mine, other in zip(rates["ours"], quickest, strict=True)
        )
    return result


def _per_s(invoke: Invoke, events: int) -> float:
    began = perf_counter()
    for _ in range(events):
        invoke()
    return events / (perf_counter() - began)


@contextmanager
def _ours(folder: Path) -> Iterator[Invoke]:
    folder.mkdir()
    with ProcessTarget(trivial_function(folder)) as target:

        def invoke() -> None:
            target.begin()
            reply = target.invoke(Attempt(payload=EVENT))
            assert reply.status == "returned", reply

        yield invoke


@contextmanager
def _serverless_offline(folder: Path) -> Iterator[dict[str, Invoke]]:
    folder.mkdir()
    modules = install_packages(SERVERLESS_OFFLINE) / "node_modules"
    (folder / "node_modules").symlink_to(modules)
    (folder / "serverless.yml").write_text(_SERVERLESS)
    (folder / "trivial.py").write_text(CODE)
    (folder / "app.js").write_text("exports.handler = async () => ({ ok: true });\n")
    port = free_port()
    command = ["node", str(modules / "serverless" / "bin" / "serverless.js"), "offline", "--host", "127.0.0.1"]
    command += ["--lambdaPort", str(port)]
    for other in ("--httpPort", "--websocketPort", "--albPort"):
        command += [other, str(free_port())]
    quiet = {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "SLS_INTERACTIVE_SETUP_ENABLE": "0"}
    launch = Launch(name="serverless-offline", command=tuple(command), port=port, settings=quiet)

    def answers(port: int) -> bool:
        try:
            _post(http.client.HTTPConnection("127.0.0.1", port, timeout=20), "peer-dev-node")
        except (OSError, http.client.HTTPException):
            return False
        return True

    with running(launch, folder, answers=answers):
        yield {
            f"serverless-offline 13, {language}": _invoking(port, f"peer-dev-{language.lower()}")
            for language in ("Node", "Python")
        }


@contextmanager
def _ministack(folder: Path) -> Iterator[dict[str, Invoke]]:
    port = free_port()
    with running(ministack.launch(folder, port), folder):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr("trivial.py", CODE)
        client: Any = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_function(
            FunctionName="trivial",
            Runtime="python3.12",
            Handler="trivial.handler",
            Role="arn:aws:iam::000000000000:role/trivial",
            Code={"ZipFile": archive.getvalue()},
        )
        yield {"MiniStack": _invoking(port, "trivial")}


def _invoking(port: int, function: str) -> Invoke:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    return lambda: _post(connection, function)


def _post(connection: http.client.HTTPConnection, function: str) -> None:
    """Invoke a function as `Invoke` of the Lambda API does, without signing."""
    scope = "Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Content-Type": "application/json", "Authorization": f"AWS4-HMAC-SHA256 {scope}"}
    connection.request("POST", f"/2015-03-31/functions/{function}/invocations", EVENT, headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK or b"true" not in body:
        raise ConnectionError(f"{function} answered {answer.status}: {body[:200]!r}")


def main() -> int:
    """Print the rates, the ratios and the machine's load; 2 where another Lambda cannot be run."""
    try:
        result = measure()
    except (EnvironmentCannotBeBuilt, ServerDidNotStart) as problem:
        print(f"cannot be measured: {problem}", file=sys.stderr)
        return 2
    for name, value in result.items():
        if name.endswith(" per_s"):
            print(f"{name.removesuffix(' per_s')}: {value:,.0f} events per second")
    print(f"bound: {BOUND_PER_S} per second; load of the machine: {os.getloadavg()[0]:.1f}")
    missed = result["ours per_s"] < BOUND_PER_S
    for peer, bound in BOUNDS.items():
        ratio = result[f"ratio to {peer}"]
        print(f"ours / {peer}: {ratio:.1f} (bound {bound:g})")
        missed = missed or ratio < bound
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
