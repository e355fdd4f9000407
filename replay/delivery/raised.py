"""The frames of an exception that a callable raised in this process."""

import linecache
import sysconfig
from collections.abc import Callable
from os import sep
from pathlib import PurePath
from traceback import walk_tb
from typing import Any, Literal

from replay.payloads.failures import Frame

_LIBRARIES = tuple({sysconfig.get_path(name) + sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def frames_of(error: BaseException, function: Callable[..., Any]) -> tuple[Frame, ...]:
    """
    Give the frames of *error* from *function* inward, outermost first; the caller's own frame is left out.

    A file's `module` is relative to the folder of the function's file; what is installed is `library`.
    """
    code = getattr(function, "__code__", None)
    folder = PurePath(code.co_filename).parent if code else None
    frames = []
    for frame, line in walk_tb(error.__traceback__.tb_next if error.__traceback__ else None):
        file = frame.f_code.co_filename
        owner: Literal["user", "library"] = "library" if file.startswith((*_LIBRARIES, "<frozen")) else "user"
        frames.append(
            Frame(
                module=_module(PurePath(file), folder),
                function=frame.f_code.co_name,
                code=linecache.getline(file, line, frame.f_globals).strip(),
                owner=owner,
                line=line,
            )
        )
    return tuple(frames)


def _module(file: PurePath, folder: PurePath | None) -> str:
    if folder is not None and file.is_relative_to(folder):
        return file.relative_to(folder).as_posix()
    for library in _LIBRARIES:
        if file.is_relative_to(library):
            return file.relative_to(library).as_posix()
    return file.name
