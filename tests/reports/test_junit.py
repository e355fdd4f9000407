"""The JUnit file tells CI what the run told the user."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from tests.cli.command_line import CommandLine

SOURCE = """\
def handler(event, context):
    if event["wants"] == "failure":
        raise ValueError("on demand")
"""


def suite(file: Path) -> ET.Element:
    (found,) = ET.parse(file).getroot()
    return found


def test_each_fixture_is_a_case(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A known bug is skipped, a surprise fails with its explanation, what could not run is an error, the rest passes."""
    folder = project(SOURCE, {"wants": "failure"}, {"wants": "success"})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    replay_("record", "files", "--path", "events.jsonl", "--function", "elsewhere")
    assert replay_("run", "f", "--junit", "one.xml").exit_code == 1
    one = suite(folder / "one.xml")
    assert (folder / "one.xml").read_bytes().endswith(b"</testsuites>\n")
    assert {name: one.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    replay_("expect", "f", "now")
    assert replay_("run", "--junit", "two.xml").exit_code == 2
    two = suite(folder / "two.xml")
    assert (two.get("tests"), two.get("failures"), two.get("errors"), two.get("skipped")) == ("4", "0", "2", "0")
    assert {case.get("classname") for case in two} == {"f", "elsewhere"}
    (error,) = next(case for case in two if case.get("classname") == "elsewhere")
    assert "there is no function 'elsewhere'" in (error.get("message") or "")
    assert "run again  replay run " in (error.text or "")


def test_an_old_file_is_replaced_whole(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """The file of the run before is replaced at the end, and stays as it was when there is no run."""
    folder = project(SOURCE, {"wants": "success"})
    (folder / "junit.xml").write_text("<old/>")
    assert replay_("run", "--junit", "junit.xml").exit_code == 2
    assert (folder / "junit.xml").read_text() == "<old/>"
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    replay_("run", "--junit", "junit.xml")
    assert suite(folder / "junit.xml").get("tests") == "1"


def test_a_device_is_written_to(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """`--junit /dev/null` writes there, and replaces nothing."""
    project(SOURCE, {"wants": "success"})
    replay_("record", "files", "--path", "events.jsonl", "--function", "f")
    assert replay_("run", "--junit", "/dev/null").exit_code == 1
    assert not Path("/dev/null").is_file()
