"""The services as botocore knows them: their names, what else they are called, and their models, read when needed."""

import functools
from typing import Any

IAM_NAMES = {
    "airflow": "mwaa",
    "aoss": "opensearchserverless",
    "aps": "amp",
    "cassandra": "keyspaces",
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "eventbridge": "events",
    "execute-api": "apigatewaymanagementapi",
    "geo": "location",
    "mobiletargeting": "pinpoint",
    "monitoring": "cloudwatch",
    "sfn": "stepfunctions",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}
"""What IAM policies and users call services, where botocore does not."""

_BY_SIGNING_NAME = {
    "apigateway": ("apigateway", "apigatewayv2"),
    "appconfig": ("appconfigdata", "appconfig"),
    "bedrock": ("bedrock-runtime", "bedrock-agent-runtime", "bedrock", "bedrock-agent"),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticloadbalancing": ("elbv2", "elb"),
    "es": ("opensearch", "es"),
    "geo": ("location",),
    "iotdata": ("iot-data",),
    "rds": ("rds", "docdb", "neptune"),
    "s3": ("s3", "s3control"),
    "sagemaker": ("sagemaker-runtime", "sagemaker-featurestore-runtime", "sagemaker"),
    "servicequotas": ("service-quotas",),
    "ses": ("sesv2", "ses"),
    "sso-oauth": ("sso-oidc",),
    "timestream": ("timestream-write", "timestream-query"),
}
"""Services that sign their requests by another name, or share one. Source: `signingName` in botocore's models."""


def services_signing_as(name: str) -> tuple[str, ...]:
    """Give the services, as botocore names them, whose requests are signed for *name*; the likely ones first."""
    return _BY_SIGNING_NAME.get(name) or (IAM_NAMES.get(name, name),)


@functools.cache
def service_names() -> tuple[str, ...]:
    """List every service."""
    return tuple(_loader().list_available_services("service-2"))


@functools.cache
def service_model(service: str) -> Any:
    """
    Give botocore's model of *service*.

    Raises:
        botocore.exceptions.UnknownServiceError: There is no such service.
    """
    from botocore.model import ServiceModel

    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


@functools.cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()
