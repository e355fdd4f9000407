"""
CloudFormation's intrinsic functions, resolved to sensible local values.

What cannot be known here (an import from another stack, an attribute that only AWS has, a parameter without a default)
becomes a readable placeholder such as `local-VpcId`, never a failure: most of a template does not matter to a handler.

Source: CloudFormation Template Reference, "Intrinsic functions".
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from replay.errors import TemplateError
from replay.functions.deployment import Deployment
from replay.functions.documents import Document
from replay.functions.physical_names import arn_of, attribute_of, local_name, name_property, ref_of
from replay.payloads.exact_json import Json

_NO_VALUE: Final = object()
_SUBSTITUTION = re.compile(r"\$\{(!?)([^${}]*)\}")
_LAMBDA_QUALIFIERS = {"AWS::Lambda::Alias": "Name", "AWS::Lambda::Version": ""}


class Scope:
    """Everything that a value of one template can refer to: parameters, mappings, conditions and resources."""

    def __init__(self, document: Document, deployment: Deployment) -> None:
        self.document = document
        self.deployment = deployment
        self.resources = {
            logical_id: resource
            for logical_id, resource in document.section("Resources").items()
            if isinstance(resource, dict)
        }
        self._parameters = document.section("Parameters")
        self._mappings = document.section("Mappings")
        self._conditions = document.section("Conditions")
        self._pseudo = {**deployment.pseudo_parameters(), **deployment.parameters}
        self._names: dict[str, str] = {}
        self._truths: dict[str, bool] = {}
        self._resolving: list[str] = []

    def resolve(self, value: Json) -> Json:
        """
        Resolve every intrinsic function in *value*; what is `AWS::NoValue` is left out.

        Raises:
            TemplateError: A name or a condition depends on itself.
        """
        resolved = self._resolve(value)
        return None if resolved is _NO_VALUE else resolved

    def holds(self, condition: Json) -> bool:
        """Say whether a condition holds: by its name, or as a condition function."""
        if isinstance(condition, str):
            return self._named_condition(condition)
        if isinstance(condition, dict) and len(condition) == 1:
            ((function, argument),) = condition.items()
            if function == "Condition" and isinstance(argument, str):
                return self._named_condition(argument)
            if function == "Fn::Not" and isinstance(argument, list):
                return not any(self.holds(item) for item in argument)
            if function == "Fn::And" and isinstance(argument, list):
                return all(self.holds(item) for item in argument)
            if function == "Fn::Or" and isinstance(argument, list):
                return any(self.holds(item) for item in argument)
        return _text(self._resolve(condition)) == "true"

    def name_of(self, logical_id: str) -> str:
        """Give the physical name of a resource: the template's own, else a stable local one."""
        if logical_id not in self._names:
            with self._once(logical_id):
                self._names[logical_id] = self._find_name(logical_id)
        return self._names[logical_id]

    def _find_name(self, logical_id: str) -> str:
        kind, properties = self._kind(logical_id), self._properties(logical_id)
        given = self._resolve(properties.get(name_property(kind) or ""))
        if isinstance(given, str | int) and given:
            return _text(given)
        return local_name(kind, logical_id, properties, self.deployment)

    def _kind(self, logical_id: str) -> str:
        kind = self.resources[logical_id].get("Type")
        return kind if isinstance(kind, str) else ""

    def _properties(self, logical_id: str) -> dict[str, Json]:
        properties = self.resources[logical_id].get("Properties")
        return properties if isinstance(properties, dict) else {}

    def _named_condition(self, name: str) -> bool:
        if name not in self._conditions:
            return False
        if name not in self._truths:
            with self._once(name):
                self._truths[name] = self.holds(self._conditions[name])
        return self._truths[name]

    @contextmanager
    def _once(self, name: str) -> Iterator[None]:
        """Refuse a name that is reached again while it is being resolved."""
        if name in self._resolving:
            ring = [*self._resolving[self._resolving.index(name) :], name]
            raise TemplateError(
                f"{name} depends on itself: {' -> '.join(ring)}",
                where=self.document.where(name),
                expected="references without a ring",
                hint=f"write one of these names out instead of referring to {ring[1]}",
            )
        self._resolving.append(name)
        try:
            yield
        finally:
            self._resolving.pop()

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            resolved = (self._resolve(item) for item in value)
            return [item for item in resolved if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return self._ref(argument)
            if function.startswith("Fn::"):
                return self._call(function, argument)
        entries = ((key, self._resolve(item)) for key, item in value.items())
        return {key: item for key, item in entries if item is not _NO_VALUE}

    def _call(self, function: str, argument: Any) -> Any:
        """Run one function; one that we do not know, or whose arguments make no sense here, gives a placeholder."""
        try:
            if function in _SPECIAL_FORMS:
                return _SPECIAL_FORMS[function](self, argument)
            if function in _FUNCTIONS:
                return _FUNCTIONS[function](self._resolve(argument))
        except (TypeError, ValueError, LookupError, AttributeError):
            return _placeholder(function.removeprefix("Fn::"))
        return _placeholder(function.removeprefix("Fn::"))

    def _ref(self, name: Any) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if not isinstance(name, str):
            return _placeholder("Ref")
        if name in self._parameters:
            return self._parameter(name)
        if name in self.resources:
            return self._resource(name)
        return self._pseudo.get(name, _placeholder(name))

    def _resource(self, name: str) -> str:
        kind = self._kind(name)
        if kind in _LAMBDA_QUALIFIERS:
            return self._qualified_function(name, kind)
        return ref_of(kind, self.name_of(name), self.deployment)

    def _parameter(self, name: str) -> Any:
        declared = self._parameters[name] if isinstance(self._parameters[name], dict) else {}
        kind = str(declared.get("Type", "String"))
        value = self.deployment.parameters.get(name)
        if value is None:
            # The default of such a parameter is the path of the value, which only AWS knows.
            stands_for_value = not kind.startswith("AWS::SSM::Parameter::Value")
            value = declared.get("Default") if stands_for_value else None
        if value is None:
            value = "0" if kind == "Number" else _placeholder(name)
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            return [item.strip() for item in str(value).split(",")]
        return value

    def _qualified_function(self, logical_id: str, kind: str) -> str:
        properties = self._properties(logical_id)
        function = _text(self._resolve(properties.get("FunctionName", "")))
        if not function.startswith("arn:"):
            function = arn_of("AWS::Lambda::Function", function, self.deployment)
        return f"{function}:{_text(self._resolve(properties.get(_LAMBDA_QUALIFIERS[kind], '1')))}"

    def _get_att(self, argument: Any) -> Any:
        logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        attribute = _text(self._resolve(attribute))
        if logical_id not in self.resources:
            return _placeholder(f"{logical_id}.{attribute}")
        kind = self._kind(logical_id)
        if (kind, attribute) == ("AWS::SSM::Parameter", "Value"):
            with self._once(f"{logical_id}.{attribute}"):
                return self._resolve(self._properties(logical_id)["Value"])
        found = attribute_of(kind, self.name_of(logical_id), attribute, self.deployment)
        return _placeholder(f"{logical_id}.{attribute}") if found is None else found

    def _sub(self, argument: Any) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        own = {key: self._resolve(item) for key, item in variables.items()}

        def replacement(found: re.Match[str]) -> str:
            literal, name = found[1], found[2].strip()
            if literal:
                return f"${{{found[2]}}}"
            if name in own:
                return _text(own[name])
            return _text(self._get_att(name) if "." in name else self._ref(name))

        return _SUBSTITUTION.sub(replacement, text)

    def _if(self, argument: Any) -> Any:
        condition, then, otherwise = argument
        return self._resolve(then if self.holds(condition) else otherwise)

    def _find_in_map(self, argument: Any) -> Any:
        keys = [_text(self._resolve(key)) for key in argument[:3]]
        found: Any = self._mappings
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if found is None and len(argument) > 3:  # noqa: PLR2004 - the fourth holds options
            return self._resolve(argument[3]["DefaultValue"])
        return _placeholder("-".join(keys)) if found is None else found


def _text(value: Any) -> str:
    """Write a scalar as CloudFormation does where text is needed."""
    if value is _NO_VALUE or value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _placeholder(name: str) -> str:
    return f"local-{re.sub(r'[^A-Za-z0-9_-]+', '-', name).strip('-') or 'value'}"


def _import_value(name: Any) -> str:
    return _placeholder(_text(name))


def _join(argument: Any) -> str:
    delimiter, items = argument
    return _text(delimiter).join(_text(item) for item in items) if isinstance(items, list) else _text(items)


def _select(argument: Any) -> Any:
    index, items = argument
    if int(index) < 0:
        raise LookupError
    return items[int(index)] if isinstance(items, list) else _placeholder(_text(items))


def _split(argument: Any) -> list[str]:
    delimiter, text = argument
    return _text(text).split(delimiter)


def _equals(argument: Any) -> bool:
    left, right = argument
    return _text(left) == _text(right)


def _base64(text: Any) -> str:
    return base64.b64encode(_text(text).encode()).decode("ascii")


def _cidr(argument: Any) -> list[str]:
    block, count, bits = argument if len(argument) > 2 else (*argument, 8)  # noqa: PLR2004 - the bits are optional
    network = ipaddress.ip_network(block)
    subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits))
    return [str(subnet) for subnet, _ in zip(subnets, range(min(int(count), 256)), strict=False)]


def _availability_zones(scope: Scope, argument: Any) -> list[str]:
    region = _text(scope.resolve(argument)) or scope.deployment.region
    return [f"{region}{letter}" for letter in "abc"]


def _to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


_SPECIAL_FORMS: Mapping[str, Callable[[Scope, Any], Any]] = {
    "Fn::FindInMap": Scope._find_in_map,  # noqa: SLF001 - the table of this class's own functions
    "Fn::GetAZs": _availability_zones,
    "Fn::GetAtt": Scope._get_att,  # noqa: SLF001 - the same
    "Fn::If": Scope._if,  # noqa: SLF001 - the same
    "Fn::Sub": Scope._sub,  # noqa: SLF001 - the same
}
_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Equals": _equals,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Length": len,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::ToJsonString": _to_json,
}
