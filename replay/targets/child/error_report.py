"""A runtime client's error report as a failure: its type, its text, and the frames of its trace in any language."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from replay.payloads.failures import Failure, Frame
from replay.targets.in_process.code_map import CodeMap, LambdaFile

_PYTHON_FRAME = re.compile(r'\s*File "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*)\n?(?P<code>(?s:.*))')
_SYNTAX_FRAME = re.compile(r'\s*File "(?P<file>.*)" Line (?P<line>\d+)\n(?P<code>(?s:.*))')
_NODE_FRAME = re.compile(r"\s*at (?:(?P<function>.*) \(|async )?(?:file://)?(?P<file>[^()]+?):(?P<line>\d+):\d+\)?\s*$")
_REPEATED = re.compile(r"\s*\[Previous line repeated (?P<times>\d{1,9}) more times?\]\s*")
_MOST_REPEATED = 100_000
_STANDARD_LIBRARY = re.compile(r".*/lib(?:64)?/python3\.\d+/(?P<module>.*)")
_OUTERMOST_FRAMES = 20
_INNERMOST_FRAMES = 80
_LONGEST_LINE = 2_000
_MOST_LINES = 20_000
_OURS = f"{Path(__file__).parents[1]}/"


def reported_failure(body: bytes, error_type: str, code_map: CodeMap, request_id: str) -> Failure:
    """
    Read an error report.

    Args:
        body: The JSON object that the runtime client sent: `errorType`, `errorMessage`, and `stackTrace` (most
            languages) or `trace` (Node). Anything else is taken as the message.
        error_type: The type in the header, for a body without one.
    """
    report = _object(body)
    message = report.get("errorMessage")
    text = message if isinstance(message, str) else body.decode("utf-8", "replace")
    lines = [line for line in _strings(report.get("stackTrace")) or _strings(report.get("trace")) if _OURS not in line]
    named = str(report.get("errorType") or error_type or "Unknown")
    text = code_map.text(text)
    return Failure(
        error_type=named,
        message=text,
        frames=frames_of(lines, code_map),
        stack=_stack(lines, named, text, code_map),
        observed="local",
        request_id=request_id,
    )


def frames_of(lines: Sequence[str], code_map: CodeMap) -> tuple[Frame, ...]:
    """
    Read the frames of a trace, outermost first, as far as its language is known: Python or JavaScript.

    Of a very long one both ends are kept, as for a function in our own process.
    """
    frames: list[Frame] = []
    for line in lines:
        if found := _PYTHON_FRAME.fullmatch(line[:_LONGEST_LINE]):
            frames.append(_frame(_python_file(found["file"], code_map), found["function"], found))
        elif found := _SYNTAX_FRAME.fullmatch(line[:_LONGEST_LINE]):
            frame = _frame(_python_file(found["file"], code_map), "<module>", found)
            # A file that could not even be decoded has no line to show, and the client writes None.
            frames.append(replace(frame, code="") if frame.code == "None" else frame)
        elif (found := _REPEATED.fullmatch(line)) and frames:
            frames += [frames[-1]] * min(int(found["times"]), _MOST_REPEATED)
    for line in reversed(lines):
        if found := _NODE_FRAME.fullmatch(line[:_LONGEST_LINE]):
            frames.append(_frame(_node_file(found["file"], code_map), found["function"] or "<anonymous>", found))
    if len(frames) > _OUTERMOST_FRAMES + _INNERMOST_FRAMES:
        frames = frames[:_OUTERMOST_FRAMES] + frames[-_INNERMOST_FRAMES:]
    return tuple(frames)


def _frame(file: LambdaFile, function: str, found: re.Match[str]) -> Frame:
    code = found.groupdict().get("code") or ""
    return Frame(module=file.module, function=function, code=code.strip(), owner=file.owner, line=int(found["line"]))


def _python_file(name: str, code_map: CodeMap) -> LambdaFile:
    """Map a file of whichever Python runs the function, which need not be the one that runs us."""
    file = code_map.file(name)
    if file.owner == "library" or not (found := _STANDARD_LIBRARY.fullmatch(name)):
        return file
    return LambdaFile(found["module"], "library", f"/var/lang/lib/{found['module']}")


def _node_file(name: str, code_map: CodeMap) -> LambdaFile:
    if name.startswith("node:"):
        return LambdaFile(name, "library", name)
    file = code_map.file(name)
    return file._replace(owner="library") if "node_modules/" in name else file


def _stack(lines: list[str], error_type: str, message: str, code_map: CodeMap) -> str:
    """Write the trace as its language would, with the files' names on Lambda."""
    if any(_PYTHON_FRAME.fullmatch(line[:_LONGEST_LINE]) for line in lines):
        last = f"{error_type}: {message}" if message else error_type
        trace = "".join(_on_lambda(line, code_map) for line in lines)
        return f"Traceback (most recent call last):\n{trace}{last}\n"
    text = code_map.text("".join(lines))
    return text if "\n" in text or not text else "".join(f"{code_map.text(line)}\n" for line in lines)


def _on_lambda(line: str, code_map: CodeMap) -> str:
    found = _PYTHON_FRAME.fullmatch(line[:_LONGEST_LINE])
    if found is None:
        return line
    return code_map.text(line.replace(found["file"], _python_file(found["file"], code_map).path, 1))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        report = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.splitlines(keepends=True)[:_MOST_LINES]
    return [line for line in value[:_MOST_LINES] if isinstance(line, str)] if isinstance(value, list) else []
