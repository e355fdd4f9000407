"""SAM templates, written out as plain CloudFormation by AWS's own translator, without a call to AWS."""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from replay.errors import TemplateError
from replay.functions.deployment import Deployment
from replay.functions.documents import Document, as_mapping, load_document
from replay.functions.intrinsics import Scope
from replay.functions.kept_translations import kept_translation
from replay.payloads.exact_json import Json

_TRANSFORM = "AWS::Serverless-2016-10-31"
_BUCKET = "replay-local"
_CODE_PROPERTIES = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
_DEFINITION_PROPERTIES = {
    "AWS::Serverless::Api": "DefinitionBody",
    "AWS::Serverless::HttpApi": "DefinitionBody",
    "AWS::Serverless::StateMachine": "Definition",
}
_PLACES = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}


def is_sam(document: Document) -> bool:
    """Say whether a template asks for SAM's transform."""
    transforms = document.data.get("Transform")
    return _TRANSFORM in (transforms if isinstance(transforms, list) else [transforms])


def lacks_transform(document: Document) -> bool:
    """Say whether a template has resources of SAM and does not ask for its transform, so that they mean nothing."""
    kinds = [as_mapping(resource).get("Type") for resource in as_mapping(document.data.get("Resources")).values()]
    return not is_sam(document) and any(str(kind).startswith("AWS::Serverless::") for kind in kinds)


def expand_sam(document: Document, deployment: Deployment) -> Document:
    """
    Write a SAM template out as plain CloudFormation, in which `Code` and `Content` are local paths where they were.

    Raises:
        TemplateError: SAM refuses the template, as it would when deploying.
    """
    template = copy.deepcopy({**document.data})
    _hide_local_paths(template, document, Scope(document, deployment))
    asked = {"template": template, "parameters": dict(deployment.parameters), "region": deployment.region}
    plain = kept_translation(asked, lambda: _translate(template, document, deployment))
    _restore_local_paths(plain)
    return replace(document, data=plain)


@dataclass(frozen=True, slots=True)
class _Session:
    """All that the translator asks of a boto3 session."""

    region_name: str


def _translate(template: dict[str, Any], document: Document, deployment: Deployment) -> dict[str, Json]:
    from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    metrics = Metrics("ServerlessTransform", DummyMetricsPublisher())
    try:
        translator = Translator({}, Parser(), boto_session=_Session(deployment.region), metrics=metrics)
        plain: dict[str, Json] = translator.translate(template, dict(deployment.parameters))
    except InvalidDocumentException as error:
        raise _refusal(error, document) from None
    except RecursionError:
        raise
    except Exception as error:  # noqa: BLE001 - its own checks let malformed templates through to all sorts of errors
        raise TemplateError(
            f"SAM cannot read the template: {type(error).__name__}: {error}",
            where=document.where(),
            expected="a template that `sam validate` accepts",
            hint="run: sam validate --lint",
        ) from None
    finally:
        metrics.publish()  # else it complains on stderr when it is collected
    return plain


def _refusal(error: Any, document: Document) -> TemplateError:
    """Put SAM's complaints in one error; event resources are called by their function's id and their own, joined."""
    causes = sorted(error.causes, key=lambda cause: str(cause.message))
    messages = [str(cause.message) for cause in causes] or [str(error.message)]
    named = re.search(r"with id \[(\w+)\]", messages[0])
    logical_id = named[1] if named else ""
    resources = document.section("Resources")
    if logical_id not in resources:
        logical_id = next((known for known in resources if known and logical_id.startswith(known)), "")
    return TemplateError(
        f"SAM refuses the template: {messages[0].rstrip('.')}",
        where=document.where(logical_id),
        expected="a template that `sam validate` accepts",
        hint=f"and {len(messages) - 1} more: run: sam validate --lint" if messages[1:] else "run: sam validate --lint",
    )


def _hide_local_paths(template: dict[str, Any], document: Document, scope: Scope) -> None:
    """Give the translator S3 addresses, all that it takes, that still tell the paths; and embed local definitions."""
    shared = as_mapping(template.get("Globals"))
    resources = as_mapping(template.get("Resources"))
    for logical_id, declared in resources.items():
        if not isinstance(declared, dict):
            continue
        kind = str(declared.get("Type"))
        properties = declared.setdefault("Properties", {})
        if kind == "AWS::Serverless::Application":
            # The translator would ask AWS for an application of the repository; its functions are not ours to run.
            resources[logical_id] = {"Type": "AWS::CloudFormation::Stack"}
        elif kind in _CODE_PROPERTIES and isinstance(properties, dict):
            _hide_code(properties, kind, scope, shared)
        elif kind in _DEFINITION_PROPERTIES and isinstance(properties, dict):
            _embed_definition(properties, _DEFINITION_PROPERTIES[kind], document, scope)
    for kind in _CODE_PROPERTIES:
        properties = shared.get(kind.rpartition("::")[2])
        if isinstance(properties, dict):
            _hide_code(properties, kind, scope)


def _hide_code(properties: dict[str, Any], kind: str, scope: Scope, shared: Mapping[str, Any] | None = None) -> None:
    """Hide the code of a resource or, without *shared*, of the section Globals, which need not name any."""
    key = _CODE_PROPERTIES[kind]
    inherited = as_mapping((shared or {}).get(kind.rpartition("::")[2]))
    if "InlineCode" in properties:
        return
    if properties.get("PackageType", inherited.get("PackageType")) == "Image":
        properties.setdefault("ImageUri", _BUCKET)
        return
    path = scope.resolve(properties.get(key))
    if path is None and shared is not None and key not in inherited:
        path = "."  # as `sam build` has it
    if isinstance(path, str) and not path.startswith("s3://"):
        properties[key] = _address(path)


def _embed_definition(properties: dict[str, Any], key: str, document: Document, scope: Scope) -> None:
    path = scope.resolve(properties.get("DefinitionUri"))
    if not isinstance(path, str) or path.startswith("s3://"):
        return
    file = document.path.parent / path
    if file.is_file():
        del properties["DefinitionUri"]
        properties[key] = {**load_document(file).data}
    else:
        properties["DefinitionUri"] = _address(path)


def _address(path: str) -> str:
    return f"s3://{_BUCKET}/{quote(path or '.', safe='')}"


def _restore_local_paths(plain: Mapping[str, Any]) -> None:
    for resource in map(as_mapping, as_mapping(plain.get("Resources")).values()):
        place = _PLACES.get(str(resource.get("Type")), "")
        properties = as_mapping(resource.get("Properties"))
        stored = as_mapping(properties.get(place))
        if stored.get("S3Bucket") == _BUCKET:
            properties[place] = unquote(str(stored.get("S3Key")))
