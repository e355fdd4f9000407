"""
What CDK writes into `cdk.out`: plain CloudFormation, whose code is in assets beside it.

Where CDK did not bundle an asset, the folder that it was copied from is used, so that a fix in the source counts
without another `cdk synth`.

Source: AWS CDK, cloud assembly schema (`manifest.json`, `*.assets.json`) and asset metadata (`aws:asset:path`).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from replay.functions.deployment import Deployment
from replay.functions.documents import Document, as_mapping, load_document

_SUFFIX = ".template.json"
_ENVIRONMENT = re.compile(r"aws://([^/]+)/([^/]+)")
_PROPERTIES = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}


def is_cdk(path: Path) -> bool:
    """Say whether *path* is a template of a cloud assembly."""
    return path.name.endswith(_SUFFIX) and (path.parent / "manifest.json").is_file()


def cdk_deployment(path: Path, deployment: Deployment) -> Deployment:
    """Take the stack's name, and its account and region where the stack has them, from the assembly's manifest."""
    artifacts = as_mapping(load_document(path.parent / "manifest.json").data.get("artifacts"))
    for artifact_id, artifact in artifacts.items():
        properties = as_mapping(as_mapping(artifact).get("properties"))
        if properties.get("templateFile") == path.name:
            found = _ENVIRONMENT.fullmatch(str(artifact.get("environment", "")))
            account, region = found.groups() if found else ("unknown-account", "unknown-region")
            return replace(
                deployment,
                stack_name=str(properties.get("stackName", artifact_id)),
                account_id=deployment.account_id if account == "unknown-account" else account,
                region=deployment.region if region == "unknown-region" else region,
            )
    return replace(deployment, stack_name=path.name.removesuffix(_SUFFIX).removesuffix(".nested"))


def locate_assets(document: Document) -> Document:
    """Write the folders of a template's assets where CDK wrote their places in S3."""
    sources = _asset_sources(document.path)
    resources = {
        logical_id: _located(as_mapping(resource), sources, document.path.parent)
        for logical_id, resource in document.section("Resources").items()
    }
    return replace(document, data={**document.data, "Resources": resources})


def _located(resource: dict[str, Any], sources: Mapping[str, str], assembly: Path) -> dict[str, Any]:
    key = _PROPERTIES.get(str(resource.get("Type")))
    if key is None:
        return resource
    metadata, properties = as_mapping(resource.get("Metadata")), as_mapping(resource.get("Properties"))
    stored = str(as_mapping(properties.get(key)).get("S3Key", ""))
    asset = metadata.get("aws:asset:path") or sources.get(stored.removesuffix(".zip"))
    if not isinstance(asset, str):
        return resource
    folder = assembly / asset
    original = metadata.get("aws:asset:original-path")
    if isinstance(original, str) and metadata.get("aws:asset:is-bundled") is False:
        # A relative one is seen from where `cdk synth` ran: the folder of cdk.json, which holds cdk.out.
        source = assembly.parent / original
        folder = source if source.is_dir() else folder
    return {**resource, "Properties": {**properties, key: str(folder)}}


def _asset_sources(template: Path) -> dict[str, str]:
    """Read which asset has which hash, for stacks that were synthesised without asset metadata."""
    manifest = template.with_name(template.name.removesuffix(_SUFFIX) + ".assets.json")
    if not manifest.is_file():
        return {}
    files = as_mapping(load_document(manifest).data.get("files"))
    sources = {name: as_mapping(as_mapping(asset).get("source")).get("path") for name, asset in files.items()}
    return {name: path for name, path in sources.items() if isinstance(path, str)}
