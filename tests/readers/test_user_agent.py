"""What AWS's own audit trail says of who called."""

from importlib.metadata import version
from typing import Any

import pytest

from replay.readers.clients import aws_client


def test_calls_say_who_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudTrail keeps the user agent of each call: it names this package and its version."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    client, sent = aws_client("sqs", region="eu-west-1", endpoint_url="http://127.0.0.1:1", max_attempts=1), []

    def note(request: Any, **_: Any) -> None:
        sent.append(request.headers["User-Agent"])
        raise InterruptedError

    client.meta.events.register("before-send.sqs", note)
    with pytest.raises(InterruptedError):
        client.list_queues()
    (agent,) = sent
    name = agent.decode() if isinstance(agent, bytes) else agent
    assert name.startswith(f"event-replay/{version('event-replay')} Botocore/")
