"""Who is at work, and what the tool writes for itself beside a project."""

import getpass
from pathlib import Path

OWN_FOLDER = Path(".replay")
"""In the root of a project: what is of this machine alone, and not for git."""


def user_name() -> str:
    """Name the user, as far as the system knows one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown user"  # a container without a passwd entry


def keep_out_of_git(folder: Path) -> None:
    """
    Let git ignore all that is in *folder*.

    Raises:
        OSError: It cannot be written.
    """
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
