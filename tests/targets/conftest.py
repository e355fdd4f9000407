"""Small services written into a temporary folder, and the target that runs them."""

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.functions.function import Function, Resource
from replay.targets.local import LocalTarget

Service = Callable[..., Function]
Answer = Callable[..., Reply]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """Write files into a folder of their own and give the function in it; a bare text is `app.py`."""

    def write(code: str | dict[str, str], *, name: str = "orders", **settings: Any) -> Function:
        folder = tmp_path / name
        for path, text in (code if isinstance(code, dict) else {"app.py": code}).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text), encoding="utf-8")
        return Function(**{"name": name, "handler": "app.handler", "code": folder, **settings})

    return write


@pytest.fixture
def answer() -> Answer:
    """Invoke a function once, in a target of its own."""

    def invoke(function: Function, event: Any = None, **options: Any) -> Reply:
        with LocalTarget(function, **options) as target:
            target.begin()
            return target.invoke(attempt(event))

    return invoke


def attempt(event: Any = None) -> Attempt:
    return Attempt(payload=json.dumps(event), request_id="b2c3d4e5-0000-4000-8000-000000000001")


def table(name: str = "orders") -> Resource:
    return Resource(
        logical_id="OrdersTable",
        type="AWS::DynamoDB::Table",
        properties={
            "TableName": name,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        },
    )
