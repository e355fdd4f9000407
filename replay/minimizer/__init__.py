"""Brings fixtures to the smallest event that still fails in the same way."""

from replay.minimizer.minimizing import Minimized
from replay.minimizer.project_fixtures import NotMinimized, minimize_fixtures

__all__ = ["Minimized", "NotMinimized", "minimize_fixtures"]
