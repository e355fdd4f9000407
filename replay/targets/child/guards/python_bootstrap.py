"""
Starts AWS's runtime client for Python, with the function's folders first on the import path, as Lambda has them.

The client is imported before that, so that no module of the function takes the place of one of its own.
"""

import os
import sys

from awslambdaric import bootstrap  # type: ignore[import-untyped]  # an extra, and without types
from awslambdaric.__main__ import main  # type: ignore[import-untyped]  # the same

_log = bootstrap.StandardLogSink.log


def _log_an_entry(sink: object, text: str, *args: object, **kwargs: object) -> None:
    """End a record that has a trace: on AWS each is an entry of its own, and a stream would run it into the next."""
    _log(sink, text if text.endswith("\n") else f"{text}\n", *args, **kwargs)


bootstrap.StandardLogSink.log = _log_an_entry
arguments = [sys.argv[0], os.environ["_HANDLER"]]
roots = os.environ["REPLAY_IMPORT_ROOTS"].split(os.pathsep)
if os.environ.get("REPLAY_SETUP"):
    sys.path.append(os.environ["REPLAY_PACKAGE"])
    from replay.targets.child.guards.python_setup import run_with_setup

    sys.path[:1] = roots
    sys.path.append(os.environ["REPLAY_PROJECT"])
    run_with_setup(lambda: main(arguments))
else:
    sys.path[:1] = roots
    main(arguments)
