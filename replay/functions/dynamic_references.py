"""
CloudFormation's dynamic references, `{{resolve:ssm:…}}` and `{{resolve:secretsmanager:…}}`, as sensible local values.

One to a parameter or secret that the template itself declares is its value; any other is a readable placeholder.

Source: CloudFormation User Guide, "Get values stored in other services using dynamic references".
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from replay.functions.function import Resource

_REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]*)\}\}")
_ARN_PARTS = 7


def resolve_references(resources: Sequence[Resource]) -> list[Resource]:
    """Put values in the place of all dynamic references in the properties of *resources*."""
    known = {(each.type, str(each.properties.get("Name", "")).strip("/")): each.properties for each in resources}
    return [replace(each, properties=_resolved(each.properties, known)) for each in resources]


def _resolved(value: Any, known: Mapping[tuple[str, str], Mapping[str, Any]]) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: _value(found[1], found[2], known), value) if "{{" in value else value
    if isinstance(value, list):
        return [_resolved(item, known) for item in value]
    if isinstance(value, Mapping):
        return {key: _resolved(item, known) for key, item in value.items()}
    return value


def _value(service: str, argument: str, known: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    if service != "secretsmanager":
        name = argument.partition(":")[0]
        declared = known.get(("AWS::SSM::Parameter", name.strip("/")), {})
        return str(declared["Value"]) if "Value" in declared else _placeholder(name)
    parts = argument.split(":")
    length = _ARN_PARTS if parts[0] == "arn" else 1  # the secret itself may be named by its ARN
    name, key = ":".join(parts[:length]).rpartition(":")[2], ":".join(parts[length + 1 : length + 2])
    secret = known.get(("AWS::SecretsManager::Secret", name.strip("/")), {}).get("SecretString")
    if not isinstance(secret, str):
        return _placeholder(key or name)
    return _member(secret, key) if key else secret


def _member(secret: str, key: str) -> str:
    try:
        found = json.loads(secret)[key]
    except (ValueError, LookupError, TypeError, RecursionError):
        return _placeholder(key)
    return found if isinstance(found, str) else json.dumps(found)


def _placeholder(name: str) -> str:
    last = name.rstrip("/").rpartition("/")[2]
    return f"local-{re.sub(r'[^A-Za-z0-9_-]+', '-', last).strip('-') or 'value'}"
