"""With pytest's own options, with xdist, and with the plugins that others use."""

import json
import re
import sys
from xml.etree import ElementTree as ET

import pytest

from tests.plugin.conftest import GOOD, RECORDED, Project, node_id


def run_with(project: Project, plugins: list[str], *arguments: str) -> pytest.RunResult:
    """Run pytest in a process of its own, with these plugins beside ours."""
    named = [part for plugin in plugins for part in ("-p", plugin)]
    return project.pytester.runpytest_subprocess("-p", "event_replay", *named, *arguments)


def test_xdist_runs_each_fixture_once(project: Project) -> None:
    """Two workers share the fixtures, none runs twice, and the end of the run counts them all."""
    project.configure('testpaths = ["tests"]')
    project.write("tests/test_mine.py", "def test_mine():\n    pass\n")
    references = [project.fixture(f"m-{number}", wants="reproduces", failure=RECORDED) for number in range(6)]
    result = run_with(project, ["xdist"], "-n2", "-v")
    result.assert_outcomes(passed=1, xfailed=6)
    for reference in references:
        assert len(re.findall(rf"XFAIL.*{re.escape(node_id(reference))}", result.stdout.str())) == 1
    result.stdout.fnmatch_lines(["replay: 6 reproduced"])


def test_xdist_tells_a_failure_as_one_process_does(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's failure has its report and its one line of summary, also on a CI server."""
    monkeypatch.setenv("CI", "1")
    reference = project.fixture(wants="succeeds", failure=RECORDED)
    result = run_with(project, ["xdist"], "-n1")
    shown = result.stdout.str()
    assert shown.count("expected   succeeds") == 1
    assert f"\nFAILED {node_id(reference)} - reproduced: the bug is back: KeyError: 'customer_id'" in shown


def test_xdist_pins_whole_files(project: Project) -> None:
    """First failures pinned by two workers at once leave every fixture whole and pinned."""
    references = [project.fixture(f"m-{number}") for number in range(12)]
    result = run_with(project, ["xdist"], "-n2")
    result.assert_outcomes(xfailed=12)
    result.stdout.fnmatch_lines(["replay: 12 first failures pinned in fixtures/: commit the change"])
    for reference in references:
        assert project.store.validate(reference) == []
        assert project.store.load(reference).expectation.wants == "reproduces"
    assert [path.name for path in (project.root / "fixtures").glob(".tmp*")] == []


def test_xdist_leaves_out_what_is_ignored(project: Project) -> None:
    """What `collect_ignore` leaves out is left out by workers too."""
    project.configure('testpaths = ["tests"]')
    project.write("conftest.py", 'collect_ignore = ["fixtures"]\n')
    project.write("tests/test_mine.py", "def test_mine():\n    pass\n")
    project.fixture()
    run_with(project, ["xdist"], "-n1").assert_outcomes(passed=1)


def test_x_stops_at_the_first_red_fixture(project: Project) -> None:
    """`-x` stops at the first red fixture; a known bug is none."""
    project.fixture("m-1", wants="reproduces", failure=RECORDED, title="a")
    project.fixture("m-2", wants="succeeds", title="b")
    project.fixture("m-3", GOOD, wants="succeeds", title="c")
    project.run("-x").assert_outcomes(xfailed=1, failed=1)


def test_lf_runs_the_last_failures(project: Project) -> None:
    """`--lf` runs the red fixtures of the last run only."""
    bad = project.fixture("m-1", wants="succeeds")
    project.fixture("m-2", GOOD, wants="succeeds")
    project.run().assert_outcomes(passed=1, failed=1)
    assert project.ids("--lf") == [node_id(bad)]
    project.run("--lf").assert_outcomes(failed=1)


@pytest.mark.parametrize(
    "option", ["--ff", "--nf", "--sw", "--setup-plan", "--import-mode=importlib", "-s", "--durations=3"]
)
def test_other_options_work(project: Project, option: str) -> None:
    """Options that order, select or watch tests take our items as they take others."""
    project.fixture("m-1", GOOD, wants="succeeds")
    project.write("tests/test_mine.py", "def test_mine():\n    pass\n")
    result = project.run(option)
    assert result.ret == 0
    if option != "--setup-plan":
        result.assert_outcomes(passed=2)


def test_without_the_cache(project: Project) -> None:
    """`-p no:cacheprovider` works."""
    project.fixture(GOOD["order_id"], GOOD, wants="succeeds")
    project.run("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_deselect(project: Project) -> None:
    """`--deselect` with the printed id leaves a fixture out."""
    first, second = project.fixture("m-1"), project.fixture("m-2")
    assert project.ids("--deselect", node_id(first)) == [node_id(second)]


def test_junit(project: Project) -> None:
    """The JUnit file has one case a fixture, with its verdict, a short message and the whole report."""
    project.fixture("m-1", wants="succeeds", failure=RECORDED, title="back")
    project.fixture("m-2", wants="reproduces", failure=RECORDED, title="known")
    project.run("--junitxml=out.xml")
    cases = {case.get("name"): case for case in ET.parse(project.root / "out.xml").iter("testcase")}
    back, known = (next(case for name, case in cases.items() if word in name) for word in ("back", "known"))
    assert back.get("classname") == "fixtures.orders"
    assert back.find("failure").get("message").startswith("reproduced: the bug is back")
    assert "\n" not in back.find("failure").get("message")
    assert "\npayload\n" in back.find("failure").text
    assert known.find("skipped").get("type") == "pytest.xfail"
    for case in (back, known):
        assert {each.get("name"): each.get("value") for each in case.iter("property")} == {
            "replay_fixture": f"orders/{case.get('name').removeprefix('replay[').removesuffix(']')}",
            "replay_verdict": "reproduced",
        }


def test_pdb_gets_the_handlers_own_exception(project: Project) -> None:
    """With `--pdb` the exception that interactive plugins are given is the handler's own, ending in its code."""
    project.fixture(wants="succeeds", failure=RECORDED)
    project.write(
        "conftest.py",
        """
        def pytest_exception_interact(node, call, report):
            trace = call.excinfo.traceback[-1]
            print("INTERACT", call.excinfo.typename, trace.path.name, trace.name, trace.frame.f_locals["order"])
        """,
    )
    project.write(
        "quit.py",
        """
        class Quits:
            quitting, curindex, stack = False, 0, []

            def __init__(self, *_, **__): ...
            def reset(self): ...
            def interaction(self, *_): ...
            def get_stack(self, *_): return [], 0
        """,
    )
    project.configure('pythonpath = ["."]')
    result = project.run("-s", "--pdb", "--pdbcls=quit:Quits")
    result.stdout.fnmatch_lines(["*INTERACT KeyError app.py handler {'order_id': 'o-1', 'customerid': 'c-1'}"])
    result.stdout.fnmatch_lines(["expected   succeeds"])


@pytest.mark.parametrize("options", [(), ("-s",)])
def test_pdb_stops_in_the_handler(project: Project, options: tuple[str, ...]) -> None:
    """`pytest --pdb` as a developer types it stops at the line of the handler that raised, with its variables there."""
    project.fixture(wants="succeeds", failure=RECORDED)
    typed = b"p 'I SEE', order['order_id']\nquit\n"
    command = (sys.executable, "-m", "pytest", "-p", "event_replay", "--pdb", *options)
    result = project.pytester.run(*command, stdin=typed, timeout=60)
    result.stdout.fnmatch_lines(
        [
            "> *app.py(8)handler()",
            '-> return {"customer": order["customer_id"]}',
            "(Pdb) ('I SEE', 'o-1')",
        ]
    )


def test_it_can_be_switched_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-p no:event_replay` leaves a project as if we were not installed."""
    project.fixture()
    project.write("tests/test_mine.py", "def test_mine():\n    pass\n")
    result = project.pytester.runpytest_subprocess("-p", "no:event_replay", "-v")
    result.assert_outcomes(passed=1)
    assert "replay[" not in result.stdout.str()


def test_beside_pytest_replay(project: Project) -> None:
    """pytest-replay, which owns the plugin name `replay`, records and replays runs that hold our items."""
    reference = project.fixture(GOOD["order_id"], GOOD, wants="succeeds")
    project.write("tests/test_mine.py", "def test_mine():\n    pass\n")
    result = run_with(project, ["replay"], "--replay-record-dir=tapes", "--replay-red", "--trace-config")
    result.assert_outcomes(passed=2)
    assert re.search(r"^ +replay +: .*pytest_replay", result.stdout.str(), re.MULTILINE)
    assert re.search(r"^ +event_replay +: .*pytest_plugin", result.stdout.str(), re.MULTILINE)
    (tape,) = (project.root / "tapes").glob("*.txt")
    recorded = [json.loads(line)["nodeid"] for line in tape.read_text().splitlines() if "nodeid" in line]
    assert node_id(reference) in recorded
    run_with(project, ["replay"], f"--replay={tape}").assert_outcomes(passed=2)


def test_beside_pytest_recording(project: Project) -> None:
    """pytest-recording's `vcr` marker, `--record-mode` and `--block-network` work beside ours."""
    project.fixture(GOOD["order_id"], GOOD, wants="succeeds")
    project.write(
        "tests/test_mine.py",
        """
        import pytest

        @pytest.mark.vcr
        @pytest.mark.block_network
        @pytest.mark.replay("orders")
        def test_mine(replay, vcr):
            assert replay().status == "succeeded"
        """,
    )
    run_with(project, ["recording"], "--record-mode=none", "--block-network").assert_outcomes(passed=2)


def test_with_every_installed_plugin(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours is found by its entry point and runs among all plugins of the development environment."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    project.fixture(GOOD["order_id"], GOOD, wants="succeeds")
    result = project.pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["plugins: *event-replay-*"])


def test_the_help_explains_itself(project: Project) -> None:
    """`--help`, `--markers` and `--fixtures` name what we add."""
    assert {"--replay-red", "--replay-cold", "--replay-no-pin", "--replay-target=NAME", "--replay-yes"} <= set(
        project.run("--help").stdout.str().split()
    )
    project.run("--markers").stdout.fnmatch_lines(["@pytest.mark.replay(?patterns*): run the test once for each *"])
    project.run("--fixtures").stdout.fnmatch_lines(["replay -- *"])
