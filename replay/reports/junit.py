"""A run as JUnit XML, for CI systems that draw it."""

import errno
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

from replay.errors import FixtureError
from replay.replayer import FixtureNotRun, FixtureReplayed
from replay.reports.expectation_words import happened
from replay.reports.explanation import explain, run_command
from replay.reports.visible_text import visible

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(
    path: Path, events: Iterable[FixtureReplayed | FixtureNotRun], *, elapsed_s: float, options: Sequence[str] = ()
) -> None:
    """
    Write a test case a fixture: a known bug is skipped, an unexpected outcome fails, what could not run is an error.

    Args:
        options: Of the run, for the commands that run a case again.

    Raises:
        FixtureError: The file cannot be written.
    """
    write_cases(path, lambda suite: Counter(_add_case(suite, event, options) for event in events), elapsed_s=elapsed_s)


def write_cases(path: Path, add_cases: Callable[[ET.Element], Counter[str]], *, elapsed_s: float) -> None:
    """
    Write one suite whose cases *add_cases* adds, and counts as `failures`, `errors`, `skipped` or otherwise.

    Raises:
        FixtureError: The file cannot be written.
    """
    suite = ET.Element("testsuite", name="replay", time=f"{elapsed_s:.3f}")
    counts = add_cases(suite)
    suite.set("tests", str(counts.total()))
    for name in ("failures", "errors", "skipped"):
        suite.set(name, str(counts[name]))
    root = ET.Element("testsuites")
    root.append(suite)
    content = ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    with _explained(path):
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # a device or a pipe cannot be replaced
            return
        beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            beside.write_bytes(content)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def prepare_junit(path: Path) -> None:
    """
    Make the folder of a JUnit file, and see that it can be written, before the run has cost any time.

    Raises:
        FixtureError: The file could not be written.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, "the folder may not be written")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say what is wrong with the place of the JUnit file *path*."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise FixtureError(
            f"the JUnit file cannot be written: {why}", where=f"--junit {path}", hint="choose another place"
        ) from None


def _add_case(suite: ET.Element, event: FixtureReplayed | FixtureNotRun, options: Sequence[str]) -> str:
    """Add the case of *event* and say which count it belongs to."""
    if isinstance(event, FixtureNotRun):
        case = ET.SubElement(suite, "testcase", classname=event.reference.function, name=event.reference.name)
        error = ET.SubElement(case, "error", message=xml_text(event.error.what))
        error.text = xml_text(f"{event.error}\n\nrun again  {run_command([event.reference.short], options)}")
        return "errors"
    reference, outcome, judgement = event.fixture.reference, event.outcomes[-1], event.judgement
    time = f"{sum(each.duration_s for each in event.outcomes):.6f}"
    case = ET.SubElement(suite, "testcase", classname=reference.function, name=reference.name, time=time)
    if judgement.known_bug:
        ET.SubElement(case, "skipped", message=xml_text(f"known bug: {happened(outcome)}"))
        return "skipped"
    if judgement.as_expected:
        return "passed"
    failure = ET.SubElement(case, "failure", message=xml_text(judgement.reason), type=judgement.verdict)
    failure.text = xml_text(explain(event.fixture, event.outcomes, judgement, options=options, notes=event.notes))
    return "failures"


def xml_text(text: str) -> str:
    """Make *text* one that XML can hold, and that no terminal acts on."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", visible(text))
