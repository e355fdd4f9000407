"""Where a project begins: the same place from each of its folders, for the command line and for pytest."""

from collections.abc import Callable
from pathlib import Path

import pytest

from replay.cli.main import main
from replay.config import load_config
from replay.project_root import configuration_files, find_root

FIXTURE = "fixtures/orders/poison--0a1b2c3d/event.json"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Give a function that writes empty files into a folder below a home, and gives that folder."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def write(*files: str, **texts: str) -> Path:
        for path in (*files, *texts):
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(texts.get(path, ""))
        return tmp_path

    return write


def root(start: Path) -> Path:
    start.mkdir(parents=True, exist_ok=True)
    return load_config(start).root


@pytest.mark.parametrize(
    "marker",
    [
        "template.yaml",
        "template.yml",
        "template.json",
        "serverless.yml",
        "cdk.out/manifest.json",
        FIXTURE,
        "pyproject.toml",
    ],
)
def test_a_project_is_found_from_below(tree: Callable[..., Path], marker: str) -> None:
    """A template, a cloud assembly, fixtures or a pyproject.toml each make a root for all folders below."""
    home = tree(f"shop/{marker}")
    assert root(home / "shop/src/orders") == home / "shop"
    assert root(home / "shop") == home / "shop"


def test_without_a_sign_the_start_is_the_root(tree: Callable[..., Path]) -> None:
    """A folder of which nothing tells is a project of its own; somebody else's `fixtures` tells nothing."""
    home = tree("shop/fixtures/users/data.json", "shop/fixtures/orders/poison--0a1b2c3d/notes.txt", "shop/setup.cfg")
    assert root(home / "shop/src") == home / "shop/src"


def test_a_section_wins_over_a_file_and_that_over_the_rest(tree: Callable[..., Path]) -> None:
    """The nearest of the strongest kind is taken: configured, then pyproject.toml, then fixtures, then a template."""
    home = tree("a/b/c/d/template.yaml")
    start = home / "a/b/c/d/e"
    assert root(start) == home / "a/b/c/d"
    tree(f"a/b/c/{FIXTURE}")
    assert root(start) == home / "a/b/c"
    tree("a/b/pyproject.toml")
    assert root(start) == home / "a/b"
    (home / "a/pyproject.toml").write_text("[tool.replay]\n")
    assert root(start) == home / "a"


def test_the_repository_is_the_end(tree: Callable[..., Path]) -> None:
    """What lies beyond the root of the git repository belongs to others; a worktree's `.git` is a file."""
    home = tree("pyproject.toml", "outer/template.yaml", "outer/repository/.git")
    assert root(home / "outer/repository/src") == home / "outer/repository/src"
    assert configuration_files(home / "outer/repository/src") == []


def test_home_is_no_project_of_everything_below(tree: Callable[..., Path]) -> None:
    """Fixtures once recorded in the home folder do not swallow those of every project in it."""
    home = tree(FIXTURE, "template.yaml")
    assert root(home / "shop") == home / "shop"
    assert root(home) == home
    tree(".git")
    assert root(home / "shop") == home


def test_nothing_beyond_home_is_looked_at(tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The search of somebody at home ends there."""
    top = tree("pyproject.toml", "me/shop/app.py")
    monkeypatch.setenv("HOME", str(top / "me"))
    assert root(top / "me/shop") == top / "me/shop"


def test_who_asks_says_what_is_configured(tree: Callable[..., Path]) -> None:
    """The search itself reads no file."""
    home = tree("a/pyproject.toml", "a/b/pyproject.toml")
    assert find_root(home / "a/b", is_configured=lambda path: path.parent.name == "a") == home / "a"


def test_recording_from_below_makes_no_second_folder(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`replay record` in a subfolder writes where `replay run` at the root reads, and keeps one redaction key."""
    home = tree("shop/template.yaml", "shop/src/app.py")
    (home / "shop/src/events.jsonl").write_text('{"email": "ada@example.com"}\n')
    monkeypatch.chdir(home / "shop/src")
    monkeypatch.delenv("REPLAY_REDACTION_KEY", raising=False)
    with pytest.raises(SystemExit) as stop:
        main(["record", "files", "--path", "events.jsonl", "--function", "orders"])
    assert stop.value.code == 0, capsys.readouterr().err
    assert sorted(path.name for path in (home / "shop/src").iterdir()) == ["app.py", "events.jsonl"]
    assert sorted(path.name for path in (home / "shop").iterdir()) == [".replay", "fixtures", "src", "template.yaml"]
