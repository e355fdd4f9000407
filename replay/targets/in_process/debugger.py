"""Whether somebody is looking into the function with a debugger, for whom time and output are not to be held back."""

import sys

_DEBUGGERS = frozenset({"bdb", "pdb", "pydevd", "_pydevd_bundle", "debugpy", "IPython"})


def in_a_debugger() -> bool:
    """Say whether a debugger traces this thread, or from Python 3.12 on monitors this process."""
    tracer = sys.gettrace()
    if tracer is not None and (getattr(tracer, "__module__", None) or "").partition(".")[0] in _DEBUGGERS:
        return True
    monitoring = getattr(sys, "monitoring", None)
    return monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None
