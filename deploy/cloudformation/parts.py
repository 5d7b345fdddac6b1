"""What CloudFormation templates are put together from: intrinsic functions and shapes that recur."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

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
    """A condition: the parameter is not empty."""
    return {"Fn::Not": [equals(parameter, "")]}


def arn(service: str, resource: str, **values: Any) -> Json:
    """Of this account and region."""
    return sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}", **values)


def s3_arn(place: str) -> Json:
    """Of a bucket, or of `bucket/key`."""
    return sub(f"arn:${{AWS::Partition}}:s3:::{place}")


def resource(kind: str, properties: Json, **attributes: Any) -> Json:
    """attributes: Condition, DependsOn and the like."""
    return {"Type": f"AWS::{kind}", **attributes, "Properties": properties}


def only(condition: str, resources: Mapping[str, Json]) -> Json:
    """The resources, existing where the condition holds."""
    return {name: {**one, "Condition": condition} for name, one in resources.items()}


def allow(actions: Sequence[str], on: Any, **condition: Any) -> Json:
    """A statement of a policy. condition: operator and what it compares."""
    limits = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **limits}


def role(service: str, statements: Sequence[Json]) -> Json:
    """What the service may do in our name."""
    policy = {"PolicyName": "own", "PolicyDocument": _policy(statements)}
    return resource("IAM::Role", {"AssumeRolePolicyDocument": _trust(service), "Policies": [policy]})


def managed_role(service: str, policy: str) -> Json:
    """A role with a policy of AWS's own."""
    managed = sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{policy}")
    return resource(
        "IAM::Role", {"AssumeRolePolicyDocument": _trust(service), "ManagedPolicyArns": [managed]}
    )


def _trust(service: str) -> Json:
    principal = {"Service": f"{service}.amazonaws.com"}  # in both partitions
    return _policy([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}])


def _policy(statements: Sequence[Json]) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def log_group(name: Any = NOTHING) -> Json:
    properties = {"LogGroupName": name, "RetentionInDays": ref("LogRetentionDays")}
    return resource("Logs::LogGroup", {key: value for key, value in properties.items() if value != NOTHING})


def alarm(
    metric: str, meaning: str, dimensions: Mapping[str, Any], *, above: float, p95: bool = False
) -> Json:
    """Rings after three minutes of five above the threshold; silence is no fault.

    metric: `AWS/ApiGateway Latency`, compared by its 95th percentile, else by its mean.
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
