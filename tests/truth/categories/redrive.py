"""Cases of message move tasks: what we say of moved messages, which the recordings have not."""

import re

from tests.truth.cases import Case
from tests.truth.checks.mappings import check_mapping
from tests.truth.stimuli.mappings import run_mapping
from tests.truth.verdicts import Findings, NotImitated, Unreadable

JUDGED = (
    "a stimulus of a queue with a redrive policy is delivered, and its dead letters judged; move tasks are not imitated"
)
_OF_A_TASK = re.compile(
    r"move|task|source_?(?:queue|arn)|destination_?arn|redrive_?(?:allow|from|to)|cancel", re.IGNORECASE
)


def judge_redrive(case: Case, findings: Findings) -> None:
    """Judge a case of redriving."""
    if not case.has_stimulus:
        raise NotImitated("StartMessageMoveTask and its siblings are not imitated")
    if not isinstance(case.stimulus, dict) or not isinstance(case.expect, dict):
        raise Unreadable(f"cannot read stimulus: {case.stimulus!r}")
    if any(_OF_A_TASK.search(key) for key in case.stimulus):
        raise NotImitated("StartMessageMoveTask and its siblings are not imitated")
    check_mapping(run_mapping(case.stimulus, "sqs", []), case.expect, findings)
