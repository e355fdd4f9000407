"""What our plugin costs those who have it installed and do not use it."""

import sys

import pytest

HEAVY = (
    "boto3", "botocore", "moto", "rich", "click", "jsonschema", "fastjsonschema", "yaml", "simplejson", "tomllib",
    "samtranslator", "time_machine", "difflib", "fcntl",
    "replay.project", "replay.config", "replay.replayer", "replay.fixtures", "replay.payloads", "replay.errors",
)  # fmt: skip
REPORT = """
import sys

def pytest_unconfigure(config):
    print("LOADED", *sorted(sys.modules))
"""


@pytest.mark.parametrize("others", [(), ("fixtures/test_theirs.py", "fixtures/data/some--thing/data.json")])
def test_an_unrelated_project_loads_nothing_heavy(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, others: tuple[str, ...]
) -> None:
    """In a project that is not ours, also one with a folder `fixtures`, nothing of us but the plugin is imported."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(REPORT)
    pytester.makepyprojecttoml("[project]\nname = 'theirs'\n")
    pytester.makepyfile("def test_theirs():\n    pass\n")
    for path in others:
        (pytester.path / path).parent.mkdir(parents=True, exist_ok=True)
        (pytester.path / path).write_text("")
    loaded = _loaded(pytester, "-p", "event_replay")
    without = _loaded(pytester)
    assert {name for name in loaded - without if not name.startswith("replay")} == set()
    assert {name for name in loaded if name.startswith("replay")} <= {
        "replay", "replay.pytest_plugin", "replay.pytest_plugin.fixtures_folder", "replay.pytest_plugin.plugin",
        "replay.pytest_plugin.summary", "replay.project_root",
    }  # fmt: skip
    assert loaded.isdisjoint(set(HEAVY) - without)


def _loaded(pytester: pytest.Pytester, *arguments: str) -> set[str]:
    result = pytester.run(sys.executable, "-m", "pytest", "-s", "-q", *arguments)
    result.assert_outcomes(passed=1)
    (line,) = [line for line in result.outlines if line.startswith("LOADED")]
    return set(line.split()[1:])
