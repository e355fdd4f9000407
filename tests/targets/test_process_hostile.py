"""Whatever a function does to its process, the reply is Lambda's, comes in time, nothing is left, and the next one runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from replay.errors import TargetError
from replay.targets.process import ProcessTarget
from tests.targets.child.processes import none_left, wait_until
from tests.targets.conftest import attempt

pytest.importorskip("awslambdaric", reason="needs the extra `process`")
pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="finds processes in /proc")

REQUEST_ID = attempt().request_id
EXITED = f"RequestId: {REQUEST_ID} Error: Runtime exited "

NOTE = """
import os, time
def note(pid):
    with open(os.environ["PIDS"], "a") as pids: pids.write(f"{pid}\\n")
"""


def check(service, tmp_path, body, *, status, message, within_s=3.0, error_type="Runtime.ExitError", **settings):
    """Invoke a handler with *body*, look at its reply, and invoke it again with an event that it answers."""
    handler = "def handler(event, context):\n    if event == 'next': return 'done'\n" + body
    with none_left(tmp_path) as marked:
        settings = {"timeout_s": 0.4, "environment": marked.environment, **settings}
        with ProcessTarget(service(f"{NOTE}\n{handler}", **settings)) as target:
            target.begin()
            started = time.monotonic()
            reply = target.invoke(attempt())
            assert time.monotonic() - started < within_s
            assert (reply.status, reply.failure.error_type, reply.failure.message) == (status, error_type, message)
            assert reply.payload is None
            if status in {"timed_out", "exited", "out_of_memory"}:
                assert marked.alive() == set()
            assert target.invoke(attempt("next")).payload == '"done"'
    return reply


@pytest.mark.parametrize(
    "body", ["    time.sleep(60)", "    while True: pass", "    open(os.devnull).read(); os.read(os.pipe()[0], 1)"]
)
def test_a_handler_that_does_not_end_is_killed(service, tmp_path, body):
    """A sleep, a spin or a blocked read ends when the time is up, as `Sandbox.Timedout`; the stack says where it was."""
    reply = check(
        service,
        tmp_path,
        body,
        status="timed_out",
        error_type="Sandbox.Timedout",
        message=f"RequestId: {REQUEST_ID} Error: Task timed out after 0.40 seconds",
    )
    assert '"/var/task/app.py", line 8 in handler' in reply.failure.stack
    assert "most recent call first" not in reply.log
    assert reply.log.endswith(f" {REQUEST_ID} Task timed out after 0.40 seconds\n")
    assert 0.4 <= reply.duration_s < 1


def test_a_handler_that_ignores_signals_is_killed(service, tmp_path):
    """No signal handler holds a kill back."""
    body = "    import signal\n    [signal.signal(n, signal.SIG_IGN) for n in (2, 15, 24)]\n    while True: pass"
    message = f"RequestId: {REQUEST_ID} Error: Task timed out after 0.40 seconds"
    check(service, tmp_path, body, status="timed_out", error_type="Sandbox.Timedout", message=message)


def test_a_fork_bomb_is_killed_to_the_last(service, tmp_path):
    """Ten children that spin, with sessions of their own, end with the handler."""
    body = """
    for _ in range(10):
        if os.fork() == 0:
            os.setsid()
            note(os.getpid())
            while True: pass
    time.sleep(60)
"""
    message = f"RequestId: {REQUEST_ID} Error: Task timed out after 0.60 seconds"
    check(service, tmp_path, body, status="timed_out", error_type="Sandbox.Timedout", message=message, timeout_s=0.6)


def test_a_daemon_does_not_get_away(service, tmp_path):
    """A process that leaves session, parent and environment behind it ends with the function all the same."""
    body = """
    import subprocess, sys
    daemon = "import os, sys, time\\nif os.fork() == 0:\\n    print(os.getpid(), file=open(sys.argv[1], 'a'))\\n    time.sleep(60)"
    subprocess.run([sys.executable, "-c", daemon, os.environ["PIDS"]], env={}, start_new_session=True)
    while not os.path.exists(os.environ["PIDS"]): time.sleep(0.001)
    os._exit(0)
"""
    check(service, tmp_path, body, status="exited", message=f"{EXITED}without providing a reason", timeout_s=3)


def test_children_of_a_good_answer_end_with_the_replay(service, tmp_path):
    """What a handler leaves running while it answers lives on as long as the process, and no longer."""
    with none_left(tmp_path) as marked:
        function = service(
            f"{NOTE}\nimport subprocess\ndef handler(event, context):\n"
            "    note(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)\n    return 1",
            environment=marked.environment,
        )
        with ProcessTarget(function) as target:
            target.begin()
            assert target.invoke(attempt()).payload == "1"
            assert len(marked.alive()) >= 2


@pytest.mark.parametrize(
    "body",
    ["    held = []\n    while True: held.append(b'x' * 10_000_000 + bytes(1))", "    return len(b'x' * 300_000_000)"],
)
def test_a_memory_hog_is_killed(service, tmp_path, body):
    """More memory than the function has ends it as on Lambda, be it slowly or at once; REPORT shows it all used."""
    reply = check(
        service, tmp_path, body, status="out_of_memory", message=f"{EXITED}with error: signal: killed", timeout_s=5
    )
    assert reply.memory_mb == 128
    assert "Memory Size: 128 MB\tMax Memory Used: 128 MB" in reply.log
    assert reply.log.endswith(f"{EXITED}with error: signal: killed\nRuntime.ExitError\n")


def test_the_memory_of_children_counts_once(service, tmp_path):
    """Children count too, but what they share with their parent is not counted for each of them."""
    grow = "    import subprocess, sys\n    subprocess.run([sys.executable, '-c', 'x = b\"x\" * 200_000_000; import time; time.sleep(9)'])"
    check(
        service,
        tmp_path,
        grow,
        status="out_of_memory",
        message=f"{EXITED}with error: signal: killed",
        timeout_s=8,
        within_s=8,
    )
    share = """
    held = b'x' * 40_000_000
    children = [os.fork() for _ in range(1)]
    for _ in range(3):
        if 0 not in children: children.append(os.fork())
    if 0 in children:
        time.sleep(60)
    time.sleep(0.15)
    return len(children)
"""
    with ProcessTarget(service(f"import os, time\ndef handler(event, context):\n{share}", name="sharing")) as target:
        target.begin()
        reply = target.invoke(attempt())
    assert (reply.status, reply.payload) == ("returned", "4")


def test_reserved_memory_is_not_used_memory(service):
    """A function may reserve more address space than it has memory, as many runtimes do."""
    function = service(
        "import mmap\ndef handler(event, context):\n    held = mmap.mmap(-1, 2_000_000_000)\n    return len(held)"
    )
    with ProcessTarget(function) as target:
        target.begin()
        assert target.invoke(attempt()).payload == "2000000000"


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("os._exit(0)", "without providing a reason"),
        ("os._exit(7)", "with error: exit status 7"),
        ("raise SystemExit", "without providing a reason"),
        ("raise SystemExit('bye')", "with error: exit status 1"),
        ("raise BaseException('no')", "with error: exit status 1"),
        ("os.abort()", "with error: signal: aborted"),
        ("os.kill(os.getpid(), 9)", "with error: signal: killed"),
        ("os.kill(os.getpid(), 15)", "with error: signal: terminated"),
        ("import ctypes; ctypes.string_at(0)", "with error: signal: segmentation fault"),
    ],
)
def test_a_process_that_ends_is_an_exit_error(service, tmp_path, call, reason):
    """However the process ends, the reply says how, in Lambda's words."""
    reply = check(service, tmp_path, f"    {call}", status="exited", message=f"{EXITED}{reason}")
    assert reply.duration_s < 2


def test_a_crash_says_where_it_was(service, tmp_path):
    """The stack of a segmentation fault, and of what no `except Exception` catches, is kept for the user's eyes."""
    for call in ("import ctypes; ctypes.string_at(0)", "raise BaseException('no')"):
        reason = "exit status 1" if "raise" in call else "signal: segmentation fault"
        reply = check(service, tmp_path, f"    {call}", status="exited", message=f"{EXITED}with error: {reason}")
        assert "/var/task/app.py" in reply.failure.stack


def test_a_large_answer_is_refused(service, tmp_path):
    """Seven megabytes are more than Lambda passes on."""
    check(
        service,
        tmp_path,
        "    return 'x' * 7_000_000",
        status="response_too_large",
        error_type="Function.ResponseSizeTooLarge",
        message="Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        timeout_s=3,
    )


@pytest.mark.parametrize(("characters", "status"), [(6_291_554, "returned"), (6_291_555, "response_too_large")])
def test_the_limit_is_exact(service, characters, status):
    """The limit counts bytes, quotation marks included."""
    with ProcessTarget(service(f"def handler(event, context): return 'x' * {characters}")) as target:
        target.begin()
        assert target.invoke(attempt()).status == status


def test_an_answer_that_has_no_json_is_a_marshal_error(service, tmp_path):
    """The runtime's own words for what it cannot write."""
    message = "Unable to marshal response: Object of type set is not JSON serializable"
    check(
        service, tmp_path, "    return {1}", status="unserialisable", error_type="Runtime.MarshalError", message=message
    )


def test_a_hundred_megabytes_of_log_are_bounded(service, tmp_path):
    """The beginning and the end of a log are kept, the answer comes in time, and no process is left."""
    with none_left(tmp_path) as marked:
        function = service(
            "def handler(event, context):\n    print('first')\n    for _ in range(100): print('x' * 999_999)\n    print('last')\n    return 1",
            timeout_s=20,
            environment=marked.environment,
        )
        with ProcessTarget(function) as target:
            target.begin()
            started = time.monotonic()
            reply = target.invoke(attempt())
            assert time.monotonic() - started < 15
            assert target.invoke(attempt()).payload == "1"
        assert reply.payload == "1"
        assert len(reply.log) < 2_000_000
        assert "first\nxxx" in reply.log
        assert "characters left out" in reply.log
        assert "xxx\nlast\nEND" in reply.log


def test_a_child_that_prints_for_ever_keeps_nobody(service):
    """The log of an invocation ends with its answer, whoever goes on printing."""
    function = service(
        "import subprocess\ndef handler(event, context):\n    subprocess.Popen(['yes'])\n    return 1", timeout_s=2
    )
    with ProcessTarget(function) as target:
        target.begin()
        started = time.monotonic()
        assert [target.invoke(attempt()).payload for _ in range(2)] == ["1", "1"]
        assert time.monotonic() - started < 2


def test_a_process_that_ends_after_its_answer_is_replaced(service):
    """The answer counts; the next event meets a new process."""
    function = service(
        "import os, threading, time\ncount = 0\ndef handler(event, context):\n    global count\n    count += 1\n"
        "    threading.Thread(target=lambda: (time.sleep(0.02), os._exit(1))).start()\n    return count"
    )
    with ProcessTarget(function) as target:
        target.begin()
        assert target.invoke(attempt()).payload == "1"
        pid = target._environment.child.pid
        assert wait_until(lambda: not Path(f"/proc/{pid}").exists())
        assert target.invoke(attempt()).payload == "1"


def test_killing_the_supervisor_is_noticed(service, tmp_path):
    """A function that kills the process above it could not be watched; the next event runs."""
    with none_left(tmp_path) as marked:
        function = service(
            "import os, time\ndef handler(event, context):\n    if event: return event\n    os.kill(os.getppid(), 9)\n    time.sleep(60)",
            environment=marked.environment,
        )
        with ProcessTarget(function) as target:
            target.begin()
            with pytest.raises(TargetError, match="watches over"):
                target.invoke(attempt())
            assert target.invoke(attempt(7)).payload == "7"


def test_a_replay_that_is_interrupted_leaves_nothing(service, tmp_path, monkeypatch):
    """Ctrl-C while the function runs goes to the caller, and the function's process is gone."""
    with none_left(tmp_path) as marked:
        function = service(
            "import time\ndef handler(event, context): time.sleep(60)", environment=marked.environment, timeout_s=30
        )
        with ProcessTarget(function) as target:
            target.begin()
            serve = target._environment._serve
            waits = []

            def interrupted(timeout_s):
                waits.append(timeout_s)
                if len(waits) > 20:
                    raise KeyboardInterrupt
                return serve(timeout_s)

            monkeypatch.setattr(target._environment, "_serve", interrupted)
            with pytest.raises(KeyboardInterrupt):
                target.invoke(attempt())
            assert marked.alive() == set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_we_are_killed_the_function_ends_too(service, tmp_path, number):
    """Nothing is left when the process that runs the replay is killed, with no chance to clean up."""
    with none_left(tmp_path) as marked:
        function = service(
            f"{NOTE}\nimport subprocess\ndef handler(event, context):\n"
            "    note(subprocess.Popen(['sleep', '60'], env={}, start_new_session=True).pid)\n    while True: pass",
        )
        code = (
            "from pathlib import Path\nfrom replay.delivery.attempt import Attempt\n"
            "from replay.functions.function import Function\nfrom replay.targets.process import ProcessTarget\n"
            f"function = Function(name='f', handler='app.handler', code=Path({str(function.code)!r}), timeout_s=60,"
            f" environment={marked.environment!r})\n"
            "with ProcessTarget(function) as target:\n    target.begin()\n    target.invoke(Attempt(payload='1'))\n"
        )
        ours = subprocess.Popen([sys.executable, "-c", code], env={**os.environ})
        assert wait_until(lambda: len(marked.alive()) >= 2)
        ours.send_signal(number)
        ours.wait()
        assert wait_until(lambda: not marked.alive())
