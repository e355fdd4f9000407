"""
Any language: the Runtime API is the contract.

The Node functions here run under a small client of our own (`bootstraps.py`), not under AWS's `aws-lambda-ric`, which
takes a C++ build: one test runs it, too, among those that need something installed (`--emulators`).
"""

import json
import shutil

import pytest

from replay.errors import FunctionError, TargetError
from replay.outcomes.fingerprint import signature
from replay.payloads.failures import Frame
from replay.targets.child.child_process import ChildProcess
from replay.targets.child.network_closure import describe_closure
from replay.targets.process import ProcessTarget
from tests.emulators.environments import install_packages
from tests.emulators.node import RUNTIME_CLIENT
from tests.targets.bootstraps import NODE, SHELL
from tests.targets.child.processes import none_left
from tests.targets.conftest import attempt, table

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="the shell bootstrap needs curl")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")


@pytest.fixture
def shell(service):
    """A function of `provided.al2023`: a shell script."""

    def write(**settings):
        function = service({"bootstrap": SHELL}, runtime="provided.al2023", handler="any", **settings)
        (function.code / "bootstrap").chmod(0o755)
        return function

    return write


@pytest.fixture
def node(service):
    """A function in JavaScript, with the body of its handler."""

    def write(body, **settings):
        code = f"export async function handler(event) {{\n{body}\n}}\n"
        settings = {"memory_mb": 256, "runtime": "nodejs20.x", "command": ("node", "client.mjs"), **settings}
        return service({"app.mjs": code, "client.mjs": NODE}, **settings)

    return write


def invoke(function, *events):
    with ProcessTarget(function) as target:
        target.begin()
        replies = [target.invoke(attempt(event)) for event in events or (None,)]
    return replies if len(events) > 1 else replies[0]


@needs_curl
def test_a_shell_script_is_a_function(shell):
    """Answers, errors with a body or only words, a streamed and a too large answer, and what it prints."""
    answer, boom, words, stream, large, again = invoke(shell(), 1, "boom", "words", "stream", "large", 2)
    assert (answer.status, answer.payload) == ("returned", '{"got": 1}')
    assert "handling 1\nEND" in answer.log
    assert (boom.status, boom.failure.error_type, boom.failure.message) == ("raised", "OrderError", "no such order")
    assert (words.failure.error_type, words.failure.message) == ("Order.Lost", "just words")
    assert stream.payload == '"in chunks"\n'
    assert large.status == "response_too_large"
    assert again.payload == '{"got": 2}'


@needs_curl
def test_a_shell_script_ends_as_lambda_would_end_it(shell, tmp_path):
    """Its exit status and its timeout are reported as for any language, and nothing that it started is left."""
    with none_left(tmp_path) as marked:
        exits, hangs, again = invoke(shell(timeout_s=0.4, environment=marked.environment), "exit", "hang", 1)
    assert exits.failure.message.endswith("Error: Runtime exited with error: exit status 3")
    assert (hangs.status, hangs.failure.error_type) == ("timed_out", "Sandbox.Timedout")
    assert again.payload == '{"got": 1}'


@needs_curl
def test_a_program_of_any_language_has_no_network_but_ours(shell):
    """In a network of its own it reaches the Runtime API and nothing else; where there is none, a note says so."""
    with ProcessTarget(shell()) as target:
        target.begin()
        answer = target.invoke(attempt("network"))
        if target._environment.child.is_network_closed:
            assert "Couldn't connect" in answer.payload or "unreachable" in answer.payload
            assert target.notes == []
        else:
            assert any("is not kept from the network" in note for note in target.notes)


@needs_curl
@pytest.mark.parametrize("reason", ["", "Operation not permitted"])
def test_what_closes_the_network_is_said(shell, service, monkeypatch, reason):
    """For `doctor`, and as a note where a program could reach the network."""
    monkeypatch.setattr(ChildProcess, "_why_this_system_is_open", reason)
    if reason:
        assert describe_closure(shell()) == (
            "orders is not kept from the network (Operation not permitted); "
            "it has no credentials, and AWS_ENDPOINT_URL names a mocked AWS"
        )
        assert describe_closure(service("")) == "orders: its Python sockets are closed"
    else:
        assert "allow_hosts can be kept in Python and Node only" in describe_closure(
            shell(allow_hosts=("example.com",))
        )
        assert describe_closure(service("", allow_hosts=("x",))) == "orders: its Python sockets are closed"


@pytest.mark.parametrize(
    ("files", "what"), [({"app": ""}, "is not there"), ({"bootstrap": "#!/bin/sh"}, "cannot be run")]
)
def test_a_bootstrap_that_cannot_be_run_could_not_run(service, files, what):
    """A function that was not built, or a file that is not executable, is no failure of the function."""
    with pytest.raises(FunctionError, match=what):
        invoke(service(files, runtime="provided.al2023"))


def test_a_command_that_is_not_there_could_not_run(service):
    """A `command` that this machine does not have is named."""
    with pytest.raises(TargetError) as caught:
        invoke(service("", command=("no-such-program", "x")))
    assert "No such file" in caught.value.what
    assert "no-such-program x" in caught.value.where


def test_a_runtime_without_a_client_needs_a_command(service):
    """Of other runtimes we know no client; Node's is named with how to get it."""
    with pytest.raises(TargetError, match="needs a `command`"):
        invoke(service("", runtime="java21"))
    with pytest.raises(TargetError) as caught:
        invoke(service("", runtime="nodejs22.x"))
    assert "npm install --save-dev aws-lambda-ric" in caught.value.hint


@needs_node
def test_a_node_function_answers_and_fails(node):
    """Answers, and an error with the frames of the function's own file."""
    answer, failed = invoke(
        node("if (event === 1) return { got: event };\nthrow new TypeError('no such order');"), 1, 2
    )
    assert answer.payload == '{"got":1}'
    assert (failed.status, failed.failure.error_type, failed.failure.message) == (
        "raised",
        "TypeError",
        "no such order",
    )
    assert failed.failure.frames[-1] == Frame(module="app.mjs", function="handler", line=3)
    assert failed.failure.stack.startswith("TypeError: no such order\n    at handler (file:///var/task/app.mjs:3:")
    assert signature(failed.failure).frames[-1] == "app.mjs:handler:"


@needs_node
def test_a_node_function_ends_as_lambda_would_end_it(node):
    """A spinning handler, an exit, and a module that throws while it is imported."""
    spins, exits, again = invoke(
        node("if (event === 1) for (;;) {}\nif (event === 2) process.exit(7);\nreturn event;", timeout_s=0.5), 1, 2, 3
    )
    assert spins.status == "timed_out"
    assert exits.failure.message.endswith("Runtime exited with error: exit status 7")
    assert again.payload == "3"
    broken = invoke(node("}\nthrow new RangeError('at import');\n{"))
    assert (broken.status, broken.failure.error_type, broken.failure.request_id) == ("raised", "RangeError", "")


@needs_node
@pytest.mark.parametrize(
    ("call", "place"),
    [
        ("await fetch('http://192.0.2.1/')", "192.0.2.1:80"),
        (
            "await new Promise((_, no) => (await import('node:net')).connect(81, '192.0.2.1').on('error', no))",
            "192.0.2.1:81",
        ),
        ("await (await import('node:dns')).promises.lookup('example.com')", "example.com"),
        ("(await import('node:dgram')).createSocket('udp4').send('x', 0, 1, 53, '192.0.2.1')", "192.0.2.1:53"),
        ("await new Promise((_, no) => http.get('http://localhost:1/').on('error', no))", "localhost:1"),
    ],
)
def test_a_node_function_has_its_network_closed(node, call, place):
    """fetch, net, http, dns and UDP are refused with an error that names the host."""
    imports = "const http = await import('node:http'); const net = await import('node:net');"
    call = call.replace("(await import('node:net'))", "net")
    body = f"{imports}\ntry {{ {call}; }} catch (e) {{ const c = e.cause ?? e; return [c.name, c.code, c.message]; }}"
    name, code, message = json.loads(invoke(node(body)).payload)
    assert (name, code) == ("NetworkClosed", "ECONNREFUSED")
    assert message.startswith(f"closed during a replay: orders tried to reach {place}; ")


@needs_node
def test_a_node_function_reaches_the_mocked_aws(node):
    """AWS_ENDPOINT_URL is a mocked AWS with the function's resources; queue URLs in its variables lead there, too."""
    body = """
    const scan = await fetch(process.env.AWS_ENDPOINT_URL, { method: 'POST', body: '{"TableName": "orders"}', headers: {
      'X-Amz-Target': 'DynamoDB_20120810.Scan', 'Content-Type': 'application/x-amz-json-1.0',
      'Authorization': 'AWS4-HMAC-SHA256 Credential=testing/20200101/us-east-1/dynamodb/aws4_request' } });
    return [(await scan.json()).Count, process.env.QUEUE_URL.replace(process.env.AWS_ENDPOINT_URL, 'mock:')];
    """
    queue = "https://sqs.us-east-1.amazonaws.com/123456789012/orders"
    function = node(body, resources=(table(),), environment={"QUEUE_URL": queue})
    assert json.loads(invoke(function).payload) == [0, "mock:/123456789012/orders"]


@needs_node
@pytest.mark.emulator
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm installs aws-lambda-ric")
def test_awss_own_client_for_node(service):
    """aws-lambda-ric, found in a node_modules folder above the code, runs a nodejs function without a `command`."""
    code = "exports.handler = async (event) => { if (event === 2) throw new TypeError('no'); return { got: event }; };"
    function = service({"app.js": code}, runtime="nodejs20.x", memory_mb=512)
    (function.code.parent / "node_modules").symlink_to(install_packages(RUNTIME_CLIENT) / "node_modules")
    answer, failed = invoke(function, 1, 2)
    assert answer.payload == '{"got":1}'
    assert (failed.status, failed.failure.error_type, failed.failure.message) == ("raised", "TypeError", "no")
    assert failed.failure.frames[-1].module == "app.js"
