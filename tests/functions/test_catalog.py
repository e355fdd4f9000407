"""Finding a function by name: configuration first, then templates, found by themselves or named."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import ConfigurationError, FunctionError, TemplateError
from replay.functions.catalog import Catalog, build_catalog
from replay.functions.declared_functions import plain
from replay.functions.function import Function
from replay.functions.settings import FunctionSettings
from replay.payloads.event_sources import EventSource
from tests.functions.templates import write

TEMPLATE = """
    Resources:
      OrdersFunction: {Type: AWS::Lambda::Function, Properties: {Handler: app.handler, Code: src, Environment: {Variables: {A: a, B: b}}}}
      ReturnsFunction: {Type: AWS::Lambda::Function, Properties: {Handler: app.returns, Code: src, FunctionName: take-returns}}
      Q: {Type: AWS::SQS::Queue, Properties: {QueueName: orders}}
      M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref OrdersFunction, EventSourceArn: !GetAtt Q.Arn, BatchSize: 5}}
      S: {Type: AWS::SNS::Subscription, Properties: {TopicArn: 'arn:aws:sns:us-east-1:1:t', Protocol: lambda, Endpoint: !GetAtt OrdersFunction.Arn}}
    """


def catalog(root: Path, *templates: Path, **settings: Any) -> Catalog:
    return build_catalog(root=root, settings=settings, templates=templates)


@pytest.mark.parametrize(
    ("asked", "logical_id"),
    [
        ("OrdersFunction", "app.handler"),
        ("orders", "app.handler"),
        ("ORDERS", "app.handler"),
        ("orders-function", "app.handler"),
        ("take-returns", "app.returns"),
        ("takeReturns", "app.returns"),
        ("ReturnsFunction", "app.returns"),
        ("returns", "app.returns"),
    ],
)
def test_a_name_finds_its_function(tmp_path: Path, asked: str, logical_id: str) -> None:
    """FunctionName, logical id, and either without regard to case, dashes and the word function."""
    write(tmp_path, TEMPLATE)
    assert catalog(tmp_path).get(asked).handler == logical_id


@given(st.sampled_from(["OrdersFunction", "take-returns", "ReturnsFunction"]), st.data())
def test_case_and_dashes_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """However a name is cased and hyphenated, it finds the same function."""
    root = tmp_path_factory.getbasetemp() / "names"
    if not root.exists():
        write(root, TEMPLATE)
    letters = [data.draw(st.sampled_from([letter.lower(), letter.upper()])) for letter in plain(name)]
    spelled = "".join(letter + data.draw(st.sampled_from(["", "-", "_"])) for letter in letters)
    assert catalog(root).get(spelled) == catalog(root).get(name)


def test_a_template_of_sam_without_its_transform_is_told(tmp_path: Path) -> None:
    """Resources of SAM mean nothing without `Transform`: the error says so, and not that the name was wrong."""
    write(tmp_path, "Resources: {Orders: {Type: AWS::Serverless::Function, Properties: {Handler: app.handler}}}")
    with pytest.raises(FunctionError, match="AWS::Serverless resources, but no Transform") as caught:
        catalog(tmp_path).get("orders")
    assert "template.yaml" in caught.value.where


@pytest.mark.parametrize(
    ("template", "settings", "declared"),
    [
        (None, FunctionSettings(handler="app.handler"), False),
        (None, FunctionSettings(handler="app.handler", runtime="python3.9"), True),
        ("", FunctionSettings(), False),
        ("Runtime: python3.9, ", FunctionSettings(), True),
        ("", FunctionSettings(runtime="python3.9"), True),
    ],
)
def test_another_python_is_told_only_where_one_was_declared(
    tmp_path: Path, template: str | None, settings: FunctionSettings, *, declared: bool
) -> None:
    """Without a declared runtime nobody knows what runs on AWS: our default is no difference to speak of."""
    if template is not None:
        text = f"{{Type: AWS::Lambda::Function, Properties: {{{template}Handler: app.handler, Code: src}}}}"
        write(tmp_path, f"Resources: {{orders: {text}}}")
    (found,) = [catalog(tmp_path, orders=settings).get("orders")]
    assert found.runtime_is_declared is declared
    assert bool(found.other_python_here) is declared


def test_a_function_is_called_by_one_name(tmp_path: Path) -> None:
    """Fixtures of one function lie in one folder, whatever name it was asked by."""
    write(tmp_path, TEMPLATE)
    found = catalog(tmp_path)
    assert {found.get(name).name for name in ("orders", "OrdersFunction")} == {"OrdersFunction"}
    assert {found.get(name).name for name in ("returns", "take-returns")} == {"take-returns"}
    assert found.names() == ["OrdersFunction", "take-returns"]
    assert [found.get(name).name for name in found.names()] == found.names()


def test_an_exact_name_wins_over_a_similar_one(tmp_path: Path) -> None:
    """`orders` and `Orders` are two functions when both are there."""
    write(
        tmp_path,
        """
        Resources:
          Orders: {Type: AWS::Lambda::Function, Properties: {Handler: a.upper, Code: src}}
          orders: {Type: AWS::Lambda::Function, Properties: {Handler: a.lower, Code: src}}
        """,
    )
    assert catalog(tmp_path).get("Orders").handler == "a.upper"
    assert catalog(tmp_path).get("orders").handler == "a.lower"
    with pytest.raises(FunctionError, match="'ORDERS' could be any of 2 functions") as error:
        catalog(tmp_path).get("ORDERS")
    assert "(Orders)" in error.value.where
    assert "(orders)" in error.value.where
    assert "logical_id" in error.value.hint


def test_an_unknown_name_is_answered_with_near_ones(tmp_path: Path) -> None:
    """The error says what was searched and what is near."""
    path = write(tmp_path, TEMPLATE)
    with pytest.raises(FunctionError, match="there is no function 'OrderFunctions'") as error:
        catalog(tmp_path, mine=FunctionSettings(handler="a.b")).get("OrderFunctions")
    assert str(path) in error.value.where
    assert error.value.expected.startswith("one of: OrdersFunction")
    assert "[tool.replay.functions.OrderFunctions]" in error.value.hint


def test_without_any_template_the_error_says_what_to_write(tmp_path: Path) -> None:
    """An empty project has no function, and that is no crash."""
    with pytest.raises(FunctionError) as error:
        catalog(tmp_path).get("orders")
    assert error.value.expected == "a template.yaml, or a configured function"


@pytest.mark.parametrize("folder", [".", "service", "a/b/c"])
def test_templates_are_found_by_themselves(tmp_path: Path, folder: str) -> None:
    """A template in the root or up to three levels below needs no configuration."""
    write(tmp_path / folder, TEMPLATE, "template.yml")
    assert catalog(tmp_path).get("orders").code == tmp_path / folder / "src"


@pytest.mark.parametrize("folder", ["a/b/c/d", ".aws-sam/build", "node_modules/x", ".venv/x", "env/lib", "kept/orders"])
def test_templates_elsewhere_are_not_searched(tmp_path: Path, folder: str) -> None:
    """Built copies, installed packages, fixtures, hidden and deep folders are not the project's own templates."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / ".fixture.schema.json").touch()
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    write(tmp_path / folder, TEMPLATE)
    with pytest.raises(FunctionError, match="no function"):
        catalog(tmp_path).get("orders")


def test_the_same_name_in_two_templates_is_ambiguous(tmp_path: Path) -> None:
    """Two services of one repository need a word from the user, which then decides."""
    write(tmp_path / "a", TEMPLATE)
    other = write(tmp_path / "b", TEMPLATE)
    with pytest.raises(FunctionError, match="could be any of 2") as error:
        catalog(tmp_path).get("orders")
    assert str(other) in error.value.where
    assert catalog(tmp_path, other).get("orders").code == tmp_path / "b" / "src"
    assert catalog(tmp_path, orders=FunctionSettings(template=other)).get("orders").template == other


def test_templates_are_read_once_and_only_when_needed(tmp_path: Path) -> None:
    """A function with a handler of its own needs no template, not even a readable one; what was read is kept."""
    path = write(tmp_path, "Resources: [")
    mine = catalog(tmp_path, mine=FunctionSettings(handler="app.handler"))
    assert mine.get("mine") == Function(name="mine", handler="app.handler", code=tmp_path)
    path.write_text("Resources: {F: {Type: AWS::Lambda::Function, Properties: {Handler: a.b, Code: src}}}")
    assert mine.get("F").handler == "a.b"
    path.unlink()
    assert mine.get("F").handler == "a.b"


def test_a_broken_template_is_said_when_it_could_hold_the_function(tmp_path: Path) -> None:
    """The one template there is, if malformed, is the answer; beside others it is mentioned; if named, it is refused."""
    broken = write(tmp_path / "broken", "Resources:\n  - [")
    with pytest.raises(TemplateError, match="not valid YAML"):
        catalog(tmp_path).get("orders")
    write(tmp_path / "good", TEMPLATE)
    assert catalog(tmp_path).get("orders").handler == "app.handler"
    with pytest.raises(FunctionError) as error:
        catalog(tmp_path).get("other")
    assert "not valid YAML" in error.value.where
    with pytest.raises(TemplateError):
        catalog(tmp_path, broken, tmp_path / "good" / "template.yaml").get("orders")


def test_configuration_is_laid_over_the_template(tmp_path: Path) -> None:
    """What is configured counts; the rest is the template's."""
    write(tmp_path, TEMPLATE)
    settings = FunctionSettings(
        setup="tests.prepare:tables",
        clock="captured",
        timeout_s=30,
        memory_mb=256,
        environment={"B": "c", "D": "d"},
        allow_hosts=("localhost",),
        layers=(tmp_path / "layer",),
        runtime="python3.13",
    )
    found = catalog(tmp_path, orders=settings).get("orders")
    assert (found.name, found.handler, found.code) == ("orders", "app.handler", tmp_path / "src")
    assert (found.setup, found.clock, found.timeout_s, found.memory_mb) == ("tests.prepare:tables", "captured", 30, 256)
    assert found.environment == {"A": "a", "B": "c", "D": "d"}
    assert (found.allow_hosts, found.layers, found.runtime) == (("localhost",), (tmp_path / "layer",), "python3.13")
    assert [source.kind for source in found.event_sources] == ["sqs", "sns"]
    assert {resource.logical_id for resource in found.resources} == {"Q", "M", "S"}


def test_a_configured_name_is_found_without_regard_to_case(tmp_path: Path) -> None:
    """Configured names are as forgiving as those of templates, and come first."""
    write(tmp_path, TEMPLATE)
    found = catalog(tmp_path, orders=FunctionSettings(handler="my.own"))
    assert found.get("Orders").handler == "my.own"
    assert found.get("OrdersFunction").handler == "app.handler"


def test_handler_and_code_may_replace_the_templates(tmp_path: Path) -> None:
    """With a named template its function keeps its resources; code that is not here does not matter then."""
    template = write(tmp_path, TEMPLATE.replace("Code: src", "Code: {ZipFile: x}"))
    settings = FunctionSettings(handler="own.handler", code=tmp_path / "src", logical_id="OrdersFunction")
    found = catalog(tmp_path, template, mine=settings).get("mine")
    assert (found.handler, found.code, found.environment["A"]) == ("own.handler", tmp_path / "src", "a")
    assert [source.kind for source in found.event_sources] == ["sqs", "sns"]


def test_a_named_function_must_be_in_its_template(tmp_path: Path) -> None:
    """A wrong `logical_id`, or a configured function without handler that no template knows, is an error."""
    template = write(tmp_path, TEMPLATE)
    with pytest.raises(FunctionError, match="no function 'OrdrsFunction'") as error:
        catalog(tmp_path, orders=FunctionSettings(template=template, logical_id="OrdrsFunction")).get("orders")
    assert "OrdersFunction" in error.value.expected
    with pytest.raises(FunctionError, match="no function 'unknown'"):
        catalog(tmp_path, unknown=FunctionSettings(timeout_s=3)).get("unknown")


def test_a_template_of_one_function_needs_no_name_for_it(tmp_path: Path) -> None:
    """`template` alone is enough where there is only one function."""
    template = write(tmp_path, "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Handler: a.b, Code: src}}}")
    assert catalog(tmp_path, payments=FunctionSettings(template=template)).get("payments").handler == "a.b"


def test_account_and_region_reach_the_templates_arns(tmp_path: Path) -> None:
    """A function configured for another region has its queue there."""
    write(tmp_path, TEMPLATE)
    found = catalog(tmp_path, orders=FunctionSettings(region="eu-west-1", account_id="1" * 12)).get("orders")
    assert (found.region, found.account_id) == ("eu-west-1", "111111111111")
    assert found.event_sources[0].arn == "arn:aws:sqs:eu-west-1:111111111111:orders"


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ({"batch_size": 1}, EventSource(kind="sqs", arn="arn:aws:sqs:us-east-1:123456789012:orders", batch_size=1)),
        ({"kind": "sns", "maximum_retry_attempts": 0}, EventSource(kind="sns", arn="arn:aws:sns:us-east-1:1:t", maximum_retry_attempts=0)),
        ({"kind": "kinesis", "batch_size": 2}, EventSource(kind="kinesis", batch_size=2)),
        ({"arn": "arn:aws:sns:us-east-1:1:t", "kind": "sns"}, EventSource(kind="sns", arn="arn:aws:sns:us-east-1:1:t")),
        ({"kind": "sqs", "arn": "arn:other"}, EventSource(kind="sqs", arn="arn:other", batch_size=5)),
    ],
)  # fmt: skip
def test_a_configured_event_source_is_laid_over_the_templates(
    tmp_path: Path, configured: Any, expected: EventSource
) -> None:
    """The fields that are given change the event source of that kind, which then comes first; the others stay."""
    write(tmp_path, TEMPLATE)
    sources = catalog(tmp_path, orders=FunctionSettings(event_source=configured)).get("orders").event_sources
    assert sources[0] == expected
    assert {source.kind for source in sources} >= {"sqs", "sns"}


def test_an_event_source_needs_a_kind(tmp_path: Path) -> None:
    """Where no template tells the kind, the configuration must."""
    mine = FunctionSettings(handler="a.b", event_source={"batch_size": 1})
    with pytest.raises(ConfigurationError, match="has no kind") as error:
        catalog(tmp_path, mine=mine).get("mine")
    assert "sqs" in error.value.expected
