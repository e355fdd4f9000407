"""What CDK leaves in cdk.out: assets found, stack and region known, functions by their short names."""

import json
from pathlib import Path
from typing import Any

import pytest

from replay.errors import TemplateError
from replay.functions.catalog import build_catalog
from replay.functions.function import Function

HASH = "9f" * 32


def assembly(
    root: Path, resources: dict[str, Any], *, environment: str = "aws://unknown-account/unknown-region"
) -> Path:
    """Write a cloud assembly of one stack, as `cdk synth` does."""
    out = root / "cdk.out"
    (out / f"asset.{HASH}").mkdir(parents=True)
    manifest = {
        "version": "36.0.0",
        "artifacts": {
            "ShopStack.assets": {"type": "cdk:asset-manifest", "properties": {"file": "ShopStack.assets.json"}},
            "ShopStack": {
                "type": "aws:cloudformation:stack",
                "environment": environment,
                "properties": {"templateFile": "ShopStack.template.json", "stackName": "shop"},
            },
        },
    }
    (out / "manifest.json").write_text(json.dumps(manifest))
    assets = {"version": "36.0.0", "files": {HASH: {"source": {"path": f"asset.{HASH}", "packaging": "zip"}}}}
    (out / "ShopStack.assets.json").write_text(json.dumps(assets))
    (out / "ShopStack.template.json").write_text(json.dumps({"Resources": resources}))
    return out


def cdk_function(metadata: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {
                "S3Bucket": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"},
                "S3Key": f"{HASH}.zip",
            },
            "Handler": "app.handler",
            "Runtime": "python3.12",
            **properties,
        },
        "Metadata": metadata or {},
    }


def get(root: Path, name: str) -> Function:
    return build_catalog(root=root, settings={}, templates=[]).get(name)


ASSET = {"aws:asset:path": f"asset.{HASH}", "aws:asset:property": "Code"}


@pytest.mark.parametrize("metadata", [ASSET, {}], ids=["metadata", "asset manifest"])
def test_an_asset_is_the_code(tmp_path: Path, metadata: dict[str, Any]) -> None:
    """The asset is found by its metadata, or by its hash in the asset manifest."""
    out = assembly(tmp_path, {"OrdersFunction3A7F0E1B": cdk_function(metadata)})
    assert get(tmp_path, "orders").code == out / f"asset.{HASH}"


def test_the_source_folder_is_preferred(tmp_path: Path) -> None:
    """An asset that CDK only copied is run where it came from, so that a fix counts at once; a bundled one is not."""
    (tmp_path / "lambda").mkdir()
    plain = {**ASSET, "aws:asset:original-path": "lambda", "aws:asset:is-bundled": False}
    bundled = {**plain, "aws:asset:is-bundled": True}
    moved = {**plain, "aws:asset:original-path": "/not/on/this/machine"}
    out = assembly(
        tmp_path,
        {"A11111111": cdk_function(plain), "B22222222": cdk_function(bundled), "C33333333": cdk_function(moved)},
    )
    assert get(tmp_path, "a").code == tmp_path / "lambda"
    assert get(tmp_path, "b").code == out / f"asset.{HASH}"
    assert get(tmp_path, "c").code == out / f"asset.{HASH}"


@pytest.mark.parametrize("name", ["orders", "OrdersFunction", "orders-function", "OrdersFunction3A7F0E1B"])
def test_a_hashed_logical_id_has_short_names(tmp_path: Path, name: str) -> None:
    """Nobody types CDK's hash."""
    assembly(tmp_path, {"OrdersFunction3A7F0E1B": cdk_function(ASSET)})
    assert get(tmp_path, name).name == "OrdersFunction3A7F0E1B"


def test_the_manifest_tells_stack_account_and_region(tmp_path: Path) -> None:
    """Names and ARNs are those of the stack's own environment."""
    assembly(
        tmp_path,
        {
            "Table": {"Type": "AWS::DynamoDB::Table"},
            "F": cdk_function(ASSET, Environment={"Variables": {"T": {"Fn::GetAtt": ["Table", "Arn"]}}}),
        },
        environment="aws://111122223333/eu-west-1",
    )
    found = get(tmp_path, "F")
    assert (found.region, found.account_id) == ("eu-west-1", "111122223333")
    assert found.environment == {"T": "arn:aws:dynamodb:eu-west-1:111122223333:table/shop-Table"}


def test_an_environment_agnostic_stack_is_here(tmp_path: Path) -> None:
    """Without an account and a region in the stack the defaults hold."""
    assembly(tmp_path, {"F": cdk_function(ASSET)})
    assert (get(tmp_path, "F").region, get(tmp_path, "F").account_id) == ("us-east-1", "123456789012")


def test_bucket_notifications_by_custom_resource(tmp_path: Path) -> None:
    """CDK sets a bucket's notifications by a custom resource; it counts as the event source that it is."""
    notifications = {
        "Type": "Custom::S3BucketNotifications",
        "Properties": {
            "BucketName": {"Ref": "Bucket"},
            "NotificationConfiguration": {
                "LambdaFunctionConfigurations": [{"LambdaFunctionArn": {"Fn::GetAtt": ["F", "Arn"]}}]
            },
        },
    }
    assembly(tmp_path, {"Bucket": {"Type": "AWS::S3::Bucket"}, "N": notifications, "F": cdk_function(ASSET)})
    (source,) = get(tmp_path, "F").event_sources
    assert (source.kind, source.arn) == ("s3", "arn:aws:s3:::shop-bucket")


def test_code_without_an_asset_is_said(tmp_path: Path) -> None:
    """Code from a bucket of one's own is not on this machine."""
    assembly(tmp_path, {"F": cdk_function(Code={"S3Bucket": "mine", "S3Key": "code.zip"})})
    with pytest.raises(TemplateError, match="not in a folder here"):
        get(tmp_path, "F")
