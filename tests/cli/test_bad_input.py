"""Each mistake of a user is one clear message with what to do next, exit code 2, and nothing half-written."""

import errno
import io
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from tests.cli.aws_stub import refusing_endpoint
from tests.cli.command_line import RUNTIME, CommandLine, Result

FAILING = "def handler(event, context):\n    return event['customer_id']\n"
RECORD = ("record", "files", "--path", "events.jsonl", "--function", "f")
RECORD_SQS = ("record", "sqs", "--queue", "orders-dlq", "--function", "f")


def refused(result: Result, *words: str) -> None:
    """See that there is one message, that it says *words* and what to do, and that nothing is on stdout."""
    assert result.exit_code == 2, result
    assert result.stdout == ""
    assert result.stderr.count("error: ") == 1
    assert "do now:" in result.stderr or "expected:" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    for each in words:
        assert each in result.stderr


def not_run(result: Result, *words: str) -> None:
    """See that the run ended with 2, and that its report says *words*."""
    assert result.exit_code == 2, result
    assert "could not run" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    for each in words:
        assert each in result.stdout


@pytest.fixture
def recorded(replay_: CommandLine, project: Callable[..., Path]) -> Path:
    """Give a project with two fixtures of `f`."""
    folder = project(FAILING, {"order": 1}, {"order": 2})
    assert replay_(*RECORD).exit_code == 0
    return folder


def the_fixture(folder: Path) -> Path:
    return min(folder.glob("fixtures/f/*--*"))


class TestCommandsAndOptions:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("rnu",), ["no command 'rnu'", "did you mean `replay run`?"]),
            (("record", "sq"), ["no source 'sq'", "did you mean `replay record sqs`?"]),
            (("record", "poison"), ["no source 'poison'", "[tool.replay.sources.poison]", "pyproject.toml"]),
            (
                ("record", "files", "nosuch.json", "--function", "f"),
                ["where:    nosuch.json", "given by itself or with"],
            ),
            (("show", "abc"), ["no fixture matches 'abc'", "4 digits of an id are needed"]),
            (("record", "files", "--path", "events.jsonl"), ["which function", "--function NAME"]),
            (("record", "sqs", "--function", "f"), ["--queue", "replay record sqs --help"]),
            ((*RECORD, "--limit", "0"), ["--limit", "0 is not in the range"]),
            ((*RECORD, "--since", "yesterdayish"), ["no moment", "yesterdayish", "2h"]),
            ((*RECORD, "--where", "{"), ["Event pattern is not valid"]),
            ((*RECORD, "--where", '{"body": "x"}'), ["Event pattern is not valid"]),
            (("record", "files", "--path", "nosuch.json", "--function", "f"), ["no such file", "nosuch.json"]),
            (("record", "files", "--path", "app.py", "--function", "f"), ["app.py"]),
            (("record", "files", "--path", "events.jsonl", "--function", "../up"), ["'../up'", "letters"]),
            (("run", "--target", "locl"), ["no target 'locl'", "did you mean 'local'?"]),
            (("run", "--repeat", "0"), ["--repeat must be at least 1"]),
            (("run", "--no-such-option"), ["--no-such-option", "replay run --help"]),
            (("run", "--where", '{"order": [99]}'), ["no fixture has an event that matches", "--where"]),
            (("run", "nosuch"), ["no fixture matches 'nosuch'", "replay list"]),
            (("run", "ffffffff"), ["no fixture matches 'ffffffff'"]),
            (("list", "g"), ["no fixture matches 'g'"]),
            (("show", "f"), ["names 2 fixtures", "one fixture"]),
            (("show",), ["Missing argument", "replay show --help"]),
            (("expect", "succeeds"), ["say which fixtures"]),
            (("expect", "*"), ["say what is expected", "`replay expect '*' succeeds`"]),
            (("expect", "f", "suceeds"), ["reproduces, succeeds, now"]),
            (("expect", "nosuch", "succeeds"), ["no fixture matches 'nosuch'"]),
        ],
    )
    def test_a_mistake_is_told(
        self, arguments: tuple[str, ...], words: list[str], recorded: Path, replay_: CommandLine
    ) -> None:
        """Wrong names and values are told with the nearest right ones, or with where to look."""
        before = sorted(recorded.rglob("*"))
        refused(replay_(*arguments), *words)
        assert sorted(recorded.rglob("*")) == before

    def test_a_misspelt_fixture_is_recognised(self, recorded: Path, replay_: CommandLine) -> None:
        """A name that is nearly right is answered with the right one."""
        name = the_fixture(recorded).name
        refused(replay_("show", f"f/{name[:-1]}"), f"did you mean f/{name}")

    def test_an_ambiguous_id_lists_what_it_could_mean(self, recorded: Path, replay_: CommandLine) -> None:
        """Four digits are enough only where one id begins so."""
        first = the_fixture(recorded)
        for end in ("0", "1"):
            first.with_name(f"events--abcd000{end}").mkdir()
        refused(replay_("show", "abcd"), "too short", "abcd0000, abcd0001")

    def test_without_arguments_there_is_help(self, replay_: CommandLine) -> None:
        """`replay` and `replay record` alone show what they could do."""
        for arguments in ((), ("record",)):
            result = replay_(*arguments)
            assert result.exit_code == 2
            assert result.stderr.startswith("Usage: replay")


class TestConfiguration:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("[tool.replay", ["not valid TOML", "pyproject.toml"]),
            ("[tool]\nreplay = 1\n", ["not a table", "[tool.replay]"]),
            ('[tool.replay]\nfixturs = "x"\n', ["unknown key 'fixturs'", "did you mean 'fixtures'?"]),
            ("[tool.replay]\nfixtures = 5\n", ["fixtures = 5", '"a path"']),
            ("[tool.replay.functions.f]\ntimeout = 5\n", ["unknown key 'timeout'", "did you mean 'timeout_s'?"]),
            ('[tool.replay.functions.f]\ntimeout_s = "5"\n', ["timeout_s = '5'", "a number"]),
        ],
    )
    def test_a_bad_section_is_told(self, content: str, words: list[str], recorded: Path, replay_: CommandLine) -> None:
        """Unknown keys and wrong types name the file, the section, the key and the nearest right one."""
        (recorded / "pyproject.toml").write_text(content)
        for command in (("run",), ("list",), RECORD):
            refused(replay_(*command), *words)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ('kind = "sqz"\n', ["no source 'sqz'", 'did you mean kind = "sqs"?']),
            ('kind = "sqs"\nfunction = "f"\nqueu = "x"\n', ["unknown key 'queu'", "did you mean 'queue'?"]),
            ('kind = "sqs"\nfunction = "f"\nqueue = 5\n', ["queue = 5", '"text"']),
            ('kind = "sqs"\nqueue = "x"\nfunction = 5\n', ["which function", "[tool.replay.sources.dlq]"]),
        ],
    )
    def test_a_bad_named_source_is_told(
        self, content: str, words: list[str], recorded: Path, replay_: CommandLine
    ) -> None:
        """The options of a source in the configuration are checked like those of the command line."""
        (recorded / "pyproject.toml").write_text(f"[tool.replay.sources.dlq]\n{content}")
        refused(replay_("record", "dlq"), *words)

    def test_a_named_source_records(self, recorded: Path, replay_: CommandLine) -> None:
        """A source with its settings in the configuration needs no option, and the command line wins over it."""
        (recorded / "pyproject.toml").write_text(
            '[tool.replay.sources.saved]\nkind = "files"\npath = ["events.jsonl"]\nfunction = "g"\n'
        )
        assert replay_("record", "saved", "--json").documents[-1]["written"] == 2
        assert replay_("record", "saved", "--function", "h", "--json").documents[0]["function"] == "h"

    def test_paths_of_a_named_source_are_seen_from_the_root(
        self, recorded: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From any folder of the project the configured files are found; a path that is typed is seen from where we are."""
        (recorded / "pyproject.toml").write_text(
            '[tool.replay.sources.saved]\nkind = "files"\npath = ["events.jsonl"]\nfunction = "g"\n'
            '[tool.replay.sources.piped]\nkind = "files"\npath = ["-"]\nfunction = "p"\n'
        )
        (recorded / "inner").mkdir()
        monkeypatch.chdir(recorded / "inner")
        assert replay_("record", "saved", "--json").documents[-1]["written"] == 2
        refused(replay_(*RECORD), "there is no such file or folder", "events.jsonl")
        assert replay_(*RECORD[:2], "--path", "../events.jsonl", "--function", "h", "--json").exit_code == 0
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"order": 3}')))
        assert replay_("record", "piped", "--json").documents[-1]["written"] == 1


class TestFunctions:
    @pytest.mark.parametrize(
        ("handler", "words"),
        [
            ("app", ["'app'"]),
            ("nosuch.handler", ["nosuch.py", "correct `handler`"]),
            ("app.nosuch", ["nosuch"]),
        ],
    )
    def test_a_handler_that_is_not_there(
        self, handler: str, words: list[str], recorded: Path, replay_: CommandLine
    ) -> None:
        """A handler that cannot be found is our user's configuration, not a failure of the function."""
        (recorded / "pyproject.toml").write_text(
            f'[tool.replay.functions.f]\nhandler = "{handler}"\nruntime = "{RUNTIME}"\n'
        )
        not_run(replay_("run"), *words)

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("import nosuchlibrary\n", ["needs 'nosuchlibrary', which is not installed here", "install"]),
            ("1 / 0\n", ["cannot be imported: ZeroDivisionError", "app.py:1"]),
            ("def (\n", ["cannot be imported", "Syntax error"]),
        ],
    )
    def test_a_handler_that_cannot_be_imported(
        self, source: str, words: list[str], recorded: Path, replay_: CommandLine
    ) -> None:
        """A module that is missing here, and code that cannot run at all, are told apart from a failing event."""
        (recorded / "app.py").write_text(source + FAILING)
        not_run(replay_("run"), *words)

    def test_no_function_is_known(self, recorded: Path, replay_: CommandLine) -> None:
        """Without configuration and template, it is said where was searched and what to write; and once only."""
        (recorded / "pyproject.toml").write_text("")
        result = replay_("run")
        not_run(result, "there is no function 'f'", "[tool.replay.functions.f]", "2 could not run")
        for place in (str(recorded), "template.yaml", "serverless.yml", "cdk.out/*.template.json"):
            assert place in result.stdout
        assert result.stdout.count("there is no function") == 1
        assert replay_("run", "--json").stderr.count("there is no function") == 1

    @pytest.mark.parametrize(
        ("template", "words"),
        [
            ("{[", ["not valid YAML", "template.yaml"]),
            ("Resources: {}", ["no function 'f'"]),
            ("Resources: 5", ["template.yaml"]),
            (None, ["cannot be read", "template.yaml"]),
        ],
    )
    def test_a_template_that_cannot_be_used(
        self, template: str | None, words: list[str], recorded: Path, replay_: CommandLine
    ) -> None:
        """Malformed, without the function, or not there at all."""
        (recorded / "pyproject.toml").write_text('[tool.replay]\ntemplate = "template.yaml"\n')
        if template is not None:
            (recorded / "template.yaml").write_text(template)
        not_run(replay_("run"), *words)

    def test_an_unknown_function_can_be_recorded_for(self, recorded: Path, replay_: CommandLine) -> None:
        """Recording does not need the code; what is missing for a replay is a note."""
        result = replay_("record", "files", "--path", "events.jsonl", "--function", "elsewhere")
        assert result.exit_code == 0
        assert "note: these fixtures cannot be replayed here yet: there is no function 'elsewhere'" in result.stderr
        assert "next:" not in result.stderr
        assert "next: replay run f" in replay_(*RECORD, "--out", "others").stderr


class TestFixtures:
    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("fixture.json", "{", ["not JSON"]),
            ("fixture.json", "[]", ["not a JSON object"]),
            ("fixture.json", '{"format_version": 99}', ["99"]),
            ("fixture.json", None, ["fixture.json"]),
            ("event.json", None, ["event.json"]),
        ],
    )
    def test_a_fixture_that_cannot_be_read(
        self, name: str, content: str | None, words: list[str], recorded: Path, replay_: CommandLine
    ) -> None:
        """It is told and kept as it is; the other one is listed and replayed all the same."""
        file = the_fixture(recorded) / name
        file.unlink()
        if content is not None:
            file.write_text(content)
        listed = replay_("list", "--json")
        assert listed.exit_code == 2
        assert listed.documents[-1] == {"type": "summary", "total": 2, "unreadable": 1}
        assert all(word in listed.stderr for word in words)
        assert "failure not known yet" in replay_("list").stdout
        ran = replay_("run", "--json")
        assert ran.exit_code == 2
        assert ran.documents[-1]["verdicts"] == {"error": 1, "reproduced": 1}
        refused(replay_("show", file.parent.name.rpartition("--")[2]))
        assert not file.exists() if content is None else file.read_text() == content

    def test_expect_changes_all_or_nothing(self, recorded: Path, replay_: CommandLine) -> None:
        """Where one fixture cannot be read, no other gets the new expectation."""
        broken = the_fixture(recorded) / "fixture.json"
        broken.write_text("{")
        refused(replay_("expect", "*", "succeeds"))
        assert [each.get("expects") for each in replay_("list", "--json").documents] == [None, "fails", None]

    def test_expect_reproduces_needs_a_failure(self, recorded: Path, replay_: CommandLine) -> None:
        """What does not fail here cannot be a known bug."""
        (recorded / "app.py").write_text("def handler(event, context):\n    return 1\n")
        refused(replay_("expect", "*", "reproduces"), "it does not fail here", "succeeds")
        assert {each.get("expects") for each in replay_("list", "--json").documents} == {"fails", None}

    def test_the_way_out_names_the_same_fixtures(self, recorded: Path, replay_: CommandLine) -> None:
        """What to do now works as it stands, also where the fixtures are elsewhere."""
        (recorded / "app.py").write_text("def handler(event, context):\n    return 1\n")
        (recorded / "fixtures").rename(recorded / "poison")
        answer = replay_("expect", "*", "reproduces", "--fixtures", "poison")
        command = answer.stderr.rpartition("replay expect ")[2].splitlines()[0]
        assert command.endswith("--fixtures poison")
        assert replay_("expect", *command.split()).exit_code == 0

    def test_there_is_no_folder(self, project: Callable[..., Path], replay_: CommandLine) -> None:
        """Before anything was recorded each command says how to begin."""
        project(FAILING)
        for command in (("run",), ("list",), ("show", "x"), ("expect", "x", "succeeds"), ("migrate",)):
            refused(replay_(*command), "there is no folder of fixtures", "replay record sqs")

    def test_a_file_stands_in_the_way_of_the_folder(self, project: Callable[..., Path], replay_: CommandLine) -> None:
        """Fixtures cannot be written into a file."""
        folder = project(FAILING, {"order": 1})
        (folder / "fixtures").write_text("mine")
        refused(replay_(*RECORD), "the folder of fixtures is a file", str(folder / "fixtures"), "--out DIR")
        assert (folder / "fixtures").read_text() == "mine"

    @pytest.mark.parametrize("out", ["x" * 300, "new"])
    def test_a_folder_that_cannot_be_made_is_named(
        self, project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch, out: str
    ) -> None:
        """It is that folder which is wrong, not the fixture that was to be in it, and another one is the way out."""
        project(FAILING, {"order": 1})
        real = Path.mkdir

        def mkdir(path: Path, *arguments: Any, **named: Any) -> None:
            if path.name == "new":
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            real(path, *arguments, **named)

        monkeypatch.setattr(Path, "mkdir", mkdir)
        words = "no such file or directory" if out == "new" else "file name too long"
        told = replay_(*RECORD, "--out", out)
        refused(told, f"the folder of fixtures cannot be written: {words}", f"{out}\n", "--out DIR")
        assert "replay list" not in told.stderr

    def test_a_folder_that_is_not_ours_is_told_before_anything_is_leased(
        self, project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """AWS is not even asked where what it gives could not be written."""
        folder = project(FAILING)
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder)
        refused(
            replay_(*RECORD_SQS, "--endpoint-url", "http://127.0.0.1:9"), "permission denied", f"chmod u+wx {folder}"
        )
        assert not (folder / "fixtures").exists()

    @pytest.mark.parametrize(
        ("function", "hint"),
        [
            ("../x", "[tool.replay.functions]"),
            ("x" * 129, "at most 128"),
            ("arn:aws:lambda:eu-west-1:123456789012:function:shop-orders:live", "say its name alone: shop-orders"),
        ],
    )
    def test_a_function_that_can_be_no_folder_is_told_before_anything_is_leased(
        self, function: str, hint: str, project: Callable[..., Path], replay_: CommandLine
    ) -> None:
        """AWS is not even asked for what could not be written under that name."""
        folder = project(FAILING)
        result = replay_(*RECORD_SQS[:-1], function, "--endpoint-url", "http://127.0.0.1:9")
        refused(result, "cannot be the name of a folder of fixtures", hint)
        assert not (folder / "fixtures").exists()

    def test_a_read_only_file_system_is_told(
        self, project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There no permission helps, so none is advised."""
        folder = project(FAILING, {"order": 1})
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder)
        monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_RDONLY))
        result = replay_(*RECORD)
        refused(result, "its file system is read-only", "--out DIR")
        assert "chmod" not in result.stderr

    def test_another_folder_is_shown_without_detours(self, project: Callable[..., Path], replay_: CommandLine) -> None:
        """`--out ../x` is shown as the folder that it is."""
        folder = project(FAILING, {"order": 1})
        (folder / "inner").mkdir()
        assert replay_(*RECORD, "--out", "inner/../x").exit_code == 0
        result = replay_("list", "--fixtures", "inner/../y")
        refused(result, f"{folder.resolve() / 'y'}")

    def test_what_cannot_be_read_is_counted_as_not_recorded(
        self, project: Callable[..., Path], replay_: CommandLine
    ) -> None:
        """Unreadable lines of a file are problems as messages of a queue are, and the others are recorded."""
        folder = project(FAILING, {"order": 1})
        with (folder / "events.jsonl").open("a") as file:
            file.write("rubbish\n")
        result = replay_(*RECORD, "--json")
        summary = result.documents[-1]
        assert result.exit_code == 2
        assert (summary["seen"], summary["written"], summary["failed"]) == (2, 1, 1)
        assert "events.jsonl:2: not recorded: not JSON" in summary["problems"][0]
        assert "rubbish" not in result.stdout

    def test_nothing_recorded_is_not_said_to_be_free_of_secrets(
        self, project: Callable[..., Path], replay_: CommandLine
    ) -> None:
        """What nobody has looked into is not said to hold nothing to redact."""
        project(FAILING, {"order": 1})
        result = replay_(*RECORD, "--where", '{"order": [2]}')
        assert result.stdout == "1 event seen: 0 recorded, 1 not asked for\n"

    def test_a_refused_write_is_told(
        self, project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without the right to write, nothing is recorded, and the system's refusal is in the message."""
        project(FAILING, {"order": 1})
        monkeypatch.setattr(os, "write", failing_write(errno.EACCES, after=0))
        refused(replay_(*RECORD), "permission denied", "chmod")

    @pytest.mark.parametrize("after", [0, 1, 2, 3, 5])
    def test_the_disk_is_full(
        self, after: int, project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Wherever the space ends, what is there is whole, and nothing else is left."""
        folder = project(FAILING, {"order": 1}, {"order": 2}, {"order": 3})
        with monkeypatch.context() as full:
            full.setattr(os, "write", failing_write(errno.ENOSPC, after=after))
            refused(replay_(*RECORD), "no space left", "free some space")
        left = [path for path in folder.glob("fixtures/**/*") if ".tmp-" in path.name]
        assert left == []
        for fixture in folder.glob("fixtures/f/*"):
            assert json.loads((fixture / "event.json").read_bytes())
            assert json.loads((fixture / "fixture.json").read_bytes())["format_version"] == 1
        assert replay_(*RECORD, "--json").documents[-1]["failed"] == 0
        assert replay_("list", "--json").documents[-1]["total"] == 3

    def test_the_disk_is_full_when_a_failure_is_pinned(
        self, recorded: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A run that cannot note what it saw says so, and leaves the fixtures as they were."""
        before = {path: path.read_bytes() for path in recorded.glob("fixtures/**/*.json")}
        with monkeypatch.context() as full:
            full.setattr(os, "write", failing_write(errno.ENOSPC, after=0))
            not_run(replay_("run"), "no space left")
        assert {path: path.read_bytes() for path in recorded.glob("fixtures/**/*.json")} == before

    @pytest.mark.parametrize("place", ["app.py/x.xml", "."])
    def test_junit_cannot_be_written(self, place: str, recorded: Path, replay_: CommandLine) -> None:
        """It is said before anything is replayed."""
        refused(replay_("run", "--junit", place), "JUnit", place)
        assert replay_("list", "--json").documents[0]["expects"] == "fails"


def failing_write(code: int, *, after: int) -> Callable[..., int]:
    """Give an `os.write` that fails with *code* once it has been called *after* times."""
    real, calls = os.write, 0

    def write(descriptor: int, content: Any) -> int:
        nonlocal calls
        calls += 1
        if calls > after:
            raise OSError(code, os.strerror(code))
        return real(descriptor, content)

    return write


class TestAws:
    def test_a_wrong_queue_name(self, recorded: Path, replay_: CommandLine) -> None:
        """The nearest queue is named."""
        with mock_aws():
            import boto3

            boto3.client("sqs").create_queue(QueueName="order-dlq")
            refused(replay_(*RECORD_SQS), "orders-dlq", "did you mean", "order-dlq")

    def test_no_region(self, recorded: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        """The option and the variable that boto3 reads are named."""
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        refused(replay_(*RECORD_SQS), "no AWS region is set", "--region", "AWS_DEFAULT_REGION")

    def test_no_credentials(self, recorded: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is said how to sign in."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name)
        refused(replay_(*RECORD_SQS), "no AWS credentials were found", "aws sso login")

    def test_an_unknown_profile(self, recorded: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        """The nearest profile is named."""
        (recorded / "aws").write_text("[profile staging]\nregion = eu-west-1\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(recorded / "aws"))
        refused(replay_(*RECORD_SQS, "--profile", "stagng"), "no AWS profile 'stagng'", "did you mean staging?")

    def test_an_unreachable_endpoint(
        self, recorded: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The endpoint is named, and what could be wrong with it."""
        monkeypatch.setattr("replay.readers.clients.MAX_ATTEMPTS", 1)
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            refused(replay_(*RECORD_SQS, "--endpoint-url", url), "cannot be reached", url)

    def test_an_endpoint_that_is_no_url(self, recorded: Path, replay_: CommandLine) -> None:
        """A word in the place of a URL."""
        refused(replay_(*RECORD_SQS, "--endpoint-url", "nonsense"), "no endpoint URL", "nonsense", "http://")

    @pytest.mark.parametrize(
        ("code", "message", "words"),
        [
            ("ExpiredToken", "The security token included in the request is expired", ["expired", "sign in again"]),
            ("UnrecognizedClientException", "The security token is invalid", ["does not know these credentials"]),
            (
                "AccessDenied",
                "User: arn:aws:iam::1:user/ada is not authorized to perform: sqs:getqueueurl on resource: arn:aws:sqs:q",
                ["AWS denied sqs:GetQueueUrl", "on arn:aws:sqs:q", "--profile"],
            ),
        ],
    )
    def test_what_aws_refuses(
        self, code: str, message: str, words: list[str], recorded: Path, replay_: CommandLine
    ) -> None:
        """Expired, unknown and insufficient credentials each have their own next step."""
        with refusing_endpoint(code, message) as url:
            refused(replay_(*RECORD_SQS, "--endpoint-url", url), *words)


@pytest.mark.parametrize(
    "settings", [{"kind": "sqs", "batch_size": -1}, {"kind": "async", "maximum_retry_attempts": 5}]
)
def test_a_fixture_with_settings_that_aws_refuses_is_not_run(
    replay_: CommandLine, recorded: Path, settings: dict[str, Any]
) -> None:
    """Odd settings in a fixture end the run with 2 and the setting's name, and the other fixtures are still run."""
    path = the_fixture(recorded) / "fixture.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "event_source": settings}), encoding="utf-8")
    not_run(replay_("run"), f"{[*settings][-1]} = {[*settings.values()][-1]}", "1 reproduced")
