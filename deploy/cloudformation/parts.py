"""Building blocks of CloudFormation templates: intrinsic functions, and resources that recur."""

from collections.abc import Mapping, Sequence
from typing import Any

from serving.http import Json

NOTHING: Json = {"Ref": "AWS::NoValue"}


def ref(name: str) -> Json:
    return {"Ref": name}


def get(resource: str, attribute: str) -> Json:
    return {"Fn::GetAtt": [resource, attribute]}


def sub(text: str, **values: Any) -> Json:
    return {"Fn::Sub": [text, values] if values else text}


def when(condition: str, then: Any, otherwise: Any = NOTHING) -> Json:
    return {"Fn::If": [condition, then, otherwise]}


def equals(parameter: str, value: str) -> Json:
    return {"Fn::Equals": [ref(parameter), value]}


def given(parameter: str) -> Json:
    """Returns the condition that the parameter is not empty."""
    return {"Fn::Not": [equals(parameter, "")]}


def arn(service: str, resource: str, **values: Any) -> Json:
    """Returns the ARN of a resource in the account and region of the stack."""
    return sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}", **values)


def s3_arn(path: str) -> Json:
    """Returns the ARN of a bucket or of an object. path: `bucket` or `bucket/key`."""
    return sub(f"arn:${{AWS::Partition}}:s3:::{path}")


def resource(kind: str, properties: Json, **attributes: Any) -> Json:
    """Returns the declaration of a resource. attributes: Condition, DependsOn and so on."""
    return {"Type": f"AWS::{kind}", **attributes, "Properties": properties}


def only(condition: str, resources: Mapping[str, Json]) -> Json:
    """Returns the resources with a condition: CloudFormation creates them only if it holds."""
    return {name: {**one, "Condition": condition} for name, one in resources.items()}


def allow(actions: Sequence[str], on: Any, **condition: Any) -> Json:
    """Returns a policy statement. condition: operators, each with the values that it compares."""
    limits = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **limits}


def role(service: str, statements: Sequence[Json]) -> Json:
    """Returns a role that the service assumes."""
    policy = {"PolicyName": "own", "PolicyDocument": _policy(statements)}
    return resource("IAM::Role", {"AssumeRolePolicyDocument": _trust(service), "Policies": [policy]})


def managed_role(service: str, policy: str) -> Json:
    """Returns a role that the service assumes, with a policy that AWS manages."""
    managed = sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{policy}")
    return resource(
        "IAM::Role", {"AssumeRolePolicyDocument": _trust(service), "ManagedPolicyArns": [managed]}
    )


def _trust(service: str) -> Json:
    principal = {"Service": f"{service}.amazonaws.com"}  # the same in the partitions aws and aws-cn
    return _policy([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}])


def _policy(statements: Sequence[Json]) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def log_group(name: Any = NOTHING) -> Json:
    properties = {"LogGroupName": name, "RetentionInDays": ref("LogRetentionDays")}
    return resource("Logs::LogGroup", {key: value for key, value in properties.items() if value != NOTHING})


def alarm(
    metric: str, meaning: str, dimensions: Mapping[str, Any], *, above: float, p95: bool = False
) -> Json:
    """Returns an alarm that rings when three of five minutes are above the threshold.

    Minutes without data do not count. metric: namespace and name, such as `AWS/ApiGateway Latency`.
    p95: compares the 95th percentile of a minute instead of its mean.
    """
    namespace, _, name = metric.partition(" ")
    properties = {
        "AlarmDescription": meaning,
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        **({"ExtendedStatistic": "p95"} if p95 else {"Statistic": "Average"}),
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": above,
        "TreatMissingData": "notBreaching",
        "AlarmActions": when("HasAlarmTopic", [ref("AlarmTopic")]),
    }
    return resource("CloudWatch::Alarm", properties)
