"""How targets are found."""

import subprocess
import sys
from importlib import metadata

import pytest

from replay.errors import ConfigurationError
from replay.targets import registry
from replay.targets.base import Invoker
from replay.targets.local import LocalTarget


class Elsewhere(Invoker):
    """A target of another package."""

    name = "elsewhere"

    def __init__(self, function):
        self.function = function

    def __exit__(self, *_): ...

    def begin(self, *, at=None): ...

    def invoke(self, attempt): ...


@pytest.fixture
def _another_package(monkeypatch):
    entry = metadata.EntryPoint("elsewhere", f"{__name__}:Elsewhere", registry.ENTRY_POINTS)
    monkeypatch.setattr(metadata.EntryPoint, "load", lambda _: Elsewhere)

    def entry_points(*, group, name=None):
        return [entry] if group == registry.ENTRY_POINTS and name in {None, "elsewhere"} else []

    monkeypatch.setattr(registry.metadata, "entry_points", entry_points)


def test_the_files_of_the_folder_are_the_targets(service):
    """`local` is found by its file, and opened with its options."""
    assert "local" in registry.target_names()
    assert not {"base", "registry", "in-process"} & set(registry.target_names())
    target = registry.open_target("local", service(""), cold=True)
    assert isinstance(target, LocalTarget)


@pytest.mark.usefixtures("_another_package")
def test_other_packages_add_targets(service):
    """A target from an entry point is listed and opened like our own."""
    assert registry.target_names() == sorted({*registry._files(), "elsewhere"})
    assert isinstance(registry.open_target("elsewhere", service("")), Elsewhere)


def test_an_unknown_target_is_named_with_the_nearest(service):
    """A target that does not exist is an error that lists those that do."""
    with pytest.raises(ConfigurationError) as caught:
        registry.open_target("locl", service(""))
    assert "there is no target 'locl'" in str(caught.value)
    assert "did you mean 'local'?" in str(caught.value)


def test_a_target_is_light_until_it_is_entered():
    """Importing and opening the local target loads neither boto3 nor moto nor time-machine."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom replay.functions.function import Function\n"
        "from replay.targets.registry import open_target\n"
        "open_target('local', Function(name='f', handler='app.handler', code=Path('.')))\n"
        "print({'boto3', 'botocore', 'moto', 'time_machine', 'pytest'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
