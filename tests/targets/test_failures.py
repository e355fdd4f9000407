"""What the function does wrong, as the runtime reports it."""

import json
import os
import subprocess
import sys

import pytest

from replay.errors import FunctionError
from replay.functions.function import Function
from replay.payloads.failures import Frame
from replay.targets.local import LocalTarget
from tests.targets.conftest import attempt


def test_a_returned_value_is_its_json(service, answer):
    """What the handler returns comes back as the JSON text that Lambda would give, with the time it took."""
    reply = answer(service("def handler(event, context): return {'got': event}"), {"id": 1})
    assert (reply.status, reply.payload, reply.failure) == ("returned", '{"got": {"id": 1}}', None)
    assert reply.duration_s > 0


def test_a_raised_exception_has_the_users_frames(service, answer):
    """A raised exception carries its class name, its text, and frames that name files as they are in /var/task."""
    function = service(
        {
            "app.py": """\
                from pkg.orders import total

                def handler(event, context):
                    return total(event["order"])
                """,
            "pkg/orders.py": """\
                def total(order):
                    return order["price"] * 2
                """,
        }
    )
    reply = answer(function, {"order": {}})
    assert reply.status == "raised"
    assert reply.failure is not None
    assert (reply.failure.error_type, reply.failure.message, reply.failure.observed) == ("KeyError", "'price'", "local")
    assert reply.failure.frames == (
        Frame(module="app.py", function="handler", code='return total(event["order"])', line=4),
        Frame(module="pkg/orders.py", function="total", code='return order["price"] * 2', line=2),
    )
    assert reply.failure.stack == (
        "Traceback (most recent call last):\n"
        '  File "/var/task/app.py", line 4, in handler\n'
        '    return total(event["order"])\n'
        '  File "/var/task/pkg/orders.py", line 2, in total\n'
        '    return order["price"] * 2\n'
        "KeyError: 'price'\n"
    )
    assert reply.failure.request_id == attempt().request_id


def test_library_frames_are_named_by_their_library(service, answer):
    """Frames of the standard library and of installed packages belong to the library, and have no path of this machine."""
    function = service(
        "import json, yaml\ndef handler(event, context): return json.loads(event) or yaml.safe_load('[')"
    )
    (user, *library) = answer(function, "{").failure.frames
    assert (user.module, user.owner) == ("app.py", "user")
    assert {(frame.module, frame.owner) for frame in library} == {
        ("json/__init__.py", "library"),
        ("json/decoder.py", "library"),
    }
    stack = answer(function, "[]").failure.stack
    assert "/site-packages/yaml/" in stack
    assert str(function.code.parents[1]) not in stack


def test_a_vendored_package_is_a_library(service, answer):
    """A package installed into the code folder is not the user's code: its frames are the library's."""
    function = service(
        {
            "app.py": "import vend\ndef handler(event, context): vend.fail()",
            "vend/__init__.py": "def fail(): raise ValueError('deep')",
            "vend-1.0.dist-info/RECORD": "vend/__init__.py,,\nvend-1.0.dist-info/RECORD,,\n",
        }
    )
    assert [(frame.module, frame.owner) for frame in answer(function).failure.frames] == [
        ("app.py", "user"),
        ("vend/__init__.py", "library"),
    ]


def test_causes_are_in_the_stack(service, answer):
    """The stack tells what caused what, with every file under /var/task."""
    function = service("""\
        def handler(event, context):
            try:
                event["a"]
            except KeyError as error:
                raise RuntimeError("no a") from error
        """)
    stack = answer(function, {}).failure.stack
    assert "KeyError: 'a'\n\nThe above exception was the direct cause" in stack
    assert stack.endswith("RuntimeError: no a\n")
    assert stack.count('"/var/task/app.py"') == 2
    assert str(function.code) not in stack


def test_an_exception_group_is_reported(service, answer):
    """An ExceptionGroup is raised as such, and its members are in the stack."""
    reply = answer(service("def handler(event, context): raise ExceptionGroup('two', [KeyError('a'), OSError('b')])"))
    assert (reply.failure.error_type, reply.failure.message) == ("ExceptionGroup", "two (2 sub-exceptions)")
    assert "KeyError: 'a'" in reply.failure.stack


def test_an_error_that_cannot_be_printed_ends_the_process(service, answer):
    """An exception whose own text raises is too much for Lambda's runtime; the stack says what it was."""
    function = service("""\
        class Odd(Exception):
            def __str__(self): raise RuntimeError
        def handler(event, context): raise Odd
        """)
    reply = answer(function)
    assert (reply.status, reply.failure.error_type) == ("exited", "Runtime.ExitError")
    assert reply.failure.message.endswith("Error: Runtime exited with error: exit status 1")
    assert 'File "/var/task/app.py", line 3, in handler' in reply.failure.stack
    assert "Odd" in reply.failure.stack


def test_a_runaway_recursion_is_raised_with_both_ends(service, answer):
    """A RecursionError is a failure like others; of its thousand frames the outermost and the innermost are kept."""
    reply = answer(service("def dive(n): return dive(n + 1)\ndef handler(event, context): return dive(0)"))
    assert (reply.status, reply.failure.error_type) == ("raised", "RecursionError")
    assert reply.failure.frames[0].function == "handler"
    assert len(reply.failure.frames) == 100


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "Runtime exited without providing a reason"),
        ("0", "Runtime exited without providing a reason"),
        ("3", "Runtime exited with error: exit status 3"),
        ("'stop'", "Runtime exited with error: exit status 1"),
        ("-1", "Runtime exited with error: exit status 255"),
    ],
)
def test_sys_exit_ends_the_runtime(service, answer, code, message):
    """sys.exit in a handler is Runtime.ExitError in AWS's words, with the request's id."""
    reply = answer(service(f"import sys\ndef handler(event, context): sys.exit({code})"))
    assert (reply.status, reply.failure.error_type) == ("exited", "Runtime.ExitError")
    assert reply.failure.message == f"RequestId: {attempt().request_id} Error: {message}"
    assert reply.failure.frames == ()


@pytest.mark.parametrize(
    "body",
    [
        "os._exit(7)",
        """
    try:
        os._exit(7)
    finally:
        return 1""",
        """
    try:
        os._exit(7)
    except BaseException:
        raise ValueError("never seen on Lambda")""",
        """
    import threading
    threading.excepthook = lambda _: None
    thread = threading.Thread(target=os._exit, args=(7,))
    thread.start(); thread.join()""",
    ],
)
def test_os_exit_ends_the_function_and_not_us(service, answer, body):
    """os._exit is the end of the function's process in AWS's words, whatever the function does afterwards."""
    reply = answer(service(f"import os\ndef handler(event, context):\n    {body}"))
    assert (reply.status, reply.failure.error_type) == ("exited", "Runtime.ExitError")
    assert reply.failure.message.endswith("exit status 7")


def test_a_forked_child_ends_for_real(service):
    """A child that the function forks still ends itself, and os._exit is Python's own again afterwards."""
    code = """
import os
def handler(event, context):
    child = os.fork()
    if not child:
        os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
    its_own = os._exit
    with LocalTarget(service(code)) as target:
        target.begin()
        assert target.invoke(attempt({})).payload == "3"
    assert os._exit is its_own


IN_A_PROCESS_OF_ITS_OWN = """
import json, sys
from pathlib import Path
from replay.functions.function import Function
from replay.targets.local import LocalTarget
from tests.targets.conftest import attempt
runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
with LocalTarget(Function(name="f", handler="app.handler", code=Path(sys.argv[1]), runtime=runtime)) as target:
    target.begin()
    for event in json.loads(sys.argv[2]):
        print(target.invoke(attempt(event)).payload, flush=True)
"""


def answers_of(function, *events):
    """Invoke a function in a process that only does that, and give what it printed until it ended."""
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, str(function.code), json.dumps(events)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=30)
    return ended.stdout.split()


def test_a_forked_child_that_returns_does_not_go_on_as_us(service):
    """A child that leaves the handler, by an answer or an error, ends: else all of replay would run on twice."""
    function = service("""
import os
def handler(event, context):
    child = os.fork()
    if not child:
        return 1 / event
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
""")
    assert answers_of(function, 1, 0, 1) == ["0", "1", "0"]


@pytest.mark.parametrize(
    "leave",
    [
        "threading.Thread(target=time.sleep, args=(60,)).start()",
        "threading.Timer(60, print).start()",
        "ThreadPoolExecutor().submit(time.sleep, 60)",
        "threading.Thread(target=lambda: threading.Thread(target=time.sleep, args=(60,)).start()).start()",
    ],
)
def test_a_thread_that_a_function_leaves_behind_keeps_nobody_up(service, leave):
    """Lambda freezes such threads: neither may replay wait for them when it ends, nor whoever runs its tests."""
    function = service(f"""
import threading, time
from concurrent.futures import ThreadPoolExecutor
def handler(event, context):
    {leave}
    return "done"
""")
    assert answers_of(function, 1) == ['"done"']


def test_what_the_runtime_does_not_catch_ends_it(service, answer):
    """A BaseException that is no Exception, such as a cancelled task, kills the runtime with status 1."""
    reply = answer(service("import asyncio\ndef handler(event, context): raise asyncio.CancelledError"))
    assert reply.status == "exited"
    assert reply.failure.message.endswith("exit status 1")
    assert "CancelledError" in reply.failure.stack


def test_after_an_exit_the_process_is_new(service):
    """What the function kept in memory is gone after it ended its process, as on AWS."""
    function = service(
        "import sys\nseen = []\ndef handler(event, context):\n seen.append(1)\n return event and sys.exit() or len(seen)"
    )
    with LocalTarget(function) as target:
        target.begin()
        payloads = [target.invoke(attempt(event)).payload for event in (False, False, True, False)]
    assert payloads == ["1", "2", None, "1"]


def test_an_async_handler_is_unserialisable(service, answer):
    """A coroutine is not awaited by the runtime: it is an answer that has no JSON."""
    reply = answer(service("async def handler(event, context): return 1"))
    assert (reply.status, reply.failure.message) == (
        "unserialisable",
        "Unable to marshal response: Object of type coroutine is not JSON serializable",
    )


def test_a_surrogate_in_the_answer_kills_newer_runtimes(service, answer):
    """python3.12 and later write a lone surrogate unescaped, cannot send it, and die; before, it is escaped."""
    code = "def handler(event, context): return event['name']"
    new, old = (answer(service(code, runtime=runtime), {"name": "\ud800"}) for runtime in ("python3.12", "python3.11"))
    assert (new.status, new.failure.error_type) == ("exited", "Runtime.ExitError")
    assert old.payload == '"\\ud800"'


def test_ctrl_c_is_not_the_functions_failure(service):
    """KeyboardInterrupt goes through to whoever runs the replay, and everything is put back."""
    function = service("def handler(event, context): raise KeyboardInterrupt")
    with LocalTarget(function) as target:
        target.begin()
        with pytest.raises(KeyboardInterrupt):
            target.invoke(attempt())


def test_pytests_own_outcomes_are_not_the_functions_failure(service):
    """pytest.fail in a stub that the function calls fails the test, and is not taken for the function's failure."""
    function = service("import pytest\ndef handler(event, context): pytest.fail('must not be called')")
    with LocalTarget(function) as target:
        target.begin()
        with pytest.raises(pytest.fail.Exception):
            target.invoke(attempt())


def test_the_exception_is_kept_for_a_debugger(service):
    """`last_exception` is the very exception, its traceback down to the handler; the next fixture begins without it."""
    function = service("def handler(event, context):\n    wanted = 41\n    raise ValueError(wanted)")
    with LocalTarget(function) as target:
        target.begin()
        target.invoke(attempt())
        assert isinstance(target.last_exception, ValueError)
        trace = target.last_exception.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        assert trace.tb_frame.f_locals["wanted"] == 41
        target.begin()
        assert target.last_exception is None


# What goes wrong before the handler runs


def test_an_error_at_import_is_the_functions_failure(service, answer):
    """A module that raises when it is imported is an init error of the same class, with an empty request id."""
    reply = answer(service("import os\nTABLE = os.environ['TABLE']\ndef handler(event, context): pass"))
    assert (reply.status, reply.failure.error_type, reply.failure.message) == ("raised", "KeyError", "'TABLE'")
    assert reply.failure.request_id == ""
    assert [frame for frame in reply.failure.frames if frame.owner == "user"] == [
        Frame(module="app.py", function="<module>", code="TABLE = os.environ['TABLE']", line=2)
    ]


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("app", "Runtime.MalformedHandlerName", "Bad handler 'app': not enough values to unpack (expected 2, got 1)"),
        ("app.absent", "Runtime.HandlerNotFound", "Handler 'absent' missing on module 'app'"),
        ("sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
        (
            "needs.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'needs': cannot import name 'absent' from 'app' (/var/task/app.py)",
        ),
        (
            "lost.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'lost': No module named 'app.absent'; 'app' is not a package",
        ),
        (
            "broken.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'broken': '(' was never closed (broken.py, line 2)",
        ),
    ],
)
def test_a_handler_that_is_wrong_is_named_in_aws_words(service, answer, handler, error_type, message):
    """A wrong handler, import or syntax is reported as AWS's runtime client words it."""
    function = service(
        {
            "app.py": "def handler(event, context): pass",
            "needs.py": "from app import absent",
            "lost.py": "import app.absent",
            "broken.py": "x = 1\ny = (",
        },
        handler=handler,
    )
    reply = answer(function)
    assert (reply.status, reply.failure.error_type, reply.failure.message) == ("raised", error_type, message)


@pytest.mark.parametrize("handler", ["pkg/sub/app.handler", "pkg.sub.app.handler"])
def test_handlers_in_packages_are_found_as_aws_finds_them(service, answer, handler):
    """The folder of a handler's module may be written with slashes or dots."""
    function = service({"pkg/sub/app.py": "def handler(event, context): return __name__"}, handler=handler)
    assert answer(function).payload == '"pkg.sub.app"'


def test_a_syntax_error_names_its_line(service, answer):
    """A syntax error's stack and frame say where it is."""
    failure = answer(service("def handler(event, context):\n    return (")).failure
    assert failure.stack == '  File "/var/task/app.py" Line 2\n        return ('
    assert failure.frames == (Frame(module="app.py", function="<module>", code="return (", line=2),)


@pytest.mark.parametrize(
    ("handler", "hint"), [("ap.handler", "did you mean 'app'?"), ("pkg/zzz.handler", "correct `handler`")]
)
def test_a_missing_handler_file_could_not_run(service, answer, handler, hint):
    """A handler whose file is not there is no failure of the function: nothing could be run, and the near name is given."""
    with pytest.raises(FunctionError) as caught:
        answer(service("def handler(event, context): pass", handler=handler))
    assert hint in str(caught.value)


def test_a_missing_code_folder_could_not_run(answer, tmp_path):
    """A code folder that is not there is said so."""
    with pytest.raises(FunctionError, match="the code of orders is not there"):
        answer(Function(name="orders", handler="app.handler", code=tmp_path / "gone"))


@pytest.mark.parametrize(
    "code",
    [
        "import surely_not_installed.client\ndef handler(event, context): pass",
        "def handler(event, context): import surely_not_installed",
    ],
)
def test_a_missing_package_could_not_run(service, answer, code):
    """A package that this machine lacks is no failure of the function; the command that installs it is given."""
    function = service({"app.py": code, "requirements.txt": "surely-not-installed\n"})
    with pytest.raises(FunctionError) as caught:
        answer(function)
    assert "needs 'surely_not_installed', which is not installed here" in caught.value.what
    assert caught.value.hint.endswith(f"-m pip install -r {function.code / 'requirements.txt'}")


def test_a_package_for_another_machine_could_not_run(service, answer):
    """A compiled module that this machine cannot load is no failure of the function."""
    from importlib.machinery import EXTENSION_SUFFIXES

    function = service(
        {"app.py": "import native\ndef handler(event, context): pass", f"native{EXTENSION_SUFFIXES[0]}": "x"}
    )
    with pytest.raises(FunctionError, match="cannot be imported here"):
        answer(function)


def test_a_failed_start_is_tried_again(service):
    """After a failed start the next invocation starts anew, as on AWS."""
    function = service("def handler(event, context): return 1")
    (function.code / "app.py").write_text("raise OSError('first')")
    with LocalTarget(function) as target:
        target.begin()
        assert target.invoke(attempt()).failure.error_type == "OSError"
        (function.code / "app.py").write_text("def handler(event, context): return 'mended'")
        assert target.invoke(attempt()).payload == '"mended"'
