"""Our own words in the place of a traceback, in the shape that pytest, its JUnit file and xdist carry them."""

from pathlib import Path

from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback


def failure_text(text: str, *, path: Path, summary: str) -> ReprExceptionInfo:
    """
    Give what pytest shows of a failure: *text* in the report, *summary* in the short test summary.

    A plain text would do for one process on a desk; on CI servers pytest repeats all of it in the short summary. pytest
    exports no class for this, and xdist carries only its own.

    Args:
        path: The file that it is about, for editors and annotations of pull requests.
    """
    entry = ReprEntryNative([f"{text}\n"])
    traceback = ReprTraceback(reprentries=[entry], extraline=None, style="native")
    return ReprExceptionInfo(traceback, ReprFileLocation(str(path), 1, summary))
