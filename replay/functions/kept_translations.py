"""
What SAM's translator made of templates, kept in the user's cache: to load it takes longer than the rest of a short run.

The files lie in `$XDG_CACHE_HOME/event-replay/sam`, by default `~/.cache/event-replay/sam`. Anybody may delete them.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from replay.payloads.exact_json import Json

_TRANSLATOR = "aws-sam-translator"
_UNUSED_FOR_S = 30 * 24 * 3600

Translated = dict[str, Json]


def kept_translation(asked: Mapping[str, Any], translate: Callable[[], Translated]) -> Translated:
    """
    Give what *translate* gives, or gave for the same question in an earlier process.

    Args:
        asked: All that the translator goes by: with the same, the same translator gives the same. What JSON does not
            hold exactly (a date, a number as a key) is translated anew each time.

    Raises:
        TemplateError: As *translate* does; that is not kept.
    """
    question = _exact_text({**asked, "translator": metadata.version(_TRANSLATOR)})
    folder = _folder()
    if question is None or folder is None:
        return translate()
    file = folder / f"{hashlib.sha256(question.encode()).hexdigest()}.json"
    known = _read(file)
    if known is not None:
        return known
    translated = translate()
    text = _exact_text(translated)
    if text is None:
        return translated
    with suppress(OSError):  # a home that is read-only, or full: it is translated again next time
        _write(file, text)
    same: Translated = json.loads(text)  # as the next process will have it, without the translator's own types
    return same


def _folder() -> Path | None:
    """The specification of XDG wants a relative path ignored."""
    told = Path(os.environ.get("XDG_CACHE_HOME", ""))
    with suppress(RuntimeError):  # a container's user may have no home
        return (told if told.is_absolute() else Path.home() / ".cache") / "event-replay" / "sam"
    return None


def _exact_text(value: Mapping[str, Any]) -> str | None:
    try:
        text = json.dumps(value)
        return text if json.loads(text) == value else None
    except (TypeError, ValueError):
        return None


def _read(file: Path) -> Translated | None:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    with suppress(OSError):  # a cache that is read-only serves all the same
        os.utime(file)
    return known if isinstance(known, dict) else None


def _write(file: Path, text: str) -> None:
    """Put it there whole or not at all, for nobody else to read, and remove what nobody has asked for in a month."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, new = tempfile.mkstemp(dir=file.parent, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(new).replace(file)
    finally:
        Path(new).unlink(missing_ok=True)
    long_ago = time.time() - _UNUSED_FOR_S
    for each in file.parent.iterdir():
        with suppress(FileNotFoundError):
            if each.stat().st_mtime < long_ago:
                each.unlink()
