"""The names that an error goes by: its type, AWS's code in its message, the HTTP status that it tells of."""

import re

from replay.payloads.failures import Failure

_READ_LIMIT = 4096
_NAME_LIMIT = 200
_CODE = re.compile(r"An error occurred \(([\w.]+)\) when calling the \w+ operation|\bError Code: ([\w.]+)")
_HTTP_STATUS = re.compile(
    r"^(?:HTTP Error )?(?P<first>40[13]|429|5\d\d)(?::| (?:Client|Server) Error)|"
    r"[Ss]tatus(?: [Cc]ode|Code)?:? (?P<later>40[13]|429|5\d\d)\b"
)
_NAMESPACED = re.compile(r"(?:Runtime|Sandbox|Function|Extension|Lambda|States|AWS\.SimpleQueueService)\.")


def error_names(failure: Failure) -> tuple[str, ...]:
    """
    List what *failure* is called, the most telling name first.

    AWS's error code, as botocore (`An error occurred (CODE) when calling the …`) and the SDK for Java 1 (`Error Code:
    CODE`) put it into the message; the error's type, without module or package, and as it was given; the HTTP status
    that the message tells of. SDKs for Node and Java 2 raise types that are named as AWS's codes are.
    """
    code, error_type = aws_code(failure), failure.error_type[:_NAME_LIMIT]
    bare = error_type if _NAMESPACED.match(error_type) else error_type.rpartition(".")[2]
    status = _HTTP_STATUS.search(failure.message[:_READ_LIMIT])
    told = (code, bare, error_type, (status["first"] or status["later"]) if status and not code else "")
    return tuple(dict.fromkeys(name for name in told if name))


def aws_code(failure: Failure) -> str:
    """Give the error code of AWS that stands in the message of *failure*, or nothing."""
    found = _CODE.search(failure.message[:_READ_LIMIT])
    return (found[1] or found[2]) if found else ""
