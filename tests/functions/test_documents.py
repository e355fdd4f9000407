"""Reading template files: CloudFormation's tags, plain data only, and bounds on what is hostile."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import TemplateError
from replay.functions.documents import load_document


def load(tmp_path: Path, text: str, name: str = "template.yaml") -> dict:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return dict(load_document(path).data)


def test_short_tags_become_the_long_form(tmp_path: Path) -> None:
    """`!Ref`, `!GetAtt` in both forms, `!Condition` and any other tag are written as JSON has them."""
    data = load(
        tmp_path,
        """
        a: !Ref Queue
        b: !GetAtt Queue.Arn.More
        c: !GetAtt [Queue, Arn]
        d: !Sub "${Queue}"
        e: !Join ["-", [!Ref A, b]]
        f: !If [Yes, {x: 1}, !Ref "AWS::NoValue"]
        g: !Condition C
        """,
    )
    assert data == {
        "a": {"Ref": "Queue"},
        "b": {"Fn::GetAtt": ["Queue", "Arn.More"]},
        "c": {"Fn::GetAtt": ["Queue", "Arn"]},
        "d": {"Fn::Sub": "${Queue}"},
        "e": {"Fn::Join": ["-", [{"Ref": "A"}, "b"]]},
        "f": {"Fn::If": [True, {"x": 1}, {"Ref": "AWS::NoValue"}]},
        "g": {"Condition": "C"},
    }


def test_dates_stay_text_and_keys_become_text(tmp_path: Path) -> None:
    """A policy's version is no date, and a response code is a key like any other."""
    assert load(tmp_path, "Version: 2012-10-17\nresponses: {200: ok, true: yes}") == {
        "Version": "2012-10-17",
        "responses": {"200": "ok", "true": True},
    }


def test_anchors_and_merges_are_followed(tmp_path: Path) -> None:
    """What YAML's aliases and merge keys say counts."""
    data = load(tmp_path, "a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a")
    assert data == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['exit 1']",
        "a: !!python/name:os.system",
        "a: !!binary aGk=",
        "a: !!set {x, y}",
    ],
)
def test_tags_beyond_plain_data_are_refused(tmp_path: Path, text: str) -> None:
    """No tag runs code or makes another thing than JSON has."""
    with pytest.raises(TemplateError, match="not valid YAML") as error:
        load(tmp_path, text)
    assert error.value.where.endswith("template.yaml:1")


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merge_bomb(levels: int) -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", [bomb(9), merge_bomb(9), "a: &a [*a]"], ids=["aliases", "merges", "ring"])
def test_alias_bombs_are_refused(tmp_path: Path, text: str) -> None:
    """A small file whose aliases expand to a billion values, or to themselves, is refused at once."""
    with pytest.raises(TemplateError, match="aliases expand"):
        load(tmp_path, text)


def test_a_few_aliases_are_no_bomb(tmp_path: Path) -> None:
    """An ordinary use of aliases is read."""
    assert len(load(tmp_path, bomb(3))["a2"]) == 10


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a: " + "[" * 100_000, "template.yaml"),
        ("a: " + "[" * 101 + "]" * 101, "template.yaml"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "template.json"),
    ],
    ids=["open", "closed", "json"],
)
def test_deep_nesting_is_refused(tmp_path: Path, text: str, name: str) -> None:
    """Depth neither crashes the process nor escapes as a RecursionError."""
    with pytest.raises(TemplateError, match="nested too deep"):
        load(tmp_path, text, name)


@pytest.mark.parametrize(
    ("text", "name", "where", "what"),
    [
        ("a: 1\nb: [1,\nc: 2", "template.yaml", "template.yaml:3", "not valid YAML"),
        ("a: b: c", "template.yaml", "template.yaml:1", "not valid YAML"),
        ("a: 1\n---\nb: 2", "template.yaml", "template.yaml:2", "not valid YAML"),
        ("a: *nothing", "template.yaml", "template.yaml:1", "not valid YAML"),
        ('{"a": }', "template.json", "template.json", "not JSON: Expecting value at line 1, column 7"),
        ("- a", "template.yaml", "template.yaml", "not a mapping"),
        ("", "template.yaml", "template.yaml", "not a mapping"),
        ("a: " + "9" * 5000, "template.yaml", "template.yaml", "cannot be read"),
    ],
)
def test_what_is_no_template_is_said_with_its_place(
    tmp_path: Path, text: str, name: str, where: str, what: str
) -> None:
    """A malformed file is one error that names file, line where known, and what is wrong."""
    with pytest.raises(TemplateError) as error:
        load(tmp_path, text, name)
    assert error.value.where.endswith(where)
    assert what in error.value.what


def test_unreadable_files_are_said(tmp_path: Path) -> None:
    """A missing file, a folder, and bytes that are no text are errors of ours."""
    with pytest.raises(TemplateError, match="No such file"):
        load_document(tmp_path / "none.yaml")
    with pytest.raises(TemplateError, match="Is a directory"):
        load_document(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(TemplateError, match="UTF-8"):
        load_document(tmp_path / "latin.yaml")


def test_a_resource_is_found_by_line(tmp_path: Path) -> None:
    """The line of a resource is that in its section, not that of a parameter of the same name."""
    path = tmp_path / "template.yaml"
    path.write_text("Parameters:\n  Orders: {}\nResources:\n  Other: {}\n  Orders:\n    Type: X\n")
    assert load_document(path).where("Orders") == f"{path}:5 (Orders)"
    assert load_document(path).where("Missing") == f"{path} (Missing)"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_json_is_read_as_json(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    """Any JSON document comes back as its value."""
    path = tmp_path_factory.mktemp("json") / "template.json"
    path.write_text(json.dumps({"a": value}))
    assert load_document(path).data == {"a": value}


@given(st.text(max_size=200))
def test_no_text_escapes_as_another_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever a file holds, it is read or refused as a template."""
    path = tmp_path_factory.mktemp("any") / "template.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        place = str(load_document(path).path)
    except TemplateError as error:
        place = error.where
    assert str(path) in place
