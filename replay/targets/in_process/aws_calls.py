"""
The one hook into botocore: each AWS call that a function makes is told to whoever listens.

It is botocore's `before-call` event, in every session that is made while somebody listens. It stays in such a session
and is silent when nobody does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

_READS = ("Get", "List", "Describe", "Head", "Query", "Scan", "BatchGet", "TransactGet")


class AwsCallListener(Protocol):
    """Is told of a call before it is made: the service (`dynamodb`) and the operation (`PutItem`)."""

    def __call__(self, service: str, operation: str) -> None: ...


_listeners: list[AwsCallListener] = []


def is_write(operation: str) -> bool:
    """Say whether *operation* may change what a later call sees; what is not known to be a read is a write."""
    return not operation.startswith(_READS)


@contextmanager
def listening(listener: AwsCallListener) -> Iterator[None]:
    """Tell *listener* of each call that is made inside."""
    from botocore.handlers import BUILTIN_HANDLERS

    hook = ("before-call", _tell)
    if not _listeners:
        BUILTIN_HANDLERS.append(hook)
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
        if not _listeners:
            BUILTIN_HANDLERS.remove(hook)


def _tell(model: Any, **_: Any) -> None:
    for listener in _listeners:
        listener(model.service_model.service_name, model.name)
