"""The public API is what we say it is, light to import, and as wide as the command line."""

import subprocess
import sys

import pytest

import replay
from replay.cli.main import cli

PUBLIC_FUNCTION = {
    "record": "record_events",
    "list": "select_fixtures",
    "show": "load_fixture",
    "run": "replay_fixtures",
    "redrive": "prepare_redrive",
    "runs": "read_runs",
    "expect": "expect",
    "export": "export_fixtures",
    "minimize": "minimize_fixtures",
    "scan": "scan",
    "redact": "redact_again",
    "prune": "prune",
    "pack": "pack",
    "unpack": "unpack",
    "migrate": "migrate",
    "schema": "schema",
    "doctor": "doctor",
    "demo": "demo",
    "athena-ddl": "athena_ddl",
}


def test_all_is_sorted_and_every_name_can_be_imported():
    """Each name of `__all__` is there, and a reader finds it in order."""
    assert replay.__all__ == sorted(replay.__all__)
    for name in replay.__all__:
        assert getattr(replay, name) is not None


def test_every_command_is_one_public_function():
    """What the command line can do, Python can do in one call."""
    commands = cli.list_commands(None)  # type: ignore[arg-type]
    assert set(commands) == set(PUBLIC_FUNCTION)
    assert set(PUBLIC_FUNCTION.values()) <= set(replay.__all__)


def test_an_unknown_name_is_an_attribute_error():
    """A typo in an import is told as Python tells it."""
    with pytest.raises(AttributeError, match="delivr"):
        _ = replay.delivr


@pytest.mark.parametrize(
    "code",
    [
        "import replay",
        "import replay.pytest_plugin.plugin",
        "import sys; sys.argv = ['replay', '--help']; from replay.cli.main import main\ntry: main()\nexcept SystemExit: pass",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(code):
    """Importing the package, loading the plugin and `replay --help` stay light."""
    heavy = "'boto3', 'botocore', 'moto', 'rich', 'hypothesis', 'jsonschema', 'samtranslator', 'yaml', 'simplejson', 'tomllib'"
    script = f"{code}\nimport sys\nassert not set(sys.modules) & {{{heavy}}}, set(sys.modules) & {{{heavy}}}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_who_records_does_not_wait_for_what_replays():
    """A recording starts without the replayer, the targets and the rules of delivery: a tenth of its start."""
    script = "import sys, replay.cli.record_command; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("replay.")}
    assert "replay.project" in loaded
    assert not {name for name in loaded if name.split(".")[1] in {"replayer", "targets", "delivery", "fixture_runs"}}
