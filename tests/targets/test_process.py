"""A Python function in a process of its own, under AWS's runtime client."""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from replay.delivery.attempt import Attempt
from replay.errors import FunctionError, TargetError
from replay.functions.function import Function
from replay.payloads.failures import Frame
from replay.targets import registry
from replay.targets.child import launch
from replay.targets.local import LocalTarget
from replay.targets.process import ProcessTarget
from tests.targets.conftest import attempt

pytest.importorskip("awslambdaric", reason="needs the extra `process`")

HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"


def invoke(function, event=None, **options):
    with ProcessTarget(function, **options) as target:
        target.begin()
        return target.invoke(attempt(event))


def test_the_target_is_found_by_its_name(service):
    """`process` is a target like the others."""
    assert isinstance(registry.open_target("process", service("")), ProcessTarget)


def test_an_answer_comes_back_with_its_time_its_memory_and_its_log(service):
    """A reply has what the handler returned and printed, how long it took, and the memory of its process."""
    reply = invoke(service("def handler(event, context):\n    print('got it')\n    return {'got': event}"), {"id": "ü"})
    assert (reply.status, reply.payload, reply.failure) == ("returned", '{"got": {"id": "ü"}}', None)
    assert reply.duration_s > 0
    assert reply.memory_mb is not None
    assert 5 < reply.memory_mb < 128
    start, printed, end, report, rest = reply.log.split("\n")
    assert start == "START RequestId: b2c3d4e5-0000-4000-8000-000000000001 Version: $LATEST"
    assert printed == "got it"
    assert end == "END RequestId: b2c3d4e5-0000-4000-8000-000000000001"
    assert report.startswith("REPORT RequestId: b2c3d4e5-0000-4000-8000-000000000001\tDuration: ")
    assert "Memory Size: 128 MB\tMax Memory Used: " in report
    assert "Init Duration: " in report
    assert rest == ""


def test_the_process_stays_warm_and_its_start_is_logged_once(service):
    """What is at module level runs once, and is no part of later logs; with `cold` it runs each time."""
    function = service(
        "print('started')\ncount = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count"
    )
    with ProcessTarget(function) as target:
        target.begin()
        replies = [target.invoke(attempt()) for _ in range(3)]
    assert [reply.payload for reply in replies] == ["1", "2", "3"]
    assert [reply.log.startswith("started\nSTART") for reply in replies] == [True, False, False]
    assert ["Init Duration" in reply.log for reply in replies] == [True, False, False]
    with ProcessTarget(function, cold=True) as target:
        target.begin()
        assert [target.invoke(attempt()).payload for _ in range(2)] == ["1", "1"]


def test_the_context_is_complete(service):
    """Context, deadline, trace id and variables are those of the invocation."""
    function = service(
        """\
        import os
        def handler(event, context):
            trace = os.environ["_X_AMZN_TRACE_ID"]
            return [context.aws_request_id, context.function_name, context.memory_limit_in_mb, context.log_group_name,
                    context.invoked_function_arn, context.get_remaining_time_in_millis(), trace[:7], os.getcwd(),
                    os.environ["STAGE"], os.environ["AWS_EXECUTION_ENV"], os.environ["AWS_ACCESS_KEY_ID"]]
        """,
        timeout_s=5,
        memory_mb=256,
        environment={"STAGE": "test"},
        runtime=HERE,
        region="eu-west-1",
    )
    request_id, name, memory, group, arn, left, trace, folder, *variables = json.loads(invoke(function).payload)
    assert (request_id, name, memory, group) == (attempt().request_id, "orders", "256", "/aws/lambda/orders")
    assert arn == "arn:aws:lambda:eu-west-1:123456789012:function:orders"
    assert 4_000 < left <= 5_000
    assert (trace, folder) == ("Root=1-", str(function.code))
    assert variables == ["test", f"AWS_Lambda_{HERE}", "testing"]


def test_the_trace_id_follows_the_request(service):
    """Attempts of one request share a trace, as retries do; another request has another one."""
    function = service(
        "import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID'].partition('-')[2].partition('-')[2]"
    )
    with ProcessTarget(function) as target:
        target.begin()
        one, again, other = (target.invoke(Attempt(payload="1", request_id=name)).payload for name in ("a", "a", "b"))
    assert one == again != other


def test_nothing_of_the_developers_account_reaches_the_process(service, monkeypatch):
    """Credentials, profiles and endpoints of the developer are not in the process's environment."""
    for name in ("AWS_PROFILE", "AWS_ROLE_ARN", "AWS_ENDPOINT_URL_SQS", "MY_SECRET"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    function = service(
        "import os\ndef handler(event, context): return [k for k, v in os.environ.items() if v == 'mine']"
    )
    assert invoke(function).payload == "[]"


def test_the_log_of_an_error_is_the_runtimes_own(service):
    """An uncaught error is logged as Lambda's log has it, with the files' names there."""
    reply = invoke(service("def handler(event, context):\n    raise KeyError('a')"))
    assert (
        "[ERROR] KeyError: 'a'\n"
        "Traceback (most recent call last):\n"
        '\xa0\xa0File "/var/task/app.py", line 2, in handler\n'
        "\xa0\xa0\xa0\xa0raise KeyError('a')\n"
    ) in reply.log


def test_a_raised_exception_has_the_users_frames(service):
    """Frames name files as they are in /var/task, and the stack is Python's."""
    reply = invoke(service("def handler(event, context):\n    raise KeyError('a')"))
    assert reply.status == "raised"
    assert reply.failure.frames == (Frame(module="app.py", function="handler", code="raise KeyError('a')", line=2),)
    assert reply.failure.stack == (
        "Traceback (most recent call last):\n"
        '  File "/var/task/app.py", line 2, in handler\n'
        "    raise KeyError('a')\n"
        "KeyError: 'a'\n"
    )


def test_a_failed_start_is_tried_again(service):
    """A module that raises fails the invocation without a request id, and the next one starts anew."""
    function = service("import os\nprint('starting')\nraise RuntimeError('not today')")
    with ProcessTarget(function) as target:
        target.begin()
        for _ in range(2):
            reply = target.invoke(attempt())
            assert (reply.status, reply.failure.error_type, reply.failure.request_id) == ("raised", "RuntimeError", "")
            assert reply.log.startswith("starting\n")


def test_a_segmentation_fault_while_starting_is_a_timeout(service):
    """As recorded on AWS (test_lambda_runtime_exit_segfault); the stack says what it was, and nobody waits."""
    reply = invoke(service("import ctypes\nctypes.string_at(0)", timeout_s=30))
    assert (reply.status, reply.failure.error_type) == ("timed_out", "Sandbox.Timedout")
    assert reply.failure.message.endswith(" Error: Task timed out after 30.00 seconds")
    assert "segmentation fault" in reply.failure.stack
    assert reply.duration_s < 5


@pytest.mark.parametrize("target", [LocalTarget, ProcessTarget])
def test_layers_and_python_path_are_found(service, tmp_path, target):
    """Modules come from the code, then the layers, then PYTHONPATH, whose folders are those of Lambda, in either process."""
    layer = tmp_path / "layer"
    for file, text in {
        "python/shared.py": "NAME = 'layer'",
        "python/both.py": "NAME = 'layer'",
        "more/third.py": "NAME = 'third'",
        "bin/tool": "#!/bin/sh\necho tool",
    }.items():
        path = layer / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    function = service(
        {
            "app.py": """\
                import shutil, subprocess, both, extra, shared, third
                def handler(event, context):
                    tool = subprocess.check_output(["tool"], text=True).strip() if shutil.which("tool") else "tool"
                    return [shared.NAME, both.NAME, extra.NAME, third.NAME, tool]
                """,
            "both.py": "NAME = 'code'",
            "vendor/extra.py": "NAME = 'extra'",
            "vendor/both.py": "NAME = 'vendor'",
        },
        layers=(layer,),
        environment={"PYTHONPATH": "/var/task/vendor:/opt/more"},
    )
    before = sys.path[:]
    with target(function) as opened:
        opened.begin()
        assert opened.invoke(attempt()).payload == '["layer", "code", "extra", "third", "tool"]'
    assert sys.path == before


def test_a_module_of_the_function_does_not_replace_one_of_the_client(service):
    """A function may have a `simplejson.py` or an `http.py` of its own, as on Lambda."""
    function = service(
        {
            "app.py": "def handler(event, context): return 1",
            "simplejson.py": "raise OSError",
            "http.py": "raise OSError",
        }
    )
    assert invoke(function).payload == "1"


def test_another_sitecustomize_still_runs(service, tmp_path, monkeypatch):
    """A `sitecustomize` of the developer's own (coverage, say) comes after ours."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.theirs = __file__")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert invoke(service("import sys\ndef handler(event, context): return len(sys.theirs) > 0")).payload == "true"


@pytest.mark.parametrize("at", [datetime(2020, 2, 29, 12, tzinfo=UTC), datetime(2020, 2, 29, 12)])  # noqa: DTZ001
def test_a_captured_clock_shows_the_time_of_the_failure(service, at):
    """With `clock = "captured"` the process shows that time, which goes on, and the deadline is in it."""
    function = service(
        """\
        import datetime
        def handler(event, context):
            return [datetime.datetime.now(datetime.UTC).isoformat()[:16], context.get_remaining_time_in_millis() // 1000]
        """,
        clock="captured",
        timeout_s=5,
    )
    with ProcessTarget(function) as target:
        for moment, shown in ((at, "2020-02-29T12:00"), (at.replace(year=2024), "2024-02-29T12:00")):
            target.begin(at=moment)
            now, left = json.loads(target.invoke(attempt()).payload)
            assert (now, 3 <= left <= 5) == (shown, True)


def test_a_missing_client_says_how_to_get_it(service, monkeypatch):
    """Without awslambdaric the error names the extra, and what those do for whom there is no wheel."""
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TargetError) as caught:
        invoke(service(""))
    assert "pip install 'event-replay[process]'" in caught.value.hint
    assert 'isolation = "in_process"' in caught.value.hint
    assert "cmake" in caught.value.expected


def test_a_missing_package_could_not_run(service):
    """A package that is not installed here says nothing of the function."""
    with pytest.raises(FunctionError, match="orders needs 'no_such_package'"):
        invoke(service("import no_such_package\ndef handler(event, context): pass"))


@pytest.mark.parametrize("handler", ["ap.handler", "pkg/zzz.handler"])
def test_a_missing_handler_file_could_not_run(service, handler):
    """A handler that names no file is a mistake of the configuration, not of the function."""
    with pytest.raises(FunctionError, match="the handler of orders is not there: no module"):
        invoke(service({"app.py": "", "pkg/__init__.py": ""}, handler=handler))


def test_a_missing_code_folder_could_not_run(tmp_path):
    """A function that was not built is no failure of the function."""
    with pytest.raises(FunctionError, match="the code of orders is not there"):
        invoke(Function(name="orders", handler="app.handler", code=tmp_path / "nowhere"))


def test_outside_of_the_block_nothing_is_invoked(service):
    """The target must be entered, and resumed after it was suspended; the process then goes on where it was."""
    target = ProcessTarget(
        service("count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count")
    )
    with pytest.raises(TargetError, match="not active"):
        target.invoke(attempt())
    with target:
        target.begin()
        assert target.invoke(attempt()).payload == "1"
        target.suspend()
        with pytest.raises(TargetError, match="not active"):
            target.invoke(attempt())
        target.resume()
        assert target.invoke(attempt()).payload == "2"


def test_a_suspended_process_is_frozen(service, tmp_path):
    """While suspended the function's threads do not run, as on Lambda between invocations."""
    file = tmp_path / "ticks"
    function = service(
        f"""\
        import threading, time
        def tick():
            while True:
                with open({str(file)!r}, "a") as ticks: ticks.write(".")
                time.sleep(0.002)
        threading.Thread(target=tick, daemon=True).start()
        def handler(event, context): return 1
        """
    )
    with ProcessTarget(function) as target:
        target.begin()
        target.invoke(attempt())
        target.suspend()
        target.resume()
        target.suspend()
        threading.Event().wait(0.05)
        before = file.stat().st_size
        threading.Event().wait(0.1)
        assert file.stat().st_size == before
        target.resume()
        assert target.invoke(attempt()).payload == "1"


def test_timeouts_are_kept_in_any_thread(service):
    """The target needs no main thread, unlike the one in our own process."""
    replies = []
    function = service("def handler(event, context):\n    while True: pass", timeout_s=0.2)
    thread = threading.Thread(target=lambda: replies.append(invoke(function)))
    thread.start()
    thread.join()
    assert [reply.status for reply in replies] == ["timed_out"]


def test_a_target_is_light_until_it_is_entered():
    """Importing and opening it loads neither boto3 nor moto."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom replay.functions.function import Function\n"
        "from replay.targets.registry import open_target\n"
        "open_target('process', Function(name='f', handler='app.handler', code=Path('.')))\n"
        "print({'boto3', 'botocore', 'moto', 'time_machine', 'flask', 'awslambdaric'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_function_without_aws_calls_loads_no_moto(service):
    """What a function does not use costs nothing: no boto3, no moto."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom replay.delivery.attempt import Attempt\n"
        "from replay.functions.function import Function\nfrom replay.targets.process import ProcessTarget\n"
        f"function = Function(name='f', handler='app.handler', code=Path({str(service('def handler(e, c): return 1').code)!r}))\n"
        "with ProcessTarget(function) as target:\n"
        "    target.begin()\n"
        "    assert target.invoke(Attempt(payload='1')).payload == '1'\n"
        "print({'boto3', 'botocore', 'moto', 'flask'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout == "set()\n"
