"""
How the Python runtime writes what a function logs: the formats and the levels of `LoggingConfig`.

Source: aws-lambda-python-runtime-interface-client 4.2.2, `lambda_runtime_log_utils.py` and `bootstrap.py`.
"""

import json
import logging
import time
import traceback
from collections.abc import Mapping
from typing import Any

from replay.functions.function import Function

_TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
_NOT_SHOWN = frozenset(
    {
        "name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "exc_info", "exc_text",
        "stack_info", "lineno", "funcName", "created", "msecs", "relativeCreated", "thread", "threadName",
        "processName", "process", "aws_request_id", "tenant_id",
    }
)  # fmt: skip
_LEVELS = {"TRACE": "DEBUG"}


def log_formatter(function: Function) -> logging.Formatter:
    """Give the formatter of the runtime's handler, by the function's `AWS_LAMBDA_LOG_FORMAT`."""
    formatter: logging.Formatter
    if function.environment.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        formatter = _JsonFormatter(datefmt="%Y-%m-%dT%H:%M:%SZ")
    else:
        formatter = logging.Formatter(_TEXT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    return formatter


def root_level(function: Function) -> int:
    """Give the level of the root logger, by the function's `AWS_LAMBDA_LOG_LEVEL`; Python's own where it has none."""
    wanted = function.environment.get("AWS_LAMBDA_LOG_LEVEL", "")
    return logging.getLevelNamesMapping().get(_LEVELS.get(wanted, wanted).upper(), logging.WARNING)


class _JsonFormatter(logging.Formatter):
    """One JSON object a line, with whatever `extra` has; what is no JSON is shown as its text."""

    def format(self, record: logging.LogRecord) -> str:
        record.levelno = min(logging.CRITICAL, max(logging.NOTSET, record.levelno)) // 10 * 10
        record.levelname = logging.getLevelName(record.levelno)
        is_document = isinstance(record.msg, dict) and not record.args
        shown: dict[str, Any] = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.msg if is_document else record.getMessage(),
            "logger": record.name,
            **_exception(record),
            "requestId": getattr(record, "aws_request_id", None),
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if record.exc_info else None,
        }
        extra = {name: value for name, value in vars(record).items() if name not in _NOT_SHOWN and name not in shown}
        told = {name: value for name, value in {**shown, **extra}.items() if value is not None}
        return json.dumps(told, ensure_ascii=False, default=str) + "\n"


def _exception(record: logging.LogRecord) -> Mapping[str, Any]:
    if not record.exc_info:
        return {"stackTrace": None, "errorType": None, "errorMessage": None}
    kind, error, trace = record.exc_info
    name = kind.__name__  # type: ignore[union-attr]  # it raises there, too, where nothing was raised
    return {"stackTrace": traceback.format_tb(trace), "errorType": name, "errorMessage": str(error)}
