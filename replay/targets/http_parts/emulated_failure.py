"""How MiniStack answers a request whose function has failed: by the function's own report, not in AWS's words."""

from pathlib import Path

from replay.delivery.attempt import Reply
from replay.errors import InvalidJson
from replay.payloads.exact_json import parse
from replay.targets.aws.lambda_answer import status_of_type, with_modules_of
from replay.targets.http_parts.exchange import HttpResponse
from replay.targets.state_machine_parts.execution_ends import failure_of, is_report

_BAD_GATEWAY = 502
_OF_A_LOAD_BALANCER = "Lambda error: "


def emulated_failure(answer: HttpResponse, code: Path) -> Reply | None:
    """
    Give the failed reply that *answer* reports; None where it is none. To be asked of an emulator's answers only.

    AWS tells of a failed function in words of its own, and a function on AWS may itself answer so. Source: MiniStack
    1.5.33 behind HTTP APIs and function URLs; behind REST APIs the report is the text of `message`, and behind load
    balancers what follows `Lambda error: ` there.

    Args:
        code: The function's code here, to name the files of a trace as Lambda does.
    """
    if answer.status_code != _BAD_GATEWAY:
        return None
    report = _message(answer.body.decode("utf-8", "replace"))
    if not is_report(report):
        return None
    failure = failure_of("", report)
    reply = Reply(status=status_of_type(failure.error_type), failure=failure, duration_s=answer.took_s)
    return with_modules_of(reply, code)


def _message(text: str) -> str:
    """Give the message of a document that has nothing else, or the text."""
    try:
        document = parse(text)
    except InvalidJson:
        return text
    message = document.get("message") if isinstance(document, dict) and len(document) == 1 else None
    return message.removeprefix(_OF_A_LOAD_BALANCER) if isinstance(message, str) else text
