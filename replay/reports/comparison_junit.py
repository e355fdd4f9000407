"""A comparison as JUnit XML: a test case a fixture."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from replay.comparison.compare_events import FixtureCompared
from replay.reports.explanation import run_command
from replay.reports.junit import write_cases, xml_text


def write_comparison_junit(
    path: Path,
    events: Sequence[FixtureCompared],
    *,
    names: tuple[str, str],
    elapsed_s: float,
    options: Sequence[str] = (),
) -> None:
    """
    Write a test case a fixture: one that differs fails, one that was not compared is an error.

    Args:
        names: Of the two targets.
        options: Of the run, for the command that compares a fixture again.

    Raises:
        FixtureError: The file cannot be written.
    """

    def add_cases(suite: ET.Element) -> Counter[str]:
        return Counter(_add_case(suite, event, names, options) for event in events)

    write_cases(path, add_cases, elapsed_s=elapsed_s)


def _add_case(suite: ET.Element, event: FixtureCompared, names: tuple[str, str], options: Sequence[str]) -> str:
    reference, compared = event.reference, event.compared
    time = f"{event.baseline.duration_s + event.other.duration_s:.6f}"
    case = ET.SubElement(suite, "testcase", classname=reference.function, name=reference.name, time=time)
    again = f"\n\nrun again  {run_command([reference.short], options)}"
    if compared.kind == "not_compared":
        why = compared.left_out.get("all", "")
        error = ET.SubElement(case, "error", message=xml_text(why), type="not_compared")
        error.text = xml_text(f"{why}{again}")
        return "errors"
    if compared.kind == "same":
        return "passed"
    lines = [
        f"{each.aspect} {each.where}".rstrip() + f": {each.baseline} on {names[0]}, {each.other} on {names[1]}"
        for each in compared.differences
    ]
    failure = ET.SubElement(case, "failure", message=xml_text(lines[0]), type="differs")
    failure.text = xml_text("\n".join(lines) + again)
    return "failures"
