"""
Any language: the Runtime API is the contract.

The Node functions here run under a small client of our own (`bootstraps.py`), not under AWS's `aws-lambda-ric`, which
takes a C++ build: one test runs it, too, among those that need something installed (`--emulators`).
"""

import json
import shutil
import sys
from pathlib import Path

import pytest

from replay.errors import FunctionError, TargetError
from replay.outcomes.fingerprint import signature
from replay.payloads.failures import Frame
from replay.targets.child.child_process import ChildProcess
from replay.targets.child.launch import environment_of
from replay.targets.child.network_closure import describe_closure
from replay.targets.process import ProcessTarget
from tests.emulators.environments import install_packages
from tests.emulators.node import RUNTIME_CLIENT
from tests.targets.bootstraps import NODE, PYTHON, SHELL
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


@pytest.mark.parametrize(
    ("host", "advice"),
    [
        ("sqs.cn-north-1.amazonaws.com.cn", "an AWS client that was made before the replay"),
        ("s3.dualstack.us-iso-east-1.api.aws.ic.gov", "an AWS client that was made before the replay"),
        ("notamazonaws.com", 'set allow_hosts = ["notamazonaws.com"]'),
    ],
)
def test_a_python_of_ones_own_has_its_network_closed(service, host, advice):
    """An interpreter that has nothing of ours installed is guarded all the same, and told what is AWS in any partition."""
    app = """
    import socket
    def handler(event, context):
        try:
            import replay
            return "it has replay"
        except ModuleNotFoundError:
            return socket.create_connection((event, 443)).getpeername()
    """
    python = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    if not python.exists():
        pytest.skip("this Python has no other one that it was made from")
    failure = invoke(service({"app.py": app, "client.py": PYTHON}, command=(str(python), "client.py")), host).failure
    assert failure.error_type == "NetworkClosed"
    assert failure.message.startswith(f"closed during a replay: orders tried to reach {host}:443; ")
    assert advice in failure.message


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
@pytest.mark.parametrize(
    ("host", "is_aws"),
    [
        ("dynamodb.us-gov-west-1.amazonaws.com", True),
        ("sqs.cn-north-1.api.amazonwebservices.com.cn", True),
        ("sqs.us-isob-east-1.SC2S.sgov.gov.", True),
        ("amazonaws.com.example.com", False),
    ],
)
def test_a_node_function_is_told_what_is_aws(node, host, is_aws):
    """In whichever partition: a client that does not heed AWS_ENDPOINT_URL, or a host that could be allowed."""
    body = "try { await (await import('node:dns')).promises.lookup(event) } catch (e) { return e.message }"
    message = json.loads(invoke(node(body), host).payload)
    assert ("does not heed AWS_ENDPOINT_URL" in message) == is_aws
    assert ("allow_hosts" in message) != is_aws


@pytest.mark.parametrize(
    "queue",
    [
        "sqs.us-east-1.amazonaws.com",
        "queue.amazonaws.com",
        "eu-west-1.queue.amazonaws.com",
        "sqs-fips.us-gov-west-1.amazonaws.com",
        "sqs.eu-central-1.api.aws",
        "sqs.cn-north-1.amazonaws.com.cn",
        "sqs.eusc-de-east-1.amazonaws.eu",
        "sqs.us-iso-east-1.c2s.ic.gov",
    ],
)
def test_queue_urls_lead_to_the_mocked_aws(service, queue):
    """For Node, whose SDK calls the host in a queue's URL: also in a list, of each partition and by its older names."""
    url, other = f"https://{queue}/123456789012/orders", "https://sqs.example.com/123456789012/orders"
    function = service("", runtime="nodejs20.x", environment={"QUEUES": f"{url},{other}"})
    told = environment_of(function, ports=(1, 2), project=Path(), prepared={}, clock_offset_s=None)
    assert told["QUEUES"] == f"http://127.0.0.1:2/123456789012/orders,{other}"


def test_java_is_told_to_speak_json(service):
    """Its SDKs' own CBOR is switched off, unless the function says otherwise; no other language hears of it."""

    def told(**settings):
        variables = {"ports": (1, 2), "project": Path(), "prepared": {}, "clock_offset_s": None}
        return environment_of(service("", **settings), **variables)

    java = {"runtime": "java21", "command": ("java", "x")}
    assert (told(**java)["AWS_CBOR_DISABLE"], told(**java)["CBOR_ENABLED"]) == ("true", "false")
    assert told(**java, environment={"CBOR_ENABLED": "true"})["CBOR_ENABLED"] == "true"
    assert "CBOR_ENABLED" not in told()


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


HTTP2 = """
    import http2 from 'node:http2';
    import { connect } from 'node:http2';
    const headers = { ':method': 'POST', ':path': '/', 'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Kinesis_20131202.ListStreams',
      authorization: 'AWS4-HMAC-SHA256 Credential=testing/20200101/us-east-1/kinesis/aws4_request' };
    const ask = (session, body) => new Promise((resolve, reject) => {
      session.on('error', reject);
      const stream = session.request(headers);
      let status, text = '';
      stream.on('response', (head) => { status = head[':status']; });
      stream.on('data', (part) => { text += part; });
      stream.on('end', () => resolve([status, text.length > 0 && JSON.parse(text)]));
      stream.on('error', reject);
      stream.end(body);
    });
    """


@needs_node
@pytest.mark.parametrize("connect", ["http2.connect(URL)", "connect(new URL(URL), () => {})", "connect(URL, {})"])
def test_a_node_function_reaches_the_mocked_aws_by_http2(service, connect):
    """As the SDK's client of Kinesis does, without asking: several requests in one session, an error and a large body."""
    code = f"""{HTTP2}
    const URL_ = process.env.AWS_ENDPOINT_URL;
    export async function handler() {{
      const session = {connect.replace("URL)", "URL_)").replace("URL,", "URL_,")};
      const ends = await Promise.all([ask(session, '{{}}'), ask(session, JSON.stringify({{ Padding: 'x'.repeat(300000) }}))]);
      headers['x-amz-target'] = 'Kinesis_20131202.DescribeStreamSummary';
      ends.push(await ask(session, '{{"StreamName": "nothing"}}'));
      session.close();
      return ends.map(([status, answer]) => [status, answer.StreamNames ?? answer.__type]);
    }}
    """
    settings = {"memory_mb": 512, "runtime": "nodejs20.x", "command": ("node", "client.mjs"), "timeout_s": 20}
    with ProcessTarget(service({"app.mjs": code, "client.mjs": NODE}, **settings)) as target:
        target.begin()
        reply = target.invoke(attempt())
    assert json.loads(reply.payload) == [[200, []], [200, []], [400, "ResourceNotFoundException"]]
    assert sorted(call.name for call in reply.effects) == [
        "kinesis:DescribeStreamSummary", "kinesis:ListStreams", "kinesis:ListStreams",
    ]  # fmt: skip


@needs_node
def test_a_node_function_has_its_http2_closed_too(node):
    """Only the mocked AWS is led past the network: any other host is refused, by whichever protocol."""
    body = """
    const { connect } = await import('node:http2');
    return await new Promise((resolve) => connect('http://192.0.2.1:81').on('error', (e) => resolve([e.name, e.message])));
    """
    name, message = json.loads(invoke(node(body)).payload)
    assert name == "NetworkClosed"
    assert message.startswith("closed during a replay: orders tried to reach 192.0.2.1:81; ")


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
