"""The REST API: its stage, its usage plan, its access log and its alarms."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from serving.feature import Feature
from serving.http import Json

from .openapi import body
from .parts import alarm, get, log_group, managed_role, ref, resource, sub, when

STAGE = "APIGatewayStageName"
_LATENCY_MS = 15_000
_LOGGED = {  # neither headers nor bodies, which may hold personal data
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "caller": "$context.identity.userArn",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "integration_ms": "$context.integrationLatency",
}


def api(features: Sequence[Feature], functions: Mapping[str, Any]) -> dict[str, Json]:
    """Returns the resources of the API. functions: the name of the function that answers, by feature id."""
    imported = body(features)
    version = hashlib.sha256(json.dumps(imported, sort_keys=True).encode()).hexdigest()[:10]
    # a deployment is a copy of the API: a changed document needs a new deployment, under a new logical id
    deployments = {kind: f"Deployment{version}{kind}" for kind in ("IsSigned", "IsKeyed", "IsOpen")}
    deployment = resource("ApiGateway::Deployment", {"RestApiId": ref("Api")})
    properties = {"Body": imported, "EndpointConfiguration": {"Types": ["REGIONAL"]}}
    return {
        "Api": resource("ApiGateway::RestApi", properties),
        **{name: {**deployment, "Condition": kind} for kind, name in deployments.items()},
        "Stage": _stage(deployments, functions),
        **_access_logs(),
        **_usage_plan(),
        **_alarms(),
    }


def _stage(deployments: Mapping[str, str], functions: Mapping[str, Any]) -> Json:
    signed, keyed, opened = (ref(name) for name in deployments.values())
    settings = {
        "HttpMethod": "*",
        "ResourcePath": "/*",
        "MetricsEnabled": True,
        "DataTraceEnabled": False,  # True would log the bodies, such as photographs of faces
        "LoggingLevel": "OFF",
        "ThrottlingRateLimit": ref("RequestsPerSecond"),
        "ThrottlingBurstLimit": ref("RequestBurst"),
    }
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${AccessLog}"
    logging = {"DestinationArn": sub(group), "Format": json.dumps(_LOGGED)}
    # the description names Account, so that CloudFormation sets the role before it creates the stage
    properties = {
        "RestApiId": ref("Api"),
        "StageName": ref(STAGE),
        "DeploymentId": when("IsSigned", signed, when("IsKeyed", keyed, opened)),
        "Variables": dict(functions),
        "Description": when(
            "SetsAccountRole",
            sub("Access logs use the role of ${Account}."),
            "The stack sets no role for logs.",
        ),
        "MethodSettings": [settings],
        "AccessLogSetting": when("HasAccessLogs", logging),
    }
    return resource("ApiGateway::Stage", properties)


def _access_logs() -> dict[str, Json]:
    """Returns the access log, and the account setting that API Gateway needs to write logs in a region."""
    role = managed_role("apigateway", "service-role/AmazonAPIGatewayPushToCloudWatchLogs")
    # the setting exists once per region; it stays, because other stacks may use it by then
    retained = {"Condition": "SetsAccountRole", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        "AccessLog": {**log_group(), "Condition": "HasAccessLogs"},
        "AccountRole": {**role, **retained},
        "Account": resource(
            "ApiGateway::Account", {"CloudWatchRoleArn": get("AccountRole", "Arn")}, **retained
        ),
    }


def _usage_plan() -> dict[str, Json]:
    throttle = {"RateLimit": ref("RequestsPerSecond"), "BurstLimit": ref("RequestBurst")}
    plan = {
        "ApiStages": [{"ApiId": ref("Api"), "Stage": ref("Stage")}],
        "Throttle": throttle,
        "Quota": {"Limit": ref("RequestsPerMonth"), "Period": "MONTH"},
    }
    member = {"KeyId": ref("ApiKey"), "KeyType": "API_KEY", "UsagePlanId": ref("UsagePlan")}
    return {
        "UsagePlan": resource("ApiGateway::UsagePlan", plan, Condition="IsKeyed"),
        "ApiKey": resource("ApiGateway::ApiKey", {"Enabled": True}, Condition="IsKeyed"),
        "UsagePlanKey": resource("ApiGateway::UsagePlanKey", member, Condition="IsKeyed"),
    }


def _alarms() -> dict[str, Json]:
    dimensions = {"ApiName": ref("AWS::StackName"), "Stage": ref(STAGE)}
    slow = f"More than 5 % of the requests take longer than {_LATENCY_MS / 1000:g} s."
    return {
        "ApiErrors": alarm(
            "AWS/ApiGateway 5XXError", "More than 5 % of the requests fail.", dimensions, above=0.05
        ),
        "ApiLatency": alarm("AWS/ApiGateway Latency", slow, dimensions, above=_LATENCY_MS, p95=True),
    }
