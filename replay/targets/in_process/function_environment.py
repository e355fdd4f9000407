"""The environment variables that a function has on Lambda, and their exchange with the developer's own."""

import hashlib
import os
import time
from collections.abc import Mapping

from replay.functions.function import Function
from replay.targets.in_process.invocation_context import log_group_name

_KEPT = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
        "DYLD_FALLBACK_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "VIRTUAL_ENV", "TERM",
        "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "LANG", "LC_ALL", "LC_CTYPE",
    }
)  # fmt: skip
"""What Python, its libraries and tools need to find on a developer's machine. Nothing else of it is the function's."""

_KEPT_PREFIXES = ("PYTHON",)
_LIVE_PREFIXES = ("PYTEST_", "COV_CORE_", "COVERAGE_", "PYDEVD_", "DEBUGPY_")
"""What tools around us write while we run: left alone in both directions."""

_CLOSED_DOORS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "BOTO_CONFIG": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_REAL_AWS = frozenset(
    {
        "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CREDENTIAL_EXPIRATION",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    }
)  # fmt: skip


def log_stream_name(function: Function) -> str:
    """Give a log stream name of the usual form, the same for a function on every machine and day."""
    digest = hashlib.sha256(function.name.encode()).hexdigest()[:32]
    return f"2015/03/31/[$LATEST]{digest}"


def function_environment(function: Function, developer: Mapping[str, str]) -> dict[str, str]:
    """
    Give the variables that *function* runs with: Lambda's own, the configured ones, and what Python needs to run here.

    No variable leads to real AWS: those that would (credentials, profiles, endpoints) are left out even where the
    function is configured with them.

    Source: Lambda Developer Guide, "Defined runtime environment variables".
    """
    kept = {name: value for name, value in developer.items() if _is_kept(name)}
    configured = {name: value for name, value in function.environment.items() if not _leads_to_aws(name)}
    return kept | configured | _reserved(function) | _CLOSED_DOORS


def _reserved(function: Function) -> dict[str, str]:
    return {
        "_HANDLER": function.handler,
        "_X_AMZN_TRACE_ID": "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group_name(function),
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream_name(function),
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
        "LAMBDA_TASK_ROOT": str(function.code),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "TZ": ":UTC",
        "MOTO_ACCOUNT_ID": function.account_id,  # moto's own: its ARNs are then those of the function's account
    }


def _is_kept(name: str) -> bool:
    return name in _KEPT or name.startswith(_KEPT_PREFIXES) or _is_live(name)


def _is_live(name: str) -> bool:
    return name.startswith(_LIVE_PREFIXES)


def _leads_to_aws(name: str) -> bool:
    return name in _REAL_AWS or name.startswith("AWS_ENDPOINT_URL")


class EnvironmentExchange:
    """Puts a function's variables in the place of the developer's, and back; what the function sets stays its own."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._inside: dict[str, str] | None = None
        self._outside: dict[str, str] = {}

    def resume(self) -> None:
        """Let the function's variables in."""
        self._outside = _variables()
        _replace(self._inside or function_environment(self._function, os.environ))

    def suspend(self) -> None:
        """Put the developer's variables back."""
        self._inside = _variables()
        _replace(self._outside)

    def forget(self) -> None:
        """Start anew: what the function has set is gone, as with a new process."""
        _replace(function_environment(self._function, {**self._outside, **os.environ}))


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not _is_live(name)}


def _replace(wanted: Mapping[str, str]) -> None:
    present = _variables()
    for name in present.keys() - wanted.keys():
        del os.environ[name]
    for name, value in wanted.items():
        if present.get(name) != value:
            os.environ[name] = value
    time.tzset()
