"""
What of the log of one request says that it failed.

Source: `doInvoke` of aws-lambda-runtime-interface-emulator: where a runtime has told Lambda of its function's error and
goes on, the status is "success"; aws-samples/aws-lambda-extensions, issue 85: so it is meant.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from replay.payloads.failures import Failure, Report


class _Told(Protocol):
    """What is told of a request, as far as it says whether the request failed."""

    @property
    def failure(self) -> Failure | None: ...
    @property
    def report(self) -> Report | None: ...
    @property
    def may_be_caught(self) -> bool: ...
    @property
    def is_of_function(self) -> bool: ...


_AnyTold = TypeVar("_AnyTold", bound=_Told)


def uncaught_of(told: Sequence[_AnyTold]) -> list[_AnyTold]:
    """
    List, of what is told of one request, what says that it failed.

    Of what Lambda reports as a success, that is what only a runtime writes of its function's error, and nothing that
    others answered. What a function may as well have logged of an error that it caught is taken for one that nobody
    caught where it is the last that the function wrote: then its runtime logs it.
    """
    failing = [each for each in told if each.failure is not None]
    if {each.report.status for each in told if each.report is not None} != {"success"}:
        return failing
    last = next((each for each in reversed(told) if each.is_of_function), None)
    return [each for each in failing if each.is_of_function and (not each.may_be_caught or each is last)]
