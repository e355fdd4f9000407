"""The context object that a handler receives beside its event."""

import sys
import time
from collections.abc import Callable
from typing import Any

from replay.functions.function import Function


class CognitoIdentity:
    """Who called; nobody that Cognito knows."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self) -> None:
        self.cognito_identity_id: str | None = None
        self.cognito_identity_pool_id: str | None = None

    def __repr__(self) -> str:
        return f"CognitoIdentity([cognito_identity_id={self.cognito_identity_id},cognito_identity_pool_id=None])"


class LambdaContext:
    """
    What the function can know of its invocation.

    Source: Lambda Developer Guide "Using the Lambda context object to retrieve Python function information", and
    aws-lambda-python-runtime-interface-client 4.2.2, `lambda_context.py`.
    """

    def __init__(
        self,
        function: Function,
        *,
        request_id: str,
        log_stream_name: str,
        deadline: float,
        spent_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """*spent_s* tells how much of the time was lost at once, which no clock shows."""
        self.aws_request_id = request_id
        self.log_group_name = log_group_name(function)
        self.log_stream_name = log_stream_name
        self.function_name = function.name
        self.memory_limit_in_mb = str(function.memory_mb)
        self.function_version = "$LATEST"
        self.invoked_function_arn = function.arn
        self.tenant_id: str | None = None
        self.client_context: Any = None
        self.identity = CognitoIdentity()
        self._deadline = deadline
        self._spent_s = spent_s

    def get_remaining_time_in_millis(self) -> int:
        """Give the milliseconds until the function times out, by the function's own clock."""
        return max(0, int((self._deadline - self._spent_s()) * 1000) - int(time.time() * 1000))

    @staticmethod
    def w3c() -> dict[str, str]:
        """Give the W3C trace context; there is none."""
        return {}

    @staticmethod
    def log(message: object) -> None:
        """Write to the log as it is, without a line end."""
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        shown = ",".join(f"{name}={value}" for name, value in vars(self).items() if not name.startswith("_"))
        return f"LambdaContext([{shown}])"


def log_group_name(function: Function) -> str:
    """Give the log group that Lambda makes for a function."""
    return f"/aws/lambda/{function.name}"
