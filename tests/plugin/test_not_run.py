"""At its end a run of all tests says which fixtures none of them has replayed, and notes those that were."""

import pytest

from replay.fixtures.packing import pack
from replay.fixtures.run_notes import read_run_notes
from tests.plugin.conftest import GOOD, Project, node_id
from tests.plugin.test_together import run_with

LEFT_OUT = """
def pytest_ignore_collect(collection_path, config):
    return True if collection_path.name == "billing" else None
"""
TOLD = "*replay: no test has replayed 1 of 2 fixtures: billing/poison--*"
NOT_TOLD = "*no test has replayed*"


@pytest.fixture
def two(project: Project) -> Project:
    """A project of two fixtures, of which one belongs to a function whose folder is left out."""
    project.fixture("m-1", GOOD, wants="succeeds")
    project.fixture("m-2", GOOD, wants="succeeds", function="billing")
    project.write("conftest.py", LEFT_OUT)
    return project


def test_a_run_of_all_tests_tells(two: Project) -> None:
    """A fixture that no test has replayed is named at the end, and the run passes all the same."""
    result = two.run()
    result.stdout.fnmatch_lines([TOLD])
    assert result.ret == 0


def test_xdist_tells_it_too(two: Project) -> None:
    """The process that prints knows from its workers what was replayed."""
    result = run_with(two, ["xdist"], "-n2")
    result.stdout.fnmatch_lines([TOLD])
    assert len(read_run_notes(two.root).last_run) == 1


@pytest.mark.parametrize(
    "arguments", [("-k", "replay"), ("-m", "replay"), ("fixtures/orders",), ("--lf",), ("--maxfail=1",)], ids=str
)
def test_who_asks_for_some_tests_is_told_nothing(two: Project, arguments: tuple[str, ...]) -> None:
    """A part of the tests replays a part of the fixtures: that is no news."""
    two.fixture("m-3", {}, wants="succeeds")
    result = two.run(*arguments)
    result.stdout.fnmatch_lines(["replay: *"])
    result.stdout.no_fnmatch_line(NOT_TOLD)


def test_where_all_were_replayed_nothing_is_told(project: Project) -> None:
    """By items, and by tests that people write; also those in packs."""
    project.fixture("m-1", GOOD, wants="succeeds")
    project.fixture("m-2", GOOD, wants="succeeds", function="billing")
    list(pack(project.store, project.store.references(["billing"])))
    project.configure(
        functions='orders = { handler = "app.handler", code = "src" }\nbilling = { handler = "app.handler", code = "src" }'
    )
    project.write(
        "tests/test_mine.py",
        """
        import pytest

        @pytest.mark.replay("billing/*")
        def test_billing(replay):
            assert replay().status == "succeeded"
        """,
    )
    project.write("conftest.py", LEFT_OUT)
    result = project.run()
    assert result.ret == 0
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line(NOT_TOLD)
    assert {name.partition("/")[0] for name in read_run_notes(project.root).last_run} == {"orders", "billing"}


def test_who_writes_nothing_notes_nothing(two: Project) -> None:
    """With --replay-no-pin the project stays as it is."""
    two.run("--replay-no-pin").stdout.fnmatch_lines([TOLD])
    assert not (two.root / ".replay").exists()


def test_packed_fixtures_are_items(project: Project) -> None:
    """A fixture in a pack has the same id, result and pin as in a folder; a broken pack is an item that fails."""
    reference = project.fixture("m-1")
    assert project.run().ret == 0
    list(pack(project.store, [reference]))
    assert project.ids() == [node_id(reference)]
    assert project.run(node_id(reference)).ret == 0
    other = project.fixture("m-2")
    project.run().stdout.fnmatch_lines(["replay: 2 reproduced", "replay: 1 first failure pinned*"])
    assert project.store.load(other).expectation.wants == "reproduces"
    (project.root / "fixtures" / "orders" / "broken.jsonl.zst").write_bytes(b"no pack")
    result = project.run()
    result.stdout.fnmatch_lines(["*replay orders/broken.jsonl.zst*", "a pack cannot be read wholly: *"])
    result.assert_outcomes(xfailed=2, failed=1)


def test_json_lines_of_others_make_no_item(project: Project) -> None:
    """A file of somebody else's data that is called as a pack is makes no folder one of fixtures."""
    project.write("tests/test_mine.py", "def test_mine():\n    pass\n")
    project.write("fixtures/data/train.jsonl.zst", "whatever")
    assert project.ids() == ["tests/test_mine.py::test_mine"]
