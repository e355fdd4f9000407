"""One template, resolved: its functions with their event sources, and the resources beside them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from replay.errors import TemplateError
from replay.functions.cdk import cdk_deployment, is_cdk, locate_assets
from replay.functions.deployment import Deployment
from replay.functions.documents import Document, as_mapping, as_sequence, load_document
from replay.functions.dynamic_references import resolve_references
from replay.functions.function import Function, Resource
from replay.functions.intrinsics import Scope
from replay.functions.language_extensions import unroll
from replay.functions.physical_names import arn_of, name_property
from replay.functions.sam import expand_sam, is_sam
from replay.functions.serverless_framework import expand_serverless, is_serverless
from replay.functions.triggers import find_event_sources

_FUNCTION = "AWS::Lambda::Function"
_LAYER = "AWS::Lambda::LayerVersion"
_RUNTIME = "python3.12"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """
    What one template declares, with every intrinsic function resolved and every resource named.

    `functions` are the resources of type `AWS::Lambda::Function` by logical id; `metadata` is theirs.
    """

    document: Document
    deployment: Deployment
    functions: Mapping[str, Resource]
    metadata: Mapping[str, Mapping[str, Any]]
    resources: tuple[Resource, ...]


def read_stack(path: Path, deployment: Deployment) -> Stack:
    """
    Read a template of SAM, CloudFormation, CDK or the Serverless Framework, whichever it is.

    Raises:
        TemplateError: It cannot be read, or refers to itself in a ring.
    """
    document = load_document(path)
    try:
        return _read_stack(document, deployment)
    except RecursionError:
        raise TemplateError("the template is nested too deep", where=str(path), expected="fewer levels") from None


def plain_template(path: Path, deployment: Deployment) -> Document:
    """
    Read a template, whichever it is, as the CloudFormation that it stands for, with local folders where code is.

    Raises:
        TemplateError: It cannot be read, or its transform refuses it.
    """
    try:
        return _plain(load_document(path), deployment)[0]
    except RecursionError:
        raise TemplateError("the template is nested too deep", where=str(path), expected="fewer levels") from None


def _read_stack(document: Document, deployment: Deployment) -> Stack:
    return _resolve_stack(*_plain(document, deployment))


def _plain(document: Document, deployment: Deployment) -> tuple[Document, Deployment]:
    if is_serverless(document):
        document, deployment = expand_serverless(document, deployment)
    elif is_cdk(document.path):
        deployment = cdk_deployment(document.path, deployment)
        document = locate_assets(document)
    document = replace(document, data=unroll(document.data, Scope(document, deployment).resolve))
    if is_sam(document):
        document = expand_sam(document, deployment)
    return document, deployment


def _resolve_stack(document: Document, deployment: Deployment) -> Stack:
    scope = Scope(document, deployment)
    declared = {
        logical_id: resource
        for logical_id, resource in scope.resources.items()
        if "Condition" not in resource or scope.holds(resource["Condition"])
    }
    named = [_resource(logical_id, resource, scope) for logical_id, resource in declared.items()]
    resolved = {resource.logical_id: resource for resource in resolve_references(named)}
    functions = {logical_id: resource for logical_id, resource in resolved.items() if resource.type == _FUNCTION}
    return Stack(
        document=document,
        deployment=deployment,
        functions=functions,
        metadata={logical_id: as_mapping(declared[logical_id].get("Metadata")) for logical_id in functions},
        resources=tuple(resource for resource in resolved.values() if resource.type != _FUNCTION),
    )


def _resource(logical_id: str, declared: Mapping[str, Any], scope: Scope) -> Resource:
    """Resolve a resource, and write its name into it where the template leaves it to CloudFormation."""
    kind = declared.get("Type")
    if not isinstance(kind, str):
        raise TemplateError(
            f"the resource {logical_id} has no Type", where=scope.document.where(logical_id), expected="Type: AWS::…"
        )
    properties = as_mapping(scope.resolve(declared.get("Properties")))
    naming = name_property(kind)
    if naming is not None:
        properties[naming] = scope.name_of(logical_id)
    return Resource(logical_id=logical_id, type=kind, properties=properties)


def function_name(stack: Stack, logical_id: str) -> str:
    """Give the name that users and fixtures call a function by: its `FunctionName`, else its logical id."""
    return str(stack.functions[logical_id].properties["FunctionName"])


def build_function(stack: Stack, logical_id: str, *, handler: str | None = None, code: Path | None = None) -> Function:
    """
    Make the function *logical_id* ready to be run.

    Args:
        handler: Taken instead of the template's.
        code: Taken instead of the template's.

    Raises:
        TemplateError: The template names no handler, or no code that is here.
    """
    resource, name = stack.functions[logical_id], function_name(stack, logical_id)
    properties = resource.properties
    return Function(
        name=name,
        handler=handler or _handler(stack, resource),
        code=code or _code(stack, resource),
        runtime=str(properties.get("Runtime") or _RUNTIME),
        runtime_is_declared=bool(properties.get("Runtime")),
        timeout_s=_number(stack, resource, "Timeout", 3),
        memory_mb=int(_number(stack, resource, "MemorySize", 128)),
        environment=_environment(properties) | _logging_variables(properties),
        layers=_layers(stack, resource),
        event_sources=find_event_sources(resource, name, stack.resources, stack.deployment),
        resources=stack.resources,
        region=stack.deployment.region,
        account_id=stack.deployment.account_id,
        template=stack.document.path,
        log_group=_log_group(stack, properties),
    )


def _log_group(stack: Stack, properties: Mapping[str, Any]) -> str | None:
    """Read `LoggingConfig`; the name of a group that only its stack could give is not known here."""
    named = as_mapping(properties.get("LoggingConfig")).get("LogGroup")
    made_up = isinstance(named, str) and named.startswith(f"{stack.deployment.stack_name}-")
    return named if isinstance(named, str) and named and not made_up else None


def _handler(stack: Stack, resource: Resource) -> str:
    handler = resource.properties.get("Handler")
    if handler is None:
        # A container image names its handler as its command.
        command = as_sequence(as_mapping(resource.properties.get("ImageConfig")).get("Command"))
        handler = command[0] if command else None
    if not isinstance(handler, str) or not handler:
        raise TemplateError(
            f"the function {resource.logical_id} has no Handler",
            where=stack.document.where(resource.logical_id),
            expected="Handler: module.function",
            hint=_configure(stack, resource, 'handler = "module.function"'),
        )
    return handler


def _code(stack: Stack, resource: Resource) -> Path:
    stored = resource.properties.get("Code")
    place = stored if isinstance(stored, str) else stack.metadata[resource.logical_id].get("DockerContext")
    if not isinstance(place, str):
        inline = "ZipFile" in as_mapping(stored)
        raise TemplateError(
            f"the code of {resource.logical_id} is {'inline in the template' if inline else 'not in a folder here'}",
            where=stack.document.where(resource.logical_id),
            expected="a local folder" if inline else "a local folder as its CodeUri or Code",
            hint=_configure(stack, resource, 'code = "src"'),
        )
    return _folder(stack, resource, place, "code")


def _folder(stack: Stack, resource: Resource, place: str, what: str) -> Path:
    folder = (stack.document.path.parent / place).resolve()
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "is not there"
        raise TemplateError(
            f"the {what} of {resource.logical_id} {found}: {place}",
            where=stack.document.where(resource.logical_id),
            expected=f"a folder {folder}",
            hint=_configure(stack, resource, 'code = "src"')
            if what == "code"
            else "build the layer, or correct its path",
        )
    return folder


def _configure(stack: Stack, resource: Resource, line: str) -> str:
    name = function_name(stack, resource.logical_id)
    return f"correct the template, or set in pyproject.toml: [tool.replay.functions.{name}] {line}"


def _number(stack: Stack, resource: Resource, key: str, default: float) -> float:
    """Read a number; one that stands for a parameter of unknown value is AWS's default."""
    value = resource.properties.get(key, default)
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return float(value)
    except ValueError:
        if str(value).startswith("local-"):
            return default
    raise TemplateError(
        f"{key} of {resource.logical_id} is not a number", where=stack.document.where(resource.logical_id)
    )


def _environment(properties: Mapping[str, Any]) -> dict[str, str]:
    variables = as_mapping(as_mapping(properties.get("Environment")).get("Variables"))
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in variables.items()
        if value is not None
    }


def _logging_variables(properties: Mapping[str, Any]) -> dict[str, str]:
    """
    Give the variables by which the runtime knows of `LoggingConfig`.

    Source: Lambda Developer Guide, "Configuring JSON and plain text log formats": with JSON the level is INFO unless
    another one is given.
    """
    config = as_mapping(properties.get("LoggingConfig"))
    if str(config.get("LogFormat")).upper() != "JSON":
        return {}
    level = config.get("ApplicationLogLevel") or "INFO"
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": str(level)}


def _layers(stack: Stack, resource: Resource) -> tuple[Path, ...]:
    """Find the folders of the layers that the template itself declares; others are not on this machine."""
    local = {
        arn_of(_LAYER, str(layer.properties["LayerName"]), stack.deployment): layer
        for layer in stack.resources
        if layer.type == _LAYER and isinstance(layer.properties.get("Content"), str)
    }
    wanted = (local.get(str(arn)) for arn in as_sequence(resource.properties.get("Layers")))
    return tuple(
        _folder(stack, layer, str(layer.properties["Content"]), "content") for layer in wanted if layer is not None
    )
