"""The REST API: its one stage, who may call it, and what is written down of the calls."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from serving.feature import Feature

from .openapi import body
from .parts import Json, alarm, get, log_group, managed_role, ref, resource, sub, when

STAGE = "APIGatewayStageName"
_LATENCY_MS = 15_000
_LOGGED = {  # no header, no body
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
    """functions: of each feature id, the name of the function that answers."""
    imported = body(features)
    version = hashlib.sha256(json.dumps(imported, sort_keys=True).encode()).hexdigest()[:10]
    # a deployment is a copy: what changes the document needs a new one, which needs a new name
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
        "DataTraceEnabled": False,  # else bodies, such as photographs of faces, are logged
        "LoggingLevel": "OFF",
        "ThrottlingRateLimit": ref("RequestsPerSecond"),
        "ThrottlingBurstLimit": ref("RequestBurst"),
    }
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${AccessLog}"
    logging = {"DestinationArn": sub(group), "Format": json.dumps(_LOGGED)}
    properties = {
        "RestApiId": ref("Api"),
        "StageName": ref(STAGE),
        "DeploymentId": when("IsSigned", signed, when("IsKeyed", keyed, opened)),
        "Variables": dict(functions),
        "Description": when("SetsAccountRole", sub("Logs by the role of ${Account}."), "No role set."),
        "MethodSettings": [settings],
        "AccessLogSetting": when("HasAccessLogs", logging),
    }
    return resource("ApiGateway::Stage", properties)


def _access_logs() -> dict[str, Json]:
    """The log, and the setting without which API Gateway of this region writes none."""
    role = managed_role("apigateway", "service-role/AmazonAPIGatewayPushToCloudWatchLogs")
    # there is one setting per region, which other stacks may have come to rely on
    kept = {"Condition": "SetsAccountRole", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        "AccessLog": {**log_group(), "Condition": "HasAccessLogs"},
        "AccountRole": {**role, **kept},
        "Account": resource("ApiGateway::Account", {"CloudWatchRoleArn": get("AccountRole", "Arn")}, **kept),
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
    slow = f"One request in twenty takes longer than {_LATENCY_MS / 1000:g} s."
    return {
        "ApiErrors": alarm(
            "AWS/ApiGateway 5XXError", "Over 5 % of the requests fail.", dimensions, above=0.05
        ),
        "ApiLatency": alarm("AWS/ApiGateway Latency", slow, dimensions, above=_LATENCY_MS, p95=True),
    }
