"""What a function does to its process stays its own."""

import logging
import os
import signal
import socket
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.functions.function import Resource
from replay.targets.in_process.function_environment import function_environment
from replay.targets.in_process.own_modules import OwnModules, importable_names, vendored_names
from replay.targets.local import LocalTarget
from tests.targets.conftest import attempt, table

GREEDY = """\
import logging, os, signal, sys, warnings
import boto3
import helper

print("imported")
os.environ["MINE"] = "1"
os.environ.pop("PATH", None)
sys.path.insert(0, "/nowhere")
logging.getLogger("greedy").addHandler(logging.StreamHandler(sys.stdout))
logging.getLogger("botocore").setLevel(logging.ERROR)
logging.getLogger().setLevel(logging.DEBUG)
warnings.simplefilter("error")
boto3.setup_default_session(region_name="eu-west-1")

def handler(event, context):
    os.chdir("/")
    boto3.resource("dynamodb", region_name="us-east-1").Table("orders").put_item(Item={"id": "1"})
    raise KeyError("all the same")
"""


def process() -> dict[str, Any]:
    """Everything of this process that a function could change."""
    sockets = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto", "sendmsg")}
    lookups = {name: getattr(socket, name) for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr")}
    root = logging.getLogger()
    return {
        "modules": {name for name in sys.modules if name in {"app", "helper"}},
        "path": sys.path[:],
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "zone": time.tzname,
        "streams": (sys.stdout, sys.stderr),
        "root": (root.level, root.handlers[:], root.filters[:]),
        "loggers": {
            name: (logging.getLogger(name).level, logging.getLogger(name).handlers[:])
            for name in ("greedy", "botocore")
        },
        "warnings": warnings.filters[:],
        "session": boto3.DEFAULT_SESSION,
        "sockets": sockets | lookups,
        "alarm": (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)),
        "mocked": is_mocked(),
    }


def is_mocked() -> bool:
    from moto.core.models import botocore_stubber

    return botocore_stubber.enabled


def test_nothing_is_left_after_a_replay(service):
    """Modules, paths, variables, folder, loggers, streams, warnings, sessions, sockets and mocks are as before, also when the function failed."""
    function = service({"app.py": GREEDY, "helper.py": ""}, resources=(table(),))
    before = process()
    with LocalTarget(function) as target:
        target.begin()
        assert target.invoke(attempt()).failure.message == "'all the same'"
        assert os.environ["MINE"] == "1"
    assert process() == before


def test_nothing_is_there_while_suspended(service):
    """Suspended, a function's things are out of the process; resumed, they are back and it is still warm."""
    code = """\
        import os
        count = 0
        def handler(event, context):
            global count
            count += 1
            os.environ["COUNT"] = str(count)
            return [count, os.getcwd() == os.environ["LAMBDA_TASK_ROOT"]]
        """
    before = process()
    with LocalTarget(service(code)) as target:
        target.begin()
        assert target.invoke(attempt()).payload == "[1, true]"
        target.suspend()
        assert process() == before
        target.suspend()
        target.resume()
        target.resume()
        assert os.environ["COUNT"] == "1"
        assert target.invoke(attempt()).payload == "[2, true]"
    assert process() == before


def test_a_suspended_function_is_not_invoked(service):
    """Outside of its mocks the function is refused to run, since it would meet real AWS."""
    target = LocalTarget(service("def handler(event, context): return 1"))
    for call in (target.begin, lambda: target.invoke(attempt())):
        with pytest.raises(Exception, match="not active"):
            call()


def test_two_functions_with_the_same_file_names_do_not_meet(service):
    """Each function has its own app.py, and its own helper, however they take turns; what is installed they share."""
    files = {"app.py": "import helper, yaml\ndef handler(event, context): return [helper.NAME, id(yaml)]"}
    targets = [
        LocalTarget(service(files | {"helper.py": f"NAME = '{name}'"}, name=name)).__enter__()
        for name in ("one", "two")
    ]
    for target in reversed(targets):
        target.suspend()
    answers = []
    for target in targets * 2:
        target.resume()
        target.begin()
        answers.append(target.invoke(attempt()).payload)
        target.suspend()
    assert [text.split(",")[0] for text in answers] == ['["one"', '["two"'] * 2
    assert len({text.split(",")[1] for text in answers}) == 1
    for target in targets:
        target.__exit__(None, None, None)
    assert "helper" not in sys.modules


def test_two_functions_and_a_test_have_a_bucket_of_the_same_name(service):
    """A bucket belongs to one function's AWS: the other makes its own, and so does the user's own mocked test after."""
    bucket = Resource(logical_id="Files", type="AWS::S3::Bucket", properties={"BucketName": "files"})
    code = "import boto3\ndef handler(event, context): return boto3.client('s3').list_buckets()['Buckets'][0]['Name']"
    targets = []
    for name in ("one", "two"):
        targets.append(LocalTarget(service(code, name=name, resources=(bucket,))).__enter__())
        targets[-1].begin()
        assert targets[-1].invoke(attempt()).payload == '"files"'
        targets[-1].suspend()
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="files")
    targets[0].resume()
    assert targets[0].invoke(attempt()).payload == '"files"'
    for target in targets:
        target.__exit__(None, None, None)


def test_a_module_of_the_same_name_steps_aside(service, tmp_path, monkeypatch):
    """A test suite's own `app` is not taken for the function's, and is there again afterwards."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "app.py").write_text("handler = None")
    monkeypatch.syspath_prepend(str(elsewhere))
    app = __import__("app")
    try:
        with LocalTarget(service("def handler(event, context): return __file__")) as target:
            target.begin()
            assert target.invoke(attempt()).payload == f'"{tmp_path}/orders/app.py"'
        assert sys.modules["app"] is app
    finally:
        del sys.modules["app"]


def test_an_import_of_the_same_file_elsewhere_is_another_module(service, monkeypatch):
    """Unit tests that have imported the handler's file keep their module, and the replay has one of its own."""
    function = service("state = []\ndef handler(event, context): state.append(1); return len(state)")
    monkeypatch.syspath_prepend(str(function.code))
    app = __import__("app")
    try:
        with LocalTarget(function) as target:
            target.begin()
            target.invoke(attempt())
        assert sys.modules["app"] is app
        assert app.state == []
    finally:
        del sys.modules["app"]


def test_warm_and_cold(service):
    """Warm, values set at import stay; cold, each invocation imports the function's own modules afresh."""
    function = service(
        {"app.py": "import state\ndef handler(event, context): state.n += 1; return state.n", "state.py": "n = 0"}
    )
    seen = {}
    for cold in (False, True):
        with LocalTarget(function, cold=cold) as target:
            target.begin()
            seen[cold] = [target.invoke(attempt()).payload for _ in range(3)]
    assert seen == {False: ["1", "2", "3"], True: ["1", "1", "1"]}


def test_a_cold_start_forgets_variables_and_loggers_too(service):
    """Cold, what an invocation has set in os.environ, in loggers and as its folder is gone."""
    code = """\
        import logging, os
        def handler(event, context):
            found = ["SET" in os.environ, logging.getLogger("x").level, os.getcwd() == "/"]
            os.environ["SET"] = "1"
            logging.getLogger("x").setLevel("INFO")
            os.chdir("/")
            return found
        """
    with LocalTarget(service(code), cold=True) as target:
        target.begin()
        assert {target.invoke(attempt()).payload for _ in range(2)} == {"[false, 0, false]"}


def test_packages_beside_the_code_are_imported_once(service):
    """A cold start drops the function's own modules, but not packages installed beside them, which may not bear it."""
    function = service(
        {
            "app.py": "import vend\nvend.n += 1\ndef handler(event, context): return vend.n",
            "vend.py": "n = 0",
            "vend-1.0.dist-info/RECORD": "vend.py,,\n",
        }
    )
    with LocalTarget(function, cold=True) as target:
        target.begin()
        assert [target.invoke(attempt()).payload for _ in range(2)] == ["1", "2"]
    assert "vend" not in sys.modules


def test_layers_are_found_behind_the_code(service, tmp_path):
    """A layer's `python` folder is searched after the code; a layer that is not built yet is that folder itself."""
    for layer, module in (
        ("built/python", "one"),
        ("built/python/lib/python3.12/site-packages", "two"),
        ("plain", "three"),
    ):
        (tmp_path / layer).mkdir(parents=True, exist_ok=True)
        (tmp_path / layer / f"{module}.py").write_text(f"NAME = '{module}'")
    (tmp_path / "plain" / "app.py").write_text("raise AssertionError('the layer hides the code')")
    function = service(
        "import one, two, three\ndef handler(event, context): return [one.NAME, two.NAME, three.NAME]",
        layers=(tmp_path / "built", tmp_path / "plain"),
        runtime="python3.12",
    )
    with LocalTarget(function) as target:
        target.begin()
        assert target.invoke(attempt()).payload == '["one", "two", "three"]'
    assert not {"one", "two", "three"} & sys.modules.keys()


def test_a_virtual_environment_inside_the_code_is_not_the_functions(tmp_path):
    """Packages in a .venv below the code folder are installed packages, not the function's own modules."""
    installed = tmp_path / ".venv/lib/python3.11/site-packages"
    installed.mkdir(parents=True)
    (installed / "shared_package.py").write_text("")
    (tmp_path / "app.py").write_text("")
    modules = OwnModules([tmp_path], project=tmp_path)
    sys.path.append(str(installed))
    try:
        modules.resume()
        import app  # noqa: F401
        import shared_package  # noqa: F401

        modules.suspend()
        assert "shared_package" in sys.modules
        assert "app" not in sys.modules
    finally:
        sys.path.remove(str(installed))
        del sys.modules["shared_package"]


def test_names_that_can_be_imported_and_names_that_are_vendored(tmp_path):
    """Modules, packages and compiled modules count, data files do not; RECORD names what pip has put there."""
    for path in (
        "app.py",
        "pkg/__init__.py",
        "fast.cpython-311-x86_64-linux-gnu.so",
        "data.json",
        "__pycache__/x.pyc",
        "a-b/c",
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("")
    (tmp_path / "pkg-1.dist-info").mkdir()
    (tmp_path / "pkg-1.dist-info/RECORD").write_text("pkg/__init__.py,sha256=x,0\npkg-1.dist-info/RECORD,,\n")
    assert importable_names([tmp_path, tmp_path / "gone"]) == {"app", "pkg", "fast"}
    assert vendored_names([tmp_path]) == {"pkg"}


# The environment


def test_the_function_has_lambdas_variables_and_its_own(service):
    """Lambda's reserved variables and the configured ones are there; the configured ones cannot replace reserved ones."""
    function = service("", environment={"TABLE": "orders", "AWS_REGION": "mars"}, memory_mb=256, runtime="python3.13")
    found = function_environment(function, {})
    assert found["TABLE"] == "orders"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "us-east-1"
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "orders"
    assert found["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert found["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert found["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/orders"
    assert found["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert found["LAMBDA_TASK_ROOT"] == str(function.code)
    assert found["_HANDLER"] == "app.handler"
    assert found["TZ"] == ":UTC"
    assert found["_X_AMZN_TRACE_ID"].startswith("Root=1-")


def test_nothing_of_the_developers_account_reaches_the_function(service):
    """No credential, profile, role, endpoint, configuration file or unknown variable of the developer is there; what Python needs is."""
    developer = {
        "PATH": "/bin", "HOME": "/home/me", "PYTHONHASHSEED": "0", "TOKEN": "secret", "AWS_PROFILE": "prod",
        "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real", "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL": "http://x", "AWS_ENDPOINT_URL_SQS": "http://x", "AWS_CONFIG_FILE": "/home/me/.aws/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/home/me/.aws/credentials", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "r",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://x", "AWS_BEARER_TOKEN_BEDROCK": "real",
    }  # fmt: skip
    configured = {"AWS_PROFILE": "prod", "AWS_ENDPOINT_URL_S3": "http://x", "AWS_ACCESS_KEY_ID": "AKIAREAL"}
    found = function_environment(service("", environment=configured), developer)
    assert {name: found[name] for name in ("PATH", "HOME", "PYTHONHASHSEED")} == {
        "PATH": "/bin", "HOME": "/home/me", "PYTHONHASHSEED": "0",
    }  # fmt: skip
    assert (
        not {"TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_S3"} & found.keys()
    )
    assert not {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} & found.keys()
    assert "AWS_BEARER_TOKEN_BEDROCK" not in found
    assert "real" not in "".join(found.values()).lower()
    assert found["AWS_CONFIG_FILE"] == found["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"


def test_the_functions_clock_shows_utc(service, monkeypatch, answer):
    """Local time in the function is UTC, whatever the developer's time zone."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert (
            answer(service("import time\ndef handler(event, context): return time.localtime().tm_gmtoff")).payload
            == "0"
        )
        assert time.localtime().tm_gmtoff != 0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_pytests_own_variables_are_left_alone(service):
    """pytest writes variables while a function is inside, and finds them as it left them."""
    with LocalTarget(service("def handler(event, context): return 1")):
        os.environ["PYTEST_REPLAY_PROBE"] = "during"
    assert os.environ.pop("PYTEST_REPLAY_PROBE") == "during"


def test_a_removed_folder_does_no_harm(service):
    """A function that removes the folder it stands in can be invoked again."""
    code = """\
        import os, tempfile
        def handler(event, context):
            folder = tempfile.mkdtemp()
            os.chdir(folder)
            os.rmdir(folder)
        """
    with LocalTarget(service(code)) as target:
        target.begin()
        assert [target.invoke(attempt()).status for _ in range(2)] == ["returned", "returned"]


def test_warnings_are_lambdas_not_the_test_runners(service, answer):
    """A test runner that turns warnings into errors does not change what the function does."""
    function = service(
        "import warnings\ndef handler(event, context): warnings.warn('old', DeprecationWarning); return 1"
    )
    assert answer(function).status == "returned"


def test_another_runtime_is_refused(service, answer):
    """A function that is not Python cannot run in this process, and is told so."""
    with pytest.raises(Exception, match=r"the local target runs Python, and orders is nodejs20\.x"):
        answer(service("", runtime="nodejs20.x"))


def test_a_different_python_is_noted(service):
    """A function of another Python version than ours runs, and a note says so."""
    with LocalTarget(service("def handler(event, context): return 1", runtime="python3.8")) as target:
        target.begin()
        assert any("on python3.8 on AWS" in note for note in target.notes)
