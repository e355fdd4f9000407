"""Which fixtures become test items, and what of other people's files is left alone."""

import pytest

from tests.plugin.conftest import GOOD, Project, node_id

MINE = "def test_mine():\n    assert True\n"


def test_each_fixture_is_an_item(project: Project) -> None:
    """Without any test written, each fixture of each function is one test item with a name of its own."""
    references = [project.fixture("m-1"), project.fixture("m-2"), project.fixture("m-1", function="billing")]
    assert sorted(project.ids()) == sorted(map(node_id, references))


@pytest.mark.parametrize("keyword", ["replay", "replay and orders", "orders/poison", "poison"])
def test_k_replay_selects_fixtures_and_nothing_else(project: Project, keyword: str) -> None:
    """`-k replay` selects the fixtures among all tests; the function's and the fixture's name select too."""
    reference = project.fixture()
    project.write("tests/test_mine.py", MINE)
    assert project.ids("-k", keyword) == [node_id(reference)]


def test_k_selects_by_function_and_id(project: Project) -> None:
    """The name of a function and the id of a fixture narrow a run down to them."""
    orders, billing = project.fixture("m-1"), project.fixture("m-2", function="billing")
    assert project.ids("-k", "billing") == [node_id(billing)]
    assert project.ids("-k", orders.id) == [node_id(orders)]


def test_m_replay_selects_fixtures(project: Project) -> None:
    """Items carry the marker `replay`, so that `-m` selects them, or leaves them out, as with any tests."""
    reference = project.fixture()
    project.write("tests/test_mine.py", MINE)
    assert project.ids("-m", "replay") == [node_id(reference)]
    assert project.ids("-m", "not replay") == ["tests/test_mine.py::test_mine"]


@pytest.mark.parametrize("options", ["", 'testpaths = ["tests"]', 'testpaths = ["tests", "."]', 'testpaths = ["t*"]'])
def test_collected_once_without_a_path(project: Project, options: str) -> None:
    """Without a path the fixtures are collected once, whatever `testpaths` says."""
    project.configure(options)
    reference = project.fixture()
    project.write("tests/test_mine.py", MINE)
    assert sorted(project.ids()) == [node_id(reference), "tests/test_mine.py::test_mine"]


@pytest.mark.parametrize("options", ["", 'testpaths = ["tests"]'])
def test_collected_from_a_folder_below(project: Project, options: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path the fixtures are collected also from another folder of the project."""
    project.configure(options)
    reference = project.fixture()
    project.write("tests/test_mine.py", MINE)
    monkeypatch.chdir(project.root / "tests")
    assert sorted(each.removeprefix("../") for each in project.ids()) == [
        node_id(reference),
        "tests/test_mine.py::test_mine",
    ]


@pytest.mark.parametrize("path", [".", "fixtures", "fixtures/", "fixtures/orders", "./fixtures/../fixtures/orders"])
def test_collected_for_a_path_that_covers_the_folder(project: Project, path: str) -> None:
    """A path that covers the folder of fixtures, or lies in it, collects the fixtures below."""
    reference = project.fixture()
    assert project.ids(path) == [node_id(reference)]


def test_one_fixture_by_its_node_id_or_folder(project: Project) -> None:
    """The node id that pytest prints, and the folder of a fixture, collect that fixture alone."""
    reference = project.fixture("m-1")
    project.fixture("m-2")
    assert project.ids(node_id(reference)) == [node_id(reference)]
    assert project.ids(f"fixtures/orders/{reference.name}") == [node_id(reference)]


def test_not_collected_for_another_path(project: Project) -> None:
    """Who asks for other tests gets those only."""
    project.fixture()
    project.write("tests/test_mine.py", MINE)
    assert project.ids("tests") == ["tests/test_mine.py::test_mine"]


def test_a_configured_folder(project: Project) -> None:
    """`[tool.replay] fixtures` moves the folder, and no other one is looked at."""
    reference = project.fixture()
    (project.root / "fixtures").rename(project.root / "captured")
    project.write("pyproject.toml", '[tool.pytest.ini_options]\n[tool.replay]\nfixtures = "./x/../captured"\n')
    assert project.ids() == [f"captured/orders::replay[{reference.name}]"]


def test_the_configuration_above_counts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service with a `pytest.ini` of its own uses the configuration and fixtures of the repository around it."""
    reference = project.fixture()
    project.write("service/pytest.ini", "[pytest]\n")
    project.write("service/test_mine.py", MINE)
    monkeypatch.chdir(project.root / "service")
    result = project.run()
    result.assert_outcomes(passed=1, xfailed=1)
    assert reference.name in project.run("--collect-only", "-q").stdout.str()


def test_a_broken_configuration_is_told_without_a_traceback(project: Project) -> None:
    """What is wrong in `[tool.replay]` is one message and pytest's exit code for wrong usage."""
    project.fixture()
    project.write("pyproject.toml", '[tool.replay]\nfixture = "fixtures"\n')
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: event-replay: unknown key 'fixture'", "*did you mean 'fixtures'?"])
    assert "Traceback" not in result.stderr.str()


def test_fixtures_of_others_are_left_alone(project: Project) -> None:
    """A folder `fixtures` that has nothing to do with us keeps its tests, and nothing is added."""
    project.configure(functions="")
    project.write("fixtures/orders/test_theirs.py", MINE)
    project.write("fixtures/orders/some--thing/data.json", "{}")
    project.write("fixtures/test_top.py", MINE)
    result = project.run("-v")
    result.assert_outcomes(passed=2)
    assert "replay:" not in result.stdout.str()
    project.configure('testpaths = ["tests"]', functions="")
    project.write("tests/test_mine.py", MINE)
    assert project.ids() == ["tests/test_mine.py::test_mine"]


def test_tests_beside_fixtures_are_collected(project: Project) -> None:
    """Tests that lie in a function's folder, or a folder in it, run as they did before there were fixtures."""
    reference = project.fixture()
    project.write("fixtures/orders/test_beside.py", MINE)
    project.write("fixtures/orders/more/test_below.py", MINE)
    project.write("fixtures/orders/node_modules/test_never.py", "raise SystemExit\n")
    assert sorted(project.ids()) == sorted(
        [
            node_id(reference),
            "fixtures/orders/test_beside.py::test_mine",
            "fixtures/orders/more/test_below.py::test_mine",
        ]
    )


@pytest.mark.parametrize(
    ("options", "conftest", "arguments"),
    [
        ('norecursedirs = ["fixtures"]', "", []),
        ('norecursedirs = ["fixtures"]\ntestpaths = ["tests"]', "", []),
        ("", 'collect_ignore = ["fixtures"]', []),
        ('testpaths = ["tests"]', 'collect_ignore = ["fixtures"]', []),
        ('testpaths = ["tests"]', 'collect_ignore_glob = ["fix*"]', []),
        ('testpaths = ["tests"]', "", ["--ignore=fixtures"]),
    ],
)
def test_what_is_ignored_stays_ignored(project: Project, options: str, conftest: str, arguments: list[str]) -> None:
    """`norecursedirs`, `collect_ignore` and `--ignore` leave the fixtures out, with `testpaths` too."""
    project.configure(options)
    project.fixture()
    project.write("conftest.py", conftest)
    project.write("tests/test_mine.py", MINE)
    assert project.ids(*arguments) == ["tests/test_mine.py::test_mine"]


def test_an_ignored_folder_that_is_asked_for(project: Project) -> None:
    """As with any tests, a path that is asked for is collected although it is left out otherwise."""
    project.configure('norecursedirs = ["fixtures"]')
    reference = project.fixture()
    assert project.ids("fixtures") == [node_id(reference)]


def test_a_conftest_among_the_fixtures(project: Project) -> None:
    """A `conftest.py` in the folder of fixtures works: its hooks see the items and may mark them."""
    project.fixture("m-1", GOOD, wants="succeeds")
    project.fixture("m-2", GOOD, wants="succeeds", title="slow")
    project.write(
        "fixtures/conftest.py",
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if "slow" in item.name:
                    item.add_marker(pytest.mark.skip(reason="too slow"))
        """,
    )
    project.run("-rs").assert_outcomes(passed=1, skipped=1)


def test_ids_hold_no_payload(project: Project) -> None:
    """Test ids, which end in logs and caches of CI servers, are made of the fixture's name alone."""
    project.fixture(body={"token": "s3cr3t-in-payload"})
    assert "s3cr3t" not in project.run("--collect-only", "-v").stdout.str()


def test_unfinished_and_foreign_folders_are_no_items(project: Project) -> None:
    """What a killed recording has left, and folders with other names, are no fixtures."""
    reference = project.fixture()
    for name in (".tmp-1-2-3", "orders/notes", "orders/no--id"):
        (project.root / "fixtures" / name).mkdir()
    assert project.ids() == [node_id(reference)]


@pytest.mark.parametrize("below", [".", "src", "src/deep"])
def test_the_root_is_that_of_the_command_line(project: Project, below: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any pyproject.toml pytest takes the working folder for its root; ours is still where the fixtures are."""
    monkeypatch.setenv("HOME", str(project.root.parent))
    (project.root / "pyproject.toml").unlink()
    reference = project.fixture()
    (project.root / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(project.root / below)
    assert [each.removeprefix("../").removeprefix("../") for each in project.ids()] == [node_id(reference)]


def test_a_wider_root_of_pytest_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a pytest.ini that many projects share, the project of the working folder is replayed, as `replay run` does."""
    monkeypatch.setenv("HOME", str(project.root.parent))
    reference = project.fixture()
    shop = project.root / "shop"
    shop.mkdir()
    for part in ("pyproject.toml", "src", "fixtures"):
        (project.root / part).rename(shop / part)
    (shop / "pyproject.toml").write_text(
        '[tool.replay.functions]\norders = { handler = "app.handler", code = "src" }\n'
    )
    project.write("pytest.ini", "[pytest]\n")
    monkeypatch.chdir(shop)
    assert [each.removeprefix("shop/") for each in project.ids()] == [node_id(reference)]
