"""
How the lines begin that a function logs through its runtime: level, time, and the id of the request.

Source: what the runtimes' loggers write, aws-lambda-python-runtime-interface-client and
aws-lambda-nodejs-runtime-interface-client; .NET's begin as Node's do, and have levels of their own.
"""

import re

ID = r"[0-9A-Za-z]{8}-(?:[0-9A-Za-z]{4}-){3}[0-9A-Za-z]{12}"
ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
PYTHON_LINE = re.compile(rf"\[(?P<level>[A-Z]+)\]\s+(?P<at>{ISO})\s+(?P<id>{ID})\s+(?P<message>.*)", re.DOTALL)
NODE_LINE = re.compile(
    rf"(?P<at>{ISO})\s+(?P<id>{ID}|undefined)\s+(?P<level>[A-Z]+|trce|dbug|info|warn|fail|crit)\s+(?P<message>.*)",
    re.DOTALL,
)
