"""Faults held against what AWS has: services, operations and errors that exist."""

import difflib
import functools
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NoReturn

from replay.errors import ConfigurationError
from replay.payloads.aws_calls import Fault
from replay.payloads.fault_reading import TIMEOUT, checked_fault
from replay.targets.aws.service_models import IAM_NAMES, service_model, service_names

_GLOB = frozenset("*?[")
_ACTIONS = {
    "dynamodb:partiqlinsert": "ExecuteStatement",
    "lambda:invokefunction": "Invoke",
    "s3:deleteobjectversion": "DeleteObject",
    "s3:getobjectversion": "GetObject",
    "s3:listallmybuckets": "ListBuckets",
    "s3:listbucket": "ListObjectsV2",
}
"""IAM's name of an action, and the operation that it allows, where they differ."""


def known_faults(faults: Iterable[Fault], *, where: str = "") -> tuple[Fault, ...]:
    """
    Give *faults* with their services as botocore names them (`states:*` is `stepfunctions:*`).

    Raises:
        ConfigurationError: One is for a call that nobody can make.
    """
    return tuple(_known(checked_fault(fault, where=where), where) for fault in faults)


def unknown_errors(faults: Iterable[Fault]) -> list[str]:
    """Say of which of *faults*, whose calls are known, AWS is not known to give the error."""
    return [
        f"fault {fault.call}: AWS is not known to answer {fault.error!r} there; it is given with status 400"
        for fault in faults
        if fault.error is not None and not _is_known(fault.call, fault.error)
    ]


@functools.lru_cache(maxsize=256)
def _known(fault: Fault, where: str) -> Fault:
    service, _, operation = fault.call.partition(":")
    if _GLOB & set(service):
        if not any(fnmatchcase(name, service.lower()) for name in service_names()):
            _refuse(fault.call, where, f"no service of AWS matches {service!r}", "a service such as dynamodb", "")
        return fault
    name = IAM_NAMES.get(service.lower(), service.lower())
    if name not in service_names():
        near = difflib.get_close_matches(name, [*service_names(), *IAM_NAMES], n=1)
        suggestion = f"{near[0]}:{operation}" if near else ""
        _refuse(fault.call, where, f"there is no service {service!r}", "a service as the AWS CLI names it", suggestion)
    operations = service_model(name).operation_names
    if not any(fnmatchcase(each.lower(), operation.lower()) for each in operations):
        action = _ACTIONS.get(f"{name}:{operation.lower()}")
        near = [action] if action else difflib.get_close_matches(operation, operations, n=1)
        suggestion = f"{name}:{near[0]}" if near else ""
        _refuse(fault.call, where, f"{name} has no operation {operation!r}", "an operation of its API", suggestion)
    return replace(fault, call=f"{name}:{operation}")


@functools.lru_cache(maxsize=256)
def _is_known(call: str, error: str) -> bool:
    service, _, operation = call.partition(":")
    if error == TIMEOUT or _GLOB & set(service):
        return True
    from replay.targets.aws.error_answer import is_known_error

    model = service_model(service)
    names = [each for each in model.operation_names if fnmatchcase(each.lower(), operation.lower())]
    return is_known_error(model.operation_model(names[0]), error)


def _refuse(call: str, where: str, what: str, expected: str, suggestion: str) -> NoReturn:
    hint = f"did you mean {suggestion!r}?" if suggestion else "see `aws SERVICE help`"
    raise ConfigurationError(f"fault {call}: {what}", where=where, expected=expected, hint=hint)
