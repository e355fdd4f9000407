"""What a red fixture shows."""

import re

import pytest

from replay.payloads.failures import Failure, Frame
from tests.plugin.conftest import POISON, RECORDED, Project, node_id

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


def test_a_failure_is_worth_reading(project: Project) -> None:
    """It shows expectation against outcome, production's stack beside ours, the payload, the log, and what to run."""
    reference = project.fixture(body=POISON | {"note": "here"}, wants="succeeds", failure=RECORDED)
    result = project.run()
    result.stdout.fnmatch_lines(
        [
            f"_* replay {reference} *_",
            "expected   succeeds",
            "happened   failed ?dead_lettered?: KeyError: 'customer_id'",
            "in production",
            "> app.py:41 handler  return {*",
            "here",
            "> app.py:8 handler  return {*",
            "payload",
            '*"customerid": "c-1",',
            "log (last invocation)",
            "  handling o-1",
            f"run again  replay run {reference.short}",
            f"           pytest '{node_id(reference)}'",
        ]
    )
    shown = result.stdout.str()
    assert shown.count("handling o-1") == 1
    assert "Traceback" not in shown


def test_the_command_that_is_shown_works(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shown command runs that fixture alone, also from the folder in which pytest was started."""
    project.fixture("m-1", wants="succeeds")
    project.fixture("m-2", wants="succeeds")
    project.write("src/deep/empty", "")
    monkeypatch.chdir(project.root / "src" / "deep")
    (shown, *_) = re.findall(r"^ +pytest '(.*)'$", project.run().stdout.str(), re.MULTILINE)
    project.run(shown).assert_outcomes(failed=1)


@pytest.mark.parametrize("ci", ["", "1"])
def test_the_short_summary_is_one_line(project: Project, monkeypatch: pytest.MonkeyPatch, ci: str) -> None:
    """The short summary says verdict and reason on one line, on a CI server too, where pytest does not cut it."""
    if ci:
        monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("COLUMNS", "200")
    reference = project.fixture(wants="succeeds", failure=RECORDED)
    lines = project.run().outlines
    summary = lines[next(number for number, line in enumerate(lines) if "short test summary info" in line) + 1 :]
    assert summary[0].startswith(f"FAILED {node_id(reference)} - reproduced: the bug is back: KeyError: 'customer_id'")
    assert len(summary) == 2  # and pytest's own count


def test_nothing_reaches_the_terminal_raw(project: Project) -> None:
    """Terminal escapes in payload, log, error and recorded stack are shown as text."""
    evil = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"
    project.write(
        "src/app.py",
        """
        import json

        def handler(event, context):
            note = json.loads(event["Records"][0]["body"])["note"]
            print(note)
            raise ValueError(note)
        """,
    )
    frames = (Frame(module=f"a{evil}.py", function=evil, code=evil),)
    failure = Failure(error_type=f"E{evil}", message=evil, frames=frames, stack=evil, observed="logs")
    project.fixture("m-1", {"note": evil}, wants="reproduces", failure=failure)
    project.fixture("m-2", {"note": evil}, wants="fails")
    project.fixture("m-3", "not json " + evil, wants="succeeds", failure=failure)
    shown = project.run("-rA", "--xfail-tb").stdout.str()
    assert "owned" in shown
    assert UNSAFE.findall(shown) == []


def test_an_error_shows_no_raw_text_either(project: Project) -> None:
    """Names from files that cannot be read are shown as text too."""
    reference = project.fixture(wants="succeeds")
    file = project.root / "fixtures/orders" / reference.name / "fixture.json"
    file.write_text('{"\x1b[2J": 1}')
    assert UNSAFE.findall(project.run().stdout.str()) == []


def test_the_log_of_a_passing_fixture(project: Project) -> None:
    """`-rP` shows what the function of a passing fixture logged, once."""
    project.write(
        "src/app.py", 'import logging\n\ndef handler(event, context):\n    print("out")\n    logging.error("bad")\n'
    )
    project.fixture(wants="succeeds")
    shown = project.run("-rP").stdout.str()
    assert shown.count("out\n") == 1
    assert shown.count("bad") == 1


def test_xfail_tb_shows_the_whole_report(project: Project) -> None:
    """A known bug is one line; pytest's `--xfail-tb` shows all that a red one would."""
    project.fixture(wants="reproduces", failure=RECORDED)
    assert "customerid" not in project.run("-rx").stdout.str()
    assert "customerid" in project.run("-rx", "--xfail-tb").stdout.str()
