"""Where a function logs, as far as its template or the configuration tells."""

from pathlib import Path

import pytest

from replay.config import load_config
from tests.functions.templates import function

FUNCTION = "F: {{Type: AWS::Lambda::Function, Properties: {{Handler: app.handler, Code: ., LoggingConfig: {config}}}}}"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("{LogGroup: /shop/orders}", "/shop/orders"),
        ("{LogFormat: JSON}", None),
        ("{LogGroup: !Ref Named}", "/named"),
        ("{LogGroup: !Ref Unnamed}", None),
    ],
)
def test_a_template_names_the_log_group(tmp_path: Path, config: str, expected: str | None) -> None:
    """`LoggingConfig` is taken, but for a name that only CloudFormation could know."""
    read = f"""
        Resources:
          {FUNCTION.format(config=config)}
          Named: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: /named}}}}
          Unnamed: {{Type: AWS::Logs::LogGroup}}
        """
    assert function(tmp_path, read).log_group == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("{LogGroup: /shop/orders}", {}),
        ("{LogFormat: Text}", {}),
        ("{LogFormat: JSON}", {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}),
        (
            "{LogFormat: JSON, ApplicationLogLevel: ERROR}",
            {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "ERROR"},
        ),
    ],
)
def test_the_runtime_knows_of_the_log_format(tmp_path: Path, config: str, expected: dict[str, str]) -> None:
    """Lambda tells its runtime of format and level by variables; JSON has the level INFO by default."""
    read = f"""
        Resources:
          {FUNCTION.format(config=config)}
        """
    assert function(tmp_path, read).environment == expected


def test_the_configuration_names_the_log_group(tmp_path: Path) -> None:
    """A name in the configuration wins."""
    text = '[tool.replay.functions.orders]\nhandler = "app.handler"\nlog_group = "/mine"\n'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert load_config(tmp_path).catalog().get("orders").log_group == "/mine"
