"""Templates for tests: written into a folder, read back as the catalog does."""

from pathlib import Path
from textwrap import dedent

from replay.functions.deployment import Deployment
from replay.functions.function import Function
from replay.functions.stacks import Stack, build_function, read_stack

ACCOUNT = "123456789012"


def write(folder: Path, text: str, name: str = "template.yaml", *, code: str = "src") -> Path:
    """Write a template and an empty code folder beside it."""
    (folder / code).mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path


def stack(folder: Path, text: str, **deployment: object) -> Stack:
    return read_stack(write(folder, text), Deployment(**deployment))


def function(folder: Path, text: str, logical_id: str = "F", **deployment: object) -> Function:
    return build_function(stack(folder, text, **deployment), logical_id)


def sam(folder: Path, text: str, logical_id: str = "F", **deployment: object) -> Function:
    header = "Transform: AWS::Serverless-2016-10-31\n"
    return function(folder, header + dedent(text), logical_id, **deployment)
