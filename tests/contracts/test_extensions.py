"""What another, really installed package adds by entry points is used like our own, from the command line on."""

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from replay.errors import ConfigurationError
from replay.extensions import load_extension
from replay.payloads.captures import Capture, Origin
from replay.payloads.envelopes import registry
from replay.payloads.envelopes.base import Envelope
from replay.sources.base import Source
from replay.targets.base import Invoker
from tests.cli.command_line import RUNTIME

PACKAGE = '''
from dataclasses import dataclass, field

from replay.delivery.attempt import Reply
from replay.payloads.captures import Capture, Event, Origin
from replay.payloads.envelopes.base import Envelope, Unwrapped
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure
from replay.sources.base import Recording, Source
from replay.targets.base import Invoker


@dataclass(frozen=True, slots=True, kw_only=True)
class ParrotOptions:
    words: tuple[str, ...] = field(metadata={"help": "what was said", "metavar": "TEXT"})


class ParrotRecording(Recording):
    def __init__(self, words):
        self.words, self.notes = words, []

    def captures(self):
        for word in self.words:
            yield Capture(origin=Origin(source="parrot", identity=word), body=word, carrier="parrot")

    def close(self):
        pass


class Parrot(Source):
    """A source that says again what it was told."""

    name = "parrot"
    summary = "what a parrot says"
    options = ParrotOptions

    def __init__(self, options):
        self._options = options

    def open(self):
        return ParrotRecording(self._options.words)


class Squawk(Envelope):
    """What a parrot says, in JSON."""

    name = "squawk"

    def detect(self, capture):
        return capture.carrier == "parrot"

    def unwrap(self, capture):
        event = Event(text='{"squawk": "%s"}' % capture.body, kind="direct")
        return Unwrapped(event=event, event_source=EventSource(kind="direct"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeafOptions:
    excuse: str = "nobody is here"


class Deaf(Invoker):
    """A target that always raises."""

    name = "deaf"
    options = DeafOptions

    def __init__(self, function, *, project, excuse="nobody is here"):
        self._excuse = excuse

    def __exit__(self, *_):
        pass

    def begin(self, *, at=None, faults=()):
        pass

    def invoke(self, attempt):
        return Reply(status="raised", failure=Failure(error_type="Deaf", message=self._excuse, observed="local"))
'''
ENTRY_POINTS = """
[replay.sources]
parrot = birds:Parrot
[replay.envelopes]
squawk = birds:Squawk
[replay.targets]
deaf = birds:Deaf
"""
CONFIGURATION = f"""
[tool.replay.functions.f]
handler = "app.handler"
runtime = "{RUNTIME}"
[tool.replay.targets.cellar]
kind = "deaf"
excuse = "it is dark"
[tool.replay.targets.wrong]
kind = "deaf"
excuze = "x"
"""


class Installed:
    """A project, and the command line of an environment that has the package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        packages = folder / "packages"
        about = packages / "birds-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: birds\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(ENTRY_POINTS)
        (packages / "birds.py").write_text(PACKAGE)
        (folder / "app.py").write_text("def handler(event, context):\n    return 1\n")
        (folder / "pyproject.toml").write_text(CONFIGURATION)
        self._environment = {**os.environ, "PYTHONPATH": f"{packages}{os.pathsep}{Path(__file__).parents[2]}"}

    def replay(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "replay.cli.main", *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Give a project in which the parrot has said one word."""
    made = Installed(tmp_path_factory.mktemp("birds"))
    recorded = made.replay("record", "parrot", "--words", "hello", "--function", "f", "--json")
    assert recorded.returncode == 0, recorded.stderr
    return made


def test_its_source_and_envelope_record(installed: Installed) -> None:
    """The source's options are options of the command line, and the envelope makes the event."""
    (event,) = installed.folder.glob("fixtures/f/*/event.json")
    assert json.loads(event.read_text()) == {"squawk": "hello"}
    assert "What was said." in installed.replay("record", "parrot", "--help").stdout


@pytest.mark.parametrize(("target", "message"), [("deaf", "nobody is here"), ("cellar", "it is dark")])
def test_its_target_replays(installed: Installed, target: str, message: str) -> None:
    """It is found by its own name, and by the name of a section with its options."""
    ran = installed.replay("run", "--target", target, "--no-pin", "--json")
    assert json.loads(ran.stdout.splitlines()[0])["error"] == {"type": "Deaf", "message": message}, ran.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", "def"), ["no target 'def'", "cellar, wrong", "did you mean 'deaf'?"]),
        (("--target", "wrong"), ["unknown key 'excuze'", "[tool.replay.targets.wrong]", "did you mean 'excuse'?"]),
        (("--target", "deaf", "--cold"), ["does not take --cold"]),
    ],
)
def test_its_options_are_checked(installed: Installed, arguments: tuple[str, ...], words: list[str]) -> None:
    """A mistake is told before anything is replayed."""
    ran = installed.replay("run", *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert all(word in ran.stderr for word in words), ran.stderr


@pytest.mark.parametrize("kind", [Source, Envelope, Invoker])
@pytest.mark.parametrize("value", ["nosuchpackage:Thing", "json:JSONDecoder", "json:dumps", "json:nothing"])
def test_a_broken_package_is_told_by_its_name(kind: type, value: str) -> None:
    """What cannot be imported, or is of another kind, is one error with the entry point in it."""
    with pytest.raises(ConfigurationError) as caught:
        load_extension(EntryPoint("thing", value, "replay.any"), kind)
    assert f"thing = {value}" in caught.value.where
    assert "uninstall" in caught.value.hint


def test_a_broken_envelope_is_told_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no mistake of replay's own in each single event: the first one tells which package to mend."""
    broken = EntryPoint("squawk", "nosuchpackage:Squawk", registry.ENTRY_POINTS)
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda *, group: [broken] if group == registry.ENTRY_POINTS else []
    )
    registry.envelopes.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match="the envelope 'squawk' of another package"):
            registry.unwrap(Capture(origin=Origin(source="files", identity="1"), body="{}"))
    finally:
        registry.envelopes.cache_clear()


@pytest.mark.parametrize("kind", [Source, Envelope, Invoker])
def test_a_class_without_its_methods_is_refused(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """An abstract class cannot be used, and is told so at once rather than in the middle of a run."""
    monkeypatch.setattr(EntryPoint, "load", lambda _: kind)
    with pytest.raises(ConfigurationError, match="is no"):
        load_extension(EntryPoint("thing", "package:Thing", "replay.any"), kind)
