"""Our mocks, modules and environment are in the process while an event is replayed, and at no other time."""

import pytest

from tests.plugin.conftest import GOOD, Project

LOOK = """
import os
import socket
import sys
import time

from moto.core.models import botocore_stubber


def surroundings():
    return {
        "environment": {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "folder": os.getcwd(),
        "modules": {name for name in ("app", "helper") if name in sys.modules},
        "path": list(sys.path),
        "mock": botocore_stubber.enabled,
        "connect": socket.socket.connect,
        "out": type(sys.stdout),
    }
"""


@pytest.fixture
def mixed(project: Project) -> Project:
    """Two fixtures with tests of the user's before, between and after them, all looking around."""
    project.write("look.py", LOOK)
    project.configure('pythonpath = ["."]')
    project.write("src/helper.py", "")
    project.write(
        "src/app.py",
        """
        import os
        import boto3
        import helper

        boto3.client("sqs").list_queues()

        def handler(event, context):
            os.environ["LEFT_BY"] = "handler"
            os.chdir("/tmp")
            assert boto3.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
        """,
    )
    project.fixture("m-1", GOOD, wants="succeeds")
    project.fixture("m-2", GOOD, wants="succeeds")
    project.write(
        "tests/test_mine.py",
        """
        import pytest
        from look import surroundings

        BEFORE = surroundings()

        @pytest.fixture(scope="session", autouse=True)
        def whole_session():
            yield
            assert surroundings() == BEFORE

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_mine(number):
            assert surroundings() == BEFORE
        """,
    )
    project.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            mine = [item for item in items if "mine" in item.name]
            ours = [item for item in items if "mine" not in item.name]
            items[:] = [mine[0], ours[0], mine[1], ours[1], mine[2]][: int(__import__("os").environ.get("UP_TO", "5"))]
        """,
    )
    return project


def test_tests_between_fixtures_see_nothing_of_them(mixed: Project) -> None:
    """A user's test before, between and after fixtures finds environment, folder, modules and network as they were."""
    mixed.run().assert_outcomes(passed=5)


def test_what_is_torn_down_last_sees_nothing_of_them(mixed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user's session leaves to tear down after a last fixture is torn down in the user's own surroundings."""
    monkeypatch.setenv("UP_TO", "4")
    mixed.run().assert_outcomes(passed=4)


def test_nothing_is_left_after_the_run(mixed: Project) -> None:
    """After the run, the process is as it was before it."""
    names: dict[str, object] = {}
    exec(LOOK, names)
    before = names["surroundings"]()
    mixed.run().assert_outcomes(passed=5)
    assert names["surroundings"]() == before


def test_two_functions_with_an_app_each(project: Project) -> None:
    """Functions whose modules have the same names do not meet, in whatever order their fixtures run."""
    project.configure(
        functions='orders = { handler = "app.handler", code = "a" }\nbilling = { handler = "app.handler", code = "b" }'
    )
    for folder, name in (("a", "orders"), ("b", "billing")):
        project.write(f"{folder}/names.py", f"NAME = {name!r}\n")
        project.write(
            f"{folder}/app.py", f"import names\n\ndef handler(event, context):\n    assert names.NAME == {name!r}\n"
        )
        for identity in ("m-1", "m-2"):
            project.fixture(identity, wants="succeeds", function=name)
    project.write(
        "conftest.py", "def pytest_collection_modifyitems(items):\n    items.sort(key=lambda item: item.name)\n"
    )
    project.run().assert_outcomes(passed=4)


def test_between_calls_the_test_is_at_home(project: Project) -> None:
    """A hand-written test that replays finds its own environment, folder and modules around each call."""
    project.write("look.py", LOOK)
    project.configure('pythonpath = ["."]')
    project.fixture(wants="succeeds")
    project.write(
        "tests/test_mine.py",
        """
        import pytest
        from look import surroundings

        @pytest.mark.replay("orders")
        def test_mine(replay, monkeypatch, tmp_path):
            monkeypatch.setenv("MINE", "1")
            monkeypatch.chdir(tmp_path)
            before = surroundings()
            for _ in range(2):
                replay()
                assert surroundings() == before
        """,
    )
    project.run("tests").assert_outcomes(passed=1)


def test_the_users_own_aws(project: Project) -> None:
    """Inside a user's `mock_aws`, the function meets that AWS, with what the test has put there, and leaves its own."""
    project.write(
        "src/app.py",
        """
        import boto3

        def handler(event, context):
            s3 = boto3.client("s3", region_name="us-east-1")
            s3.put_object(Bucket="mine", Key="done", Body=s3.get_object(Bucket="mine", Key="input")["Body"].read())
        """,
    )
    project.fixture(wants="succeeds")
    project.write(
        "test_it.py",
        """
        import boto3
        import pytest
        from moto import mock_aws

        @pytest.fixture
        def s3():
            with mock_aws():
                client = boto3.client("s3", region_name="us-east-1")
                client.create_bucket(Bucket="mine")
                client.put_object(Bucket="mine", Key="input", Body=b"from the test")
                yield client

        @pytest.mark.replay("orders")
        def test_it(s3, replay):
            assert replay().status == "succeeded"
            assert s3.get_object(Bucket="mine", Key="done")["Body"].read() == b"from the test"

        @pytest.mark.replay("orders")
        def test_without(replay):
            assert replay().failed_with("NoSuchBucket")
        """,
    )
    project.run("test_it.py").assert_outcomes(passed=2)


def test_warnings_as_errors_do_not_reach_the_function(project: Project) -> None:
    """`filterwarnings = error` is for the user's tests: on Lambda a warning ends no invocation."""
    project.configure('filterwarnings = ["error"]')
    project.write(
        "src/app.py",
        'import warnings\n\ndef handler(event, context):\n    warnings.warn("old", DeprecationWarning, stacklevel=2)\n',
    )
    project.fixture(wants="succeeds")
    project.run().assert_outcomes(passed=1)


def test_a_network_is_not_touched(project: Project) -> None:
    """A function that calls out by itself meets a refused connection, which fails its fixture."""
    project.write(
        "src/app.py",
        'import socket\n\ndef handler(event, context):\n    socket.create_connection(("127.0.0.1", 9), timeout=1)\n',
    )
    project.fixture(wants="succeeds")
    result = project.run()
    result.assert_outcomes(failed=1)
    assert "closed during a replay" in result.stdout.str()
