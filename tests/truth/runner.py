"""Judge a folder of recordings: every case of the categories that we imitate, each to a verdict."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from replay.counted_nouns import counted
from tests.truth.cases import Case, read_cases
from tests.truth.categories import (
    asynchronous,
    filter_policies,
    http,
    invoke_errors,
    log_lines,
    mappings,
    object_logs,
    patterns,
    redrive,
    shapes,
)
from tests.truth.verdicts import Findings, NotImitated, Status, Unreadable, Verdict

LEFT_OUT_AT_MOST = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """Who judges a category, and what is judged of it."""

    judge: Callable[[Case, Findings], None]
    judged: str


CATEGORIES: dict[str, Category] = {
    "esm-sqs": Category(judge=shapes.with_shapes(mappings.judge_sqs), judged=mappings.JUDGED),
    "esm-kinesis": Category(judge=shapes.with_shapes(mappings.judge_kinesis), judged=mappings.JUDGED),
    "esm-dynamodb": Category(judge=shapes.with_shapes(mappings.judge_dynamodb), judged=mappings.JUDGED),
    "async-invoke": Category(judge=shapes.with_shapes(asynchronous.judge_async), judged=asynchronous.JUDGED),
    "invoke-errors": Category(judge=invoke_errors.judge_invoke_error, judged=invoke_errors.JUDGED),
    "apigateway": Category(judge=http.judge_rest_api, judged=http.JUDGED),
    "lambda-url": Category(judge=http.judge_function_url, judged=http.JUDGED),
    "sqs-redrive": Category(judge=redrive.judge_redrive, judged=redrive.JUDGED),
    "eventbridge-patterns": Category(judge=patterns.judge_pattern, judged=patterns.JUDGED),
    "sns-filter": Category(judge=filter_policies.judge_filter_policy, judged=filter_policies.JUDGED),
    **{name: Category(judge=shapes.judge_shapes, judged=shapes.JUDGED) for name in shapes.CATEGORIES},
    "lambda-logs": Category(judge=log_lines.judge_log, judged=log_lines.JUDGED),
    "s3-logs": Category(judge=object_logs.judge_object_log, judged=object_logs.JUDGED),
    "apigw-access-logs": Category(judge=object_logs.judge_formats, judged=object_logs.JUDGED_FORMATS),
}

NOT_JUDGED: Mapping[str, str] = {
    "eventbridge-replay": "archives and replays of a bus are not imitated",
    "stepfunctions": "state machines are not imitated; how a task's function is answered is tested in tests/delivery",
}
"""The categories that are known and left to others, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """
    What came of a folder.

    `problems` are what is wrong besides failed cases: a folder that cannot be read, too many cases left out. `others`
    counts the cases of categories that are not judged here; `unknown` are those of them that nobody has heard of.
    """

    verdicts: Sequence[Verdict] = ()
    problems: Sequence[str] = ()
    others: int = 0
    unknown: Sequence[str] = ()

    @property
    def agree(self) -> bool:
        """Whether nothing failed and not too much was left out."""
        return not self.problems and all(each.status != "failed" for each in self.verdicts)


def judge_folder(folder: Path) -> Results:
    """Judge all cases of *folder*."""
    try:
        cases = read_cases(folder)
    except Unreadable as unreadable:
        return Results(problems=[str(unreadable)])
    ours = [case for case in cases if case.category in CATEGORIES]
    verdicts = [judge_case(case, CATEGORIES[case.category]) for case in ours]
    problems = [*_left_out_too_much(verdicts)]
    if not ours:
        problems.append(f"the folder {folder} has no case of a category that is judged here")
    strange = [case for case in cases if case.category not in CATEGORIES.keys() | NOT_JUDGED.keys()]
    told = Counter(case.category for case in strange if case.has_stimulus or case.has_expect)
    problems += [
        f"{category}: there is no such category, and nobody judges its {counted(count, 'case')} with a stimulus or an "
        "expectation"
        for category, count in told.items()
    ]
    return Results(
        verdicts=verdicts,
        problems=problems,
        others=len(cases) - len(ours),
        unknown=sorted({case.category for case in strange} - told.keys()),
    )


def judge_case(case: Case, category: Category) -> Verdict:
    """Judge one case; what cannot be read, and what breaks, has failed."""
    findings = Findings()
    status: Status = "passed"
    lines: list[str] = []
    try:
        category.judge(case, findings)
    except NotImitated as reason:
        status, lines = "left out", [str(reason)]
    except Unreadable as unreadable:
        status, lines = "failed", [str(unreadable)]
    except Exception as error:  # noqa: BLE001 - a case that breaks the runner must not pass, nor hide the others
        status, lines = "failed", [f"{type(error).__name__}: {error}"]
    if findings.differences:
        status, lines = "failed", [*lines, *findings.differences]
    elif status == "passed" and not findings.facts:
        status, lines = "failed", ["nothing of it could be judged"]
    return Verdict(
        case_id=case.id,
        category=case.category,
        status=status,
        has_stimulus=case.has_stimulus,
        facts=len(findings.facts),
        lines=tuple(lines),
        unjudged=tuple(findings.unjudged),
    )


def _left_out_too_much(verdicts: Sequence[Verdict]) -> list[str]:
    stimuli = Counter(each.category for each in verdicts if each.has_stimulus)
    left_out = Counter(each.category for each in verdicts if each.has_stimulus and each.status == "left out")
    return [
        f"{category}: {left_out[category]} of {count} cases with a stimulus are left out, more than a tenth"
        for category, count in stimuli.items()
        if left_out[category] > LEFT_OUT_AT_MOST * count
    ]
