"""`{{resolve:…}}` in a template: what it stands for, as far as that is known here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.functions.dynamic_references import resolve_references
from replay.functions.function import Resource

SECRET = Resource(
    logical_id="S",
    type="AWS::SecretsManager::Secret",
    properties={"Name": "shop/db", "SecretString": '{"password": "pw", "port": 5432}'},
)
PARAMETER = Resource(logical_id="P", type="AWS::SSM::Parameter", properties={"Name": "/shop/limit", "Value": 7})


def resolved(text: str) -> object:
    user = Resource(logical_id="U", type="Any::Thing", properties={"deep": [{"value": text}]})
    return resolve_references([SECRET, PARAMETER, user])[2].properties["deep"][0]["value"]  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{resolve:ssm:/shop/limit}}", "7"),
        ("{{resolve:ssm:/shop/limit:3}}", "7"),
        ("a{{resolve:ssm:/shop/limit}}b{{resolve:ssm:x}}", "a7blocal-x"),
        ("{{resolve:ssm-secure:/shop/key:1}}", "local-key"),
        ("{{resolve:secretsmanager:shop/db:SecretString:password}}", "pw"),
        ("{{resolve:secretsmanager:shop/db:SecretString:port}}", "5432"),
        ("{{resolve:secretsmanager:shop/db:SecretString:nosuch}}", "local-nosuch"),
        ("{{resolve:secretsmanager:shop/db}}", '{"password": "pw", "port": 5432}'),
        ("{{resolve:secretsmanager:other/db}}", "local-db"),
        ("{{resolve:secretsmanager:other/db:SecretString:user:AWSCURRENT}}", "local-user"),
        (
            "{{resolve:secretsmanager:arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db:SecretString:password}}",
            "pw",
        ),
        ("{{resolve:ssm:}}", "local-value"),
        ("{{resolve:other:x}} {{x}} {{", "{{resolve:other:x}} {{x}} {{"),
    ],
)
def test_a_reference_is_a_value(text: str, value: str) -> None:
    """A parameter or secret of the template itself is its value; any other is a readable placeholder."""
    assert resolved(text) == value


@given(st.text(max_size=30), st.sampled_from(["ssm", "ssm-secure", "secretsmanager"]))
def test_no_reference_is_an_error(argument: str, service: str) -> None:
    """Whatever a reference names, there is a value; text without references stays as it is."""
    assert isinstance(resolved(f"{{{{resolve:{service}:{argument}}}}}"), str)
    if "{{" not in argument:
        assert resolved(argument) == argument
