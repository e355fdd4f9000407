"""The results of a folder, for a reader: what is judged, what failed, what was left out and why, and the table."""

from collections.abc import Iterator

from tests.truth.runner import CATEGORIES, Results
from tests.truth.verdicts import Verdict

_COLUMNS = ("passed", "failed", "left out")


def report_lines(results: Results) -> Iterator[str]:
    """Write the report."""
    yield from _judged(results)
    yield from _listed("failed", results)
    yield from _listed("left out", results)
    partly = [each for each in results.verdicts if each.unjudged]
    if partly:
        yield "Parts that are not judged:"
        for each in partly:
            yield f"  {each.case_id}: {'; '.join(each.unjudged)}"
        yield ""
    yield from _table(results)
    for problem in results.problems:
        yield f"PROBLEM: {problem}"


def _judged(results: Results) -> Iterator[str]:
    present = {each.category for each in results.verdicts}
    by_words: dict[str, list[str]] = {}
    for name, category in CATEGORIES.items():
        if name in present:
            by_words.setdefault(category.judged, []).append(name)
    if by_words:
        yield "What is judged:"
    for words, names in by_words.items():
        yield f"  {', '.join(names)}: {words}"
    yield ""


def _listed(status: str, results: Results) -> Iterator[str]:
    found = [each for each in results.verdicts if each.status == status]
    if not found:
        return
    yield f"{status.capitalize()}:"
    for each in found:
        yield f"  {each.case_id}"
        yield from (f"      {line}" for line in each.lines)
    yield ""


def _table(results: Results) -> Iterator[str]:
    names = [name for name in CATEGORIES if any(each.category == name for each in results.verdicts)]
    width = max([len(name) for name in names] + [len("category")])
    yield f"{'category':<{width}}  {'passed':>7}  {'failed':>7}  {'left out':>8}  {'facts':>6}"
    for name in names:
        yield _row(name, [each for each in results.verdicts if each.category == name], width)
    yield _row("all", list(results.verdicts), width)
    if results.others:
        yield f"({results.others} cases are of categories that are not judged here)"
    for category in results.unknown:
        yield f"left out: {category}: there is no such category, and its cases have neither stimulus nor expectation"


def _row(name: str, verdicts: list[Verdict], width: int) -> str:
    passed, failed, left_out = (sum(each.status == status for each in verdicts) for status in _COLUMNS)
    facts = sum(each.facts for each in verdicts)
    return f"{name:<{width}}  {passed:>7}  {failed:>7}  {left_out:>8}  {facts:>6}"
