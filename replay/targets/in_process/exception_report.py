"""A raised exception as a failure: its frames, and its trace as Lambda's log has it."""

import traceback
from pathlib import Path
from types import TracebackType

from replay.payloads.failures import Failure, Frame
from replay.targets.in_process.code_map import CodeMap

_OURS = f"{Path(__file__).parent}/"
_OUTERMOST_FRAMES = 20
_INNERMOST_FRAMES = 80


def raised_failure(error: BaseException, code_map: CodeMap, request_id: str) -> Failure:
    """
    Report *error* as the Python runtime does: class name without its module, and the text.

    Source: aws-lambda-python-runtime-interface-client 4.2.2, `bootstrap.py`.
    """
    return Failure(
        error_type=type(error).__name__,
        message=code_map.text(str(error)),
        frames=frames_of(error.__traceback__, code_map),
        stack=stack_of(error, code_map),
        observed="local",
        request_id=request_id,
    )


def frames_of(trace: TracebackType | None, code_map: CodeMap) -> tuple[Frame, ...]:
    """List the frames of *trace*, outermost first and without our own; of a very long one, both ends."""
    entries = [(frame, line) for frame, line in traceback.walk_tb(trace) if not _is_ours(frame.f_code.co_filename)]
    if len(entries) > _OUTERMOST_FRAMES + _INNERMOST_FRAMES:
        entries = entries[:_OUTERMOST_FRAMES] + entries[-_INNERMOST_FRAMES:]
    frames = []
    for entry in traceback.StackSummary.extract(iter(entries)):
        file = code_map.file(entry.filename)
        frames.append(
            Frame(
                module=file.module,
                function=entry.name,
                code=(entry.line or "").strip(),
                owner=file.owner,
                line=entry.lineno,
            )
        )
    return tuple(frames)


def stack_of(error: BaseException, code_map: CodeMap) -> str:
    """Give the trace of *error* as text, with what caused it, and with the files' names on Lambda."""
    limit = -(_OUTERMOST_FRAMES + _INNERMOST_FRAMES)  # the innermost ones
    report = traceback.TracebackException.from_exception(error, limit=limit)
    pending, seen = [report], set()
    while pending:
        part = pending.pop()
        if id(part) not in seen:
            seen.add(id(part))
            part.stack = _mapped(part.stack, code_map)
            pending += [one for one in (part.__cause__, part.__context__, *(part.exceptions or ())) if one]
    return code_map.text("".join(report.format()))


def _mapped(stack: traceback.StackSummary, code_map: CodeMap) -> traceback.StackSummary:
    return traceback.StackSummary.from_list(
        [
            traceback.FrameSummary(code_map.file(entry.filename).path, entry.lineno, entry.name, line=entry.line)
            for entry in stack
            if not _is_ours(entry.filename)
        ]
    )


def _is_ours(file: str) -> bool:
    return file.startswith(_OURS)
