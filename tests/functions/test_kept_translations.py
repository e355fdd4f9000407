"""What SAM's translator made of a template is kept for the next process, and asked for again when anything changed."""

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.errors import TemplateError
from replay.functions.kept_translations import Translated, kept_translation
from tests.functions.templates import sam

ASKED = {"template": {"Resources": {}}, "parameters": {"Stage": "dev"}, "region": "eu-west-1"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which there is nothing yet; gives the folder of the translations."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "event-replay" / "sam"


class Translator:
    """Gives the number of the call; notes how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Translated:
        self.calls += 1
        return {"Resources": {"call": self.calls}}


def test_the_same_question_is_answered_once() -> None:
    """The translator, which takes longer to load than a short run, is not loaded again for the same template."""
    translate = Translator()
    assert [kept_translation(ASKED, translate) for _ in range(3)] == [{"Resources": {"call": 1}}] * 3
    assert translate.calls == 1


@pytest.mark.parametrize(
    "other",
    [{"region": "eu-west-2"}, {"parameters": {"Stage": "prod"}}, {"template": {"Resources": {}, "Globals": {}}}],
    ids=["region", "parameters", "template"],
)
def test_whatever_the_translator_goes_by_makes_another_question(other: Mapping[str, Any]) -> None:
    """A template that was edited, other parameters or another region are never answered with what was."""
    translate = Translator()
    kept_translation(ASKED, translate)
    assert kept_translation({**ASKED, **other}, translate) == {"Resources": {"call": 2}}


def test_another_translator_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade of the translator may make something else of the same template."""
    translate = Translator()
    kept_translation(ASKED, translate)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.0.0")
    assert kept_translation(ASKED, translate) == {"Resources": {"call": 2}}


@pytest.mark.parametrize("value", [{1: "a"}, date(2026, 1, 1), (1, 2), float("nan")], ids=repr)
def test_what_json_cannot_hold_is_translated_each_time(value: Any) -> None:
    """A date or a number as a key would come back as text, so neither question nor answer is kept."""
    translate = Translator()
    for _ in range(2):
        kept_translation({**ASKED, "template": {"odd": value}}, translate)
    assert translate.calls == 2
    assert repr(kept_translation(ASKED, lambda: {"odd": value})) == repr({"odd": value})
    assert kept_translation(ASKED, translate) == {"Resources": {"call": 3}}


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=30)  # each is a file
@given(st.dictionaries(st.text(), _values))
def test_answers_come_back_exactly(answer: Translated) -> None:
    """Values and the order of keys are the same from the cache as from the translator."""
    asked = {"asked": repr(answer)}
    first, second = (kept_translation(asked, lambda: answer) for _ in range(2))
    assert repr(first) == repr(second) == repr(answer)


@pytest.mark.parametrize("found", [b"", b'{"Resources": ', b"[]", b"\xff"], ids=["empty", "cut", "no object", "bytes"])
def test_a_spoilt_file_is_made_anew(cache: Path, found: bytes) -> None:
    """What is no translation does no harm: the template is translated again, and the file is whole."""
    translate = Translator()
    kept_translation(ASKED, translate)
    (file,) = cache.iterdir()
    file.write_bytes(found)
    assert kept_translation(ASKED, translate) == {"Resources": {"call": 2}}
    assert kept_translation(ASKED, translate) == {"Resources": {"call": 2}}


def test_where_nothing_can_be_kept_templates_are_read_all_the_same(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home that is a file, or that nobody has, costs time and nothing else."""
    cache.parent.parent.write_text("in the way")
    translate = Translator()
    assert [kept_translation(ASKED, translate)["Resources"] for _ in range(2)] == [{"call": 1}, {"call": 2}]
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(Path, "home", _no_home)
    monkeypatch.chdir(tmp_path)
    assert kept_translation(ASKED, translate) == {"Resources": {"call": 3}}
    assert not Path("relative").exists()


def _no_home() -> Path:
    raise RuntimeError("no home")


def test_a_full_disk_costs_time_and_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written whole is not left there in part, once more with each run."""
    translate = Translator()
    with monkeypatch.context() as full:
        full.setattr(Path, "replace", _no_space)
        assert kept_translation(ASKED, translate) == {"Resources": {"call": 1}}
    assert list(cache.iterdir()) == []
    assert kept_translation(ASKED, translate) == {"Resources": {"call": 2}}


def _no_space(_: Path, __: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_cache_that_is_read_only_serves_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image may bring the cache with it, and let nobody note that it was used."""
    translate = Translator()
    kept_translation(ASKED, translate)
    monkeypatch.setattr(os, "utime", _read_only)
    assert kept_translation(ASKED, translate) == {"Resources": {"call": 1}}


def _read_only(*_: object) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_nobody_else_can_read_it(cache: Path) -> None:
    """A template's parameters may be secrets."""
    kept_translation(ASKED, Translator())
    (file,) = cache.iterdir()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_not_asked_for_in_a_month_is_removed(cache: Path) -> None:
    """The cache of a template that is edited each day does not grow for ever; what is used stays."""
    month_ago = time.time() - 31 * 24 * 3600
    for region in ("used", "unused"):
        kept_translation({**ASKED, "region": region}, Translator())
    for file in cache.iterdir():
        os.utime(file, (month_ago, month_ago))
    again = Translator()
    kept_translation({**ASKED, "region": "used"}, again)
    kept_translation({**ASKED, "region": "new"}, Translator())
    assert again.calls == 0
    assert len(list(cache.iterdir())) == 2


def test_a_refusal_is_not_kept(cache: Path) -> None:
    """Whoever mends what SAM refuses about the world around a template is not refused again."""

    def refuse() -> Translated:
        raise TemplateError("no")

    with pytest.raises(TemplateError):
        kept_translation(ASKED, refuse)
    assert not cache.exists()


def test_the_next_process_does_not_load_the_translator(tmp_path: Path) -> None:
    """A second run of the same template reads it without samtranslator, and finds the same function."""
    template = "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: python3.12}}}"
    found = sam(tmp_path, template)
    code = """
import sys
from pathlib import Path
from replay.functions.deployment import Deployment
from replay.functions.stacks import build_function, read_stack

print(build_function(read_stack(Path(sys.argv[1]), Deployment()), "F") , "samtranslator" in sys.modules, sep="|")
"""
    command = [sys.executable, "-c", code, str(tmp_path / "template.yaml")]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert told == f"{found}|False"
