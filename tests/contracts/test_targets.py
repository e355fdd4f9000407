"""What every target that answers must do, whichever file it is in: each registered one goes through this suite."""

from pathlib import Path

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.functions.function import Function
from replay.targets.base import Invoker
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.registry import open_target, target_class, target_names

CODE = """\
import json

def handler(event, context):
    print("got", event["id"])
    if event["id"] == "poison":
        raise KeyError("customer_id")
    return {"id": event["id"], "request": context.aws_request_id}
"""
REQUEST_ID = "b2c3d4e5-0000-4000-8000-000000000001"


@pytest.fixture
def function(tmp_path: Path) -> Function:
    (tmp_path / "app.py").write_text(CODE, encoding="utf-8")
    return Function(name="orders", handler="app.handler", code=tmp_path)


# What a deployed function answers is Lambda's own doing: tests/targets/test_lambda.py.
HERE = [name for name in target_names() if not issubclass(target_class(name), Deployed)]


@pytest.fixture(params=HERE)
def target(request: pytest.FixtureRequest, function: Function) -> Invoker:
    return open_target(request.param, function)


def send(target: Invoker, order: str) -> Reply:
    return target.invoke(Attempt(payload=f'{{"id": "{order}"}}', request_id=REQUEST_ID))


@pytest.mark.parametrize("name", target_names())
def test_a_target_declares_the_name_of_its_file(name):
    """A target is found by the name that it declares, and says in a sentence what it is."""
    assert target_class(name).name == name
    assert target_class(name).__doc__


def test_an_answer_is_a_reply(target):
    """What the function returns comes back as JSON text, with no failure, and what it printed."""
    with target:
        target.begin()
        reply = send(target, "a")
    assert (reply.status, reply.succeeded, reply.failure) == ("returned", True, None)
    assert reply.payload == f'{{"id": "a", "request": "{REQUEST_ID}"}}'
    assert "got a" in reply.log
    assert reply.duration_s > 0


def test_a_failure_is_a_reply_too(target):
    """What the function raises does not raise here: it comes back with type, message, stack and the user's frames."""
    with target:
        target.begin()
        reply = send(target, "poison")
        assert send(target, "b").succeeded
    assert (reply.status, reply.payload) == ("raised", None)
    assert (reply.failure.error_type, reply.failure.message) == ("KeyError", "'customer_id'")
    assert reply.failure.request_id == REQUEST_ID
    assert [(frame.module, frame.function, frame.owner) for frame in reply.failure.frames][-1] == (
        "app.py",
        "handler",
        "user",
    )
    assert 'File "/var/task/app.py"' in reply.failure.stack


def test_steps_out_and_in_again(target):
    """Suspending twice, resuming twice and leaving suspended are all right."""
    with target:
        target.begin()
        assert send(target, "a").succeeded
        target.suspend()
        target.suspend()
        target.resume()
        target.resume()
        target.begin()
        assert send(target, "b").succeeded
        target.suspend()


def test_may_be_entered_again(target):
    """A target that was left can be used once more, from the start."""
    for _ in range(2):
        with target:
            target.begin()
            assert send(target, "a").succeeded


def test_is_left_clean_by_an_error(target):
    """An error of whoever drives it does not keep the target from being left and entered again."""
    with pytest.raises(ZeroDivisionError), target:  # noqa: PT012 - the error comes after the target has begun
        target.begin()
        raise ZeroDivisionError
    with target:
        target.begin()
        assert send(target, "a").succeeded
