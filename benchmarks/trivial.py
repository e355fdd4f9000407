"""The function that does nothing, for whoever measures what is around it."""

import sys
from pathlib import Path

from replay.functions.function import Function

CODE = "def handler(event, context):\n    return {'ok': True}\n"
EVENT = '{"order": {"id": "o-1", "quantity": 1}}'


def trivial_function(folder: Path) -> Function:
    """Write the function into *folder*, and give it."""
    (folder / "trivial.py").write_text(CODE)
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return Function(name="trivial", handler="trivial.handler", code=folder, runtime=runtime)
