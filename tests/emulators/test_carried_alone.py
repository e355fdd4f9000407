"""What becomes of events that need a stream, a bus or an archive of their own: verdicts as of the local target, or none."""

import json
from pathlib import Path

import pytest

from tests.emulators.archives import new_archive
from tests.emulators.carried import wait_for
from tests.emulators.queues import new_queue
from tests.emulators.server import Server
from tests.emulators.test_carried_ends import (
    assert_judged_alike,
    credentials,
    deploy,
    judged,
    kinesis_event,
    map_once,
    name_of,
    once_only,
    recorded,
)
from tests.emulators.test_eventbridge_targets import add_rule, new_bus
from tests.emulators.test_stream_targets import new_stream

pytestmark = pytest.mark.emulator


def test_an_error_through_a_stream(ministack_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A record that fails as often as its mapping tries it is given up, as here.

    MiniStack tries it for ever, so that nothing comes behind it, and writes no record of it into a destination.
    """
    credentials(ministack_server, monkeypatch)
    arn = deploy(ministack_server)
    stream, stream_arn = new_stream()
    map_once(arn, stream_arn)
    settings = 'event_source = { kind = "kinesis", maximum_retry_attempts = 0 }\n'
    recorded(tmp_path, monkeypatch, [kinesis_event("raise")], {"kind": "kinesis", "stream": stream}, settings)
    assert_judged_alike(dispositions={"failed": ["discarded"]})


def test_what_a_bus_does_not_tell_is_not_fixed(
    ministack_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A process that ends behind a bus leaves nothing on MiniStack that a success would not leave: it is unobserved.

    Its buses call a function but once, and write no dead letter, so that no second try proves nothing.
    """
    credentials(ministack_server, monkeypatch)
    arn = deploy(ministack_server, DeadLetterConfig={"TargetArn": new_queue(ministack_server, "dead").arn})
    once_only(arn)
    bus = new_bus()
    add_rule(bus, arn)
    event = {"source": "shop.orders", "detail-type": "T", "detail": {"do": "exit"}}
    target = {"kind": "eventbridge", "bus": bus, "function": name_of(arn), "observe_for_s": 6}
    recorded(tmp_path, monkeypatch, [event], target)
    (told,) = judged("--target", "there").values()
    assert (told["verdict"], told["dispositions"]) == ("unobserved", ["still_queued"])


def test_a_success_through_a_replay(lambda_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive's event comes again to the function, which now takes it. MiniStack's buses prove no success."""
    credentials(lambda_server, monkeypatch)
    arn = deploy(lambda_server, DeadLetterConfig={"TargetArn": new_queue(lambda_server, "dead").arn})
    once_only(arn)
    archive, seen = new_archive(), new_queue(lambda_server, "seen")
    add_rule(archive.bus, seen.arn)
    archive.put([{"do": "ok"}])
    event = json.loads(wait_for(lambda: list(seen.bodies().values()), 1)[0])
    archive.client.disable_rule(Name="to-orders", EventBusName=archive.bus)
    add_rule(archive.bus, arn, name="to-function")
    target = {"kind": "eventbridge-replay", "archive": archive.name, "function": name_of(arn)}
    recorded(tmp_path, monkeypatch, [event], target)
    assert_judged_alike(dispositions={"succeeded": ["processed"]})
