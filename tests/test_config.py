"""`[tool.replay]`: what it means, where it is found, and how a mistake in it is answered."""

import inspect
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import replay.config
from replay.config import Config, load_config
from replay.errors import ConfigurationError
from replay.functions.settings import FunctionSettings


def configure(folder: Path, text: str) -> Config:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return load_config(folder)


def refused(folder: Path, text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as error:
        configure(folder, text)
    return error.value


def test_without_a_file_all_is_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without pyproject.toml is a project of its own."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_config() == Config(root=tmp_path, fixtures=tmp_path / "fixtures")


def test_every_key_is_read(tmp_path: Path) -> None:
    """Paths become absolute, lists tuples, and each function is settings."""
    config = configure(
        tmp_path,
        """
        [tool.replay]
        fixtures = "tests/fixtures"
        template = ["a/template.yaml", "b/template.yaml"]
        parameters = { Stage = "dev", "AWS::StackName" = "shop" }
        [tool.replay.functions.orders]
        handler = "app.handler"
        code = "src"
        template = "a/template.yaml"
        logical_id = "OrdersFunction"
        runtime = "python3.13"
        timeout_s = 2.5
        memory_mb = 256
        environment = { TABLE = "orders" }
        layers = ["layers/one"]
        setup = "prepare:tables"
        clock = "captured"
        allow_hosts = ["localhost"]
        event_source = { kind = "sqs", batch_size = 5, report_batch_item_failures = true, filter_criteria = ["{}"] }
        account_id = "111122223333"
        region = "eu-west-1"
        [tool.replay.functions.other]
        [tool.replay.sources.dlq]
        kind = "sqs"
        queue = "orders-dlq"
        [tool.replay.targets.staging]
        function = "orders"
        rate = 5
        [tool.replay.redaction]
        keys = ["iban"]
        """,
    )
    assert config == Config(
        root=tmp_path,
        fixtures=tmp_path / "tests" / "fixtures",
        templates=(tmp_path / "a" / "template.yaml", tmp_path / "b" / "template.yaml"),
        parameters={"Stage": "dev", "AWS::StackName": "shop"},
        functions={
            "orders": FunctionSettings(
                handler="app.handler",
                code=tmp_path / "src",
                template=tmp_path / "a" / "template.yaml",
                logical_id="OrdersFunction",
                runtime="python3.13",
                timeout_s=2.5,
                memory_mb=256,
                environment={"TABLE": "orders"},
                layers=(tmp_path / "layers" / "one",),
                setup="prepare:tables",
                clock="captured",
                allow_hosts=("localhost",),
                event_source={
                    "kind": "sqs",
                    "batch_size": 5,
                    "report_batch_item_failures": True,
                    "filter_criteria": ("{}",),
                },
                account_id="111122223333",
                region="eu-west-1",
            ),
            "other": FunctionSettings(),
        },
        sources={"dlq": {"kind": "sqs", "queue": "orders-dlq"}},
        targets={"staging": {"function": "orders", "rate": 5}},
        redaction={"keys": ["iban"]},
    )


def test_one_template_needs_no_list(tmp_path: Path) -> None:
    """`template` is a path or a list of paths."""
    assert configure(tmp_path, '[tool.replay]\ntemplate = "t.yaml"').templates == (tmp_path / "t.yaml",)


def test_every_key_of_a_function_is_documented() -> None:
    """The module's docstring, from which people copy, names each key, and no key is missing from it."""
    example, attributes = (inspect.cleandoc(text or "") for text in (replay.config.__doc__, FunctionSettings.__doc__))
    for item in fields(FunctionSettings):
        assert f"\n    {item.name} = " in example
        assert f"\n    {item.name}: " in attributes


def test_the_nearest_section_upward_counts(tmp_path: Path) -> None:
    """A sub-project without a section belongs to the project around it; one with a section is its own."""
    inner = tmp_path / "services" / "orders" / "src"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.replay]\nfixtures = "outer"')
    (tmp_path / "services" / "orders" / "pyproject.toml").write_text('[project]\nname = "orders"')
    assert load_config(inner).fixtures == tmp_path / "outer"
    (tmp_path / "services" / "orders" / "pyproject.toml").write_text("[tool.replay]")
    assert load_config(inner).root == tmp_path / "services" / "orders"


def test_the_search_ends_at_the_repository(tmp_path: Path) -> None:
    """A section beyond the repository is somebody else's; without one, the nearest pyproject.toml is the root."""
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / "below").mkdir()
    (tmp_path / "pyproject.toml").write_text('[tool.replay]\nfixtures = "stray"')
    assert load_config(repository / "below").root == repository / "below"
    (repository / "pyproject.toml").write_text('[project]\nname = "x"')
    assert load_config(repository / "below").fixtures == repository / "fixtures"


@pytest.mark.parametrize(
    ("text", "what", "where", "expected", "hint"),
    [
        ('[tool.replay]\nfixture = "x"', "unknown key 'fixture'", "[tool.replay]", "one of: fixtures, template", "did you mean 'fixtures'?"),
        ("[tool.replay]\nfixtures = 5", "fixtures = 5", "[tool.replay]", 'fixtures = "a path"', ""),
        ('[tool.replay]\nfixtures = ""', "fixtures = ''", "[tool.replay]", 'fixtures = "a path"', ""),
        ("[tool.replay]\ntemplate = [5]", "template[0] = 5", "[tool.replay]", '"a path"', ""),
        ("[tool.replay]\nparameters = { A = 1 }", "parameters.A = 1", "[tool.replay]", '"text"', 'write it in quotes: "1"'),
        ("[tool]\nreplay = 5", "tool.replay is not a table", "pyproject.toml", "[tool.replay]", ""),
        ('[tool.replay]\nfunctions = ["a"]', "functions = list", "[tool.replay]", "a table", ""),
        ('[tool.replay.functions]\norders = "app.handler"', "functions.orders = 'app.handler'", "[tool.replay]", "a table", ""),
        ('[tool.replay.functions.a]\nhandlr = "x"', "unknown key 'handlr'", "[tool.replay.functions.a]", "handler", "did you mean 'handler'?"),
        ("[tool.replay.functions.a]\nzzz = 1", "unknown key 'zzz'", "[tool.replay.functions.a]", "handler", "remove it"),
        ('[tool.replay.functions.a]\ntimeout_s = "3"', "timeout_s = '3'", "functions.a]", "a number", ""),
        ("[tool.replay.functions.a]\ntimeout_s = 901", "timeout_s = 901", "functions.a]", "from 0.001 to 900", ""),
        ("[tool.replay.functions.a]\ntimeout_s = nan", "timeout_s = nan", "functions.a]", "from 0.001 to 900", ""),
        ("[tool.replay.functions.a]\ntimeout_s = true", "timeout_s = True", "functions.a]", "a number", ""),
        ("[tool.replay.functions.a]\nmemory_mb = 1.5", "memory_mb = 1.5", "functions.a]", "a whole number", ""),
        ("[tool.replay.functions.a]\nmemory_mb = 64", "memory_mb = 64", "functions.a]", "from 128 to 10,240", ""),
        ('[tool.replay.functions.a]\nclock = "capturd"', "clock = 'capturd'", "functions.a]", "one of: now, captured", "did you mean 'captured'?"),
        ('[tool.replay.functions.a]\nlayers = "x"', "layers = 'x'", "functions.a]", "a list of paths", ""),
        ("[tool.replay.functions.a]\naccount_id = 111122223333", "account_id = 111122223333", "functions.a]", '"text"', "quotes"),
        ('[tool.replay.functions.a]\naccount_id = "1"', "account_id = '1'", "functions.a]", "twelve digits", ""),
        ('[tool.replay.functions.a]\nregion = "Ireland"', "region = 'Ireland'", "functions.a]", "a region", ""),
        ('[tool.replay.functions.a]\nsetup = "prepare"', "setup = 'prepare'", "functions.a]", "module:function", ""),
        ("[tool.replay.functions.a]\nenvironment = { A = 1979-05-27 }", "environment.A", "functions.a]", '"text"', ""),
        ('[tool.replay.functions.a]\nevent_source = "sqs"', "event_source = 'sqs'", "functions.a]", "a table", ""),
        ('[tool.replay.functions.a]\nevent_source = { kind = "sqz" }', "kind = 'sqz'", "functions.a] event_source", "sqs", "did you mean 'sqs'?"),
        ("[tool.replay.functions.a]\nevent_source = { batchSize = 1 }", "unknown key 'batchSize'", "event_source", "batch_size", "did you mean 'batch_size'?"),
        ("[tool.replay.functions.a]\nevent_source = { batch_size = 0 }", "batch_size = 0", "event_source", "from 1 to 10,000", ""),
        ('[tool.replay.functions.a]\nevent_source = { report_batch_item_failures = "yes" }', "'yes'", "event_source", "true or false", ""),
        ('[tool.replay.functions."../evil"]\nhandler = "a.b"', "'../evil' cannot name a function", "[tool.replay.functions]", "a folder", "rename"),
        ('[tool.replay.functions.".."]\nhandler = "a.b"', "'..' cannot name a function", "", "a folder", "rename"),
        ('[tool.replay.functions."a\\u001b"]\nhandler = "a.b"', "'a\\x1b' cannot name a function", "", "a folder", "rename"),
        ('[tool.replay.functions.a]\nenvironment = { "\\u001b" = 1 }', "environment.'\\x1b' = 1", "functions.a]", '"text"', ""),
        ("[tool.replay\n", "not valid TOML", "pyproject.toml", "", "correct pyproject.toml"),
        ("[tool.replay.sources]\nx = 1", "sources.x = 1", "[tool.replay]", "a table", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_answered(tmp_path: Path, text: str, what: str, where: str, expected: str, hint: str) -> None:
    """Each mistake is one error with file, section, key, value, what would be right, and the nearest key."""
    error = refused(tmp_path, text)
    assert what in error.what
    assert str(tmp_path / "pyproject.toml") in error.where
    assert where in error.where
    assert expected in error.expected
    assert hint in error.hint
    assert "\x1b" not in str(error)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Bytes that are no text are an error of the configuration."""
    (tmp_path / "pyproject.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load_config(tmp_path)


@given(st.text(max_size=60))
def test_no_text_escapes_as_another_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever follows `[tool.replay]`, it is read or refused as configuration."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "pyproject.toml").write_bytes(b"[tool.replay]\n" + text.encode("utf-8", "surrogatepass"))
    try:
        place = str(load_config(folder).root)
    except ConfigurationError as error:
        place = error.where
    assert str(folder) in place


def test_the_catalog_is_that_of_the_project(tmp_path: Path) -> None:
    """Configuration, templates and parameters reach the functions."""
    (tmp_path / "template.yaml").write_text(
        "Parameters: {P: {Type: String}}\n"
        "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Handler: !Ref P, Code: .}}}"
    )
    config = configure(tmp_path, '[tool.replay]\nparameters.P = "a.b"\n[tool.replay.functions.mine]\nhandler = "c.d"')
    assert (config.catalog().get("f").handler, config.catalog().get("mine").handler) == ("a.b", "c.d")


def test_reading_the_configuration_loads_nothing_heavy() -> None:
    """Neither AWS's libraries nor YAML are imported until a template is read."""
    code = "import sys, replay.config; print([m for m in ('boto3', 'botocore', 'moto', 'samtranslator', 'yaml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
