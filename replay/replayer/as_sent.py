"""What of a fixture is really sent where no invoker stands between: asked of the same seam, both ways."""

from dataclasses import replace

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import DeliveryReport
from replay.fixtures.fixture import Fixture
from replay.payloads.exact_json import parse, write
from replay.replayer.replayer import AsSent, as_it_is
from replay.targets.base import Invoker


def text_as_sent(fixture: Fixture, target: Invoker, as_sent: AsSent) -> str:
    """
    Give the event that *as_sent* makes of *fixture*, by asking what it would invoke with.

    Raises:
        ReplayError: It is not to be sent.
    """
    if as_sent is as_it_is:
        return fixture.event_text
    asked = _Asked(target)
    as_sent(fixture, asked).invoke(Attempt(payload=fixture.event_text))
    return asked.payload


def report_as_told(fixture: Fixture, report: DeliveryReport, *, as_sent: AsSent) -> DeliveryReport:
    """Give *report* as it would be of a function that was sent *fixture*, and not what *as_sent* made of it."""

    def told(reply: Reply) -> Reply:
        return as_sent(fixture, _Answers(reply)).invoke(Attempt(payload=fixture.event_text))

    def text(words: str) -> str:
        return words_as_told(fixture, words, as_sent=as_sent)

    return replace(
        report,
        invocations=tuple(
            replace(each, reply=told(each.reply), problem=text(each.problem)) for each in report.invocations
        ),
        failure_records=tuple(parse(text(write(each))) for each in report.failure_records),
        response=None if report.response is None else parse(text(write(report.response))),
        problem=text(report.problem),
        notes=tuple(map(text, report.notes)),
    )


def words_as_told(fixture: Fixture, words: str, *, as_sent: AsSent) -> str:
    """Give *words* of a service, or of a function, about what was sent, as if *fixture* itself had been."""
    if as_sent is as_it_is or not words:
        return words
    answers = as_sent(fixture, _Answers(Reply(status="returned", payload=words)))
    return answers.invoke(Attempt(payload=fixture.event_text)).payload or ""


class _Answers(Invoker):
    """Answers what it was told to."""

    name = "answers"

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __exit__(self, *_: object) -> None:
        """Leave nothing."""

    def begin(self, **_: object) -> None:
        """Begin nothing."""

    def invoke(self, attempt: Attempt) -> Reply:
        """Answer."""
        del attempt
        return self._reply


class _Asked(Invoker):
    """Takes down what it is invoked with."""

    name = "asked"
    payload = ""

    def __init__(self, target: Invoker) -> None:
        self._target = target

    def __exit__(self, *_: object) -> None:
        """Leave nothing."""

    def begin(self, **_: object) -> None:
        """Begin nothing."""

    def invoke(self, attempt: Attempt) -> Reply:
        """Take it down."""
        self.payload = attempt.payload
        return Reply(status="returned")
