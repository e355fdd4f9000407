"""A Step Functions task that invokes a function: its result, or the error that its Retry and Catch see."""

import json
from functools import partial

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.error_payload import THROTTLED, error_payload
from replay.delivery.http_answers import compact
from replay.delivery.report import Delivery
from replay.delivery.synchronous import Served, serve
from replay.errors import InvalidJson
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, parse

RESULT_LIMIT_BYTES = 256 * 1024
INVOKE = "arn:aws:states:::lambda:invoke"


def deliver_step_functions(event: Event, event_source: EventSource) -> Delivery:
    """
    Invoke the function once; `response` is the task's result, or `{"error", "cause"}` as the execution's history says.

    The task's resource is `lambda:invoke`, or the function itself where the event source's ARN is a function's. The
    result of the first is `{"ExecutedVersion", "Payload", "SdkResponseMetadata", "StatusCode"}` (its SdkHttpMetadata is
    left out), that of the second the function's answer.

    - A failed function's error is its errorType, and the cause is the whole error object as JSON text (1): its own
      timeout is `Sandbox.Timedout`, too little memory and an exit are `Runtime.ExitError`. An error without a type is
      `Lambda.Unknown`; the wording of its cause is not recorded.
    - An answer that comes after `caller_timeout_s`, the task's TimeoutSeconds, is lost: `States.Timeout`, which has no
      cause. (5) HeartbeatSeconds, which only tasks with a token have, is no setting here.
    - An answer of more than 256 KB is `States.DataLimitExceeded`; what `lambda:invoke` adds to the answer is not
      counted here. (2)
    - A throttled invocation is `Lambda.TooManyRequestsException` (3); its cause is worded like that of a missing
      function (4), and not recorded.
    - A Retry or Catch belongs to the state machine. `States.TaskFailed`, by which they match any of these errors but
      `States.Timeout`, is no error's own name.

    Source: (1) recordings task_lambda and task_service_lambda, test_raise_exception, and Step Functions developer
    guide, "Handling errors in Step Functions workflows"; (2) recording
    test_task_lambda_data_limit_exceeded_on_large_utf8_response and its lambda:invoke twin; (3) Step Functions developer
    guide, "Handle transient Lambda service exceptions"; (4) recording test_no_such_function_catch; (5) recordings
    test_fixed_timeout_service_lambda and test_service_lambda_map_timeout.
    """
    return serve(event, event_source, partial(_served, _function_of(event_source)), too_late=_too_late)


def _too_late(waited_s: float) -> Served:
    problem = f"the function took longer than the task's TimeoutSeconds of {waited_s:g}"
    return Served(response={"error": "States.Timeout", "cause": ""}, problem=problem)


def _function_of(event_source: EventSource) -> str | None:
    """Give the ARN of the function that is itself the task's resource."""
    arn = event_source.arn or ""
    return arn if arn.startswith("arn:") and arn.split(":")[2:3] == ["lambda"] else None


def _served(function: str | None, attempt: Attempt, reply: Reply) -> Served:
    if reply.status == "throttled":
        code = "Status Code: 429; Error Code: TooManyRequestsException"
        cause = f"{THROTTLED} (Service: AWSLambda; {code}; Request ID: {attempt.request_id}; Proxy: null)"
        return Served(response={"error": "Lambda.TooManyRequestsException", "cause": cause}, problem="throttled")
    if not reply.succeeded:
        return Served(response=_failed(attempt, reply))
    answer = compact(reply.payload or "null")
    if len(answer.encode("utf-8", "surrogatepass")) > RESULT_LIMIT_BYTES:
        what = f"The state/task '{function or 'lambda'}' returned a result"
        cause = f"{what} with a size exceeding the maximum number of bytes service limit."
        return Served(response={"error": "States.DataLimitExceeded", "cause": cause}, problem=cause)
    value = _value(answer)
    if function:
        return Served(response=value)
    return Served(
        response={
            "ExecutedVersion": "$LATEST",
            "Payload": value,
            "SdkResponseMetadata": {"RequestId": attempt.request_id},
            "StatusCode": 200,
        }
    )


def _failed(attempt: Attempt, reply: Reply) -> Json:
    payload = error_payload(attempt, reply)
    if not (reply.failure and reply.failure.error_type):
        payload.pop("errorType")
    cause = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    if "errorType" in payload:
        return {"error": payload["errorType"], "cause": cause}
    what = "The cause could not be determined because Lambda did not return an error type."
    return {"error": "Lambda.Unknown", "cause": f"{what} Returned payload: {cause}"}


def _value(text: str) -> Json:
    try:
        return parse(text)
    except InvalidJson:
        return text  # bytes that the handler returned
