"""A SageMaker endpoint. It scales with the requests in flight, and rolls back an update that fails."""

from collections.abc import Sequence

from serving.feature import Feature
from serving.http import Json

from .parts import alarm, allow, arn, get, log_group, ref, resource, role, s3_arn, sub, when

VARIANT = "all"
_STARTUP_S = 900  # includes the time to pull a large image
_DOWNLOAD_S = 900
_LATENCY_US = 10_000_000
_SCALE_OUT_S, _SCALE_IN_S = 60, 300
_WATCH_S = 300  # time after an update in which an alarm rolls it back; the old instances stay until then
_STACK_ID = {"Fn::Select": [2, {"Fn::Split": ["/", ref("AWS::StackId")]}]}


def endpoint_name(feature: Feature) -> Json:
    """Returns the name of the endpoint, which differs from stack to stack.

    It is known before the endpoint exists, so that roles and alarms can name the endpoint.
    """
    return {
        "Fn::Join": [
            "-",
            [feature.name.replace("_", "-"), {"Fn::Select": [0, {"Fn::Split": ["-", _STACK_ID]}]}],
        ]
    }


def endpoint(feature: Feature, image: Json, environment: Json, statements: Sequence[Json]) -> dict[str, Json]:
    """Returns the endpoint with its role, logs, alarms and scaling.

    statements: the policy statements of the container, in addition to those for starting and logging.
    """
    name = endpoint_name(feature)
    container = {"Image": image, "Environment": environment}
    model = {"ExecutionRoleArn": get("ExecutionRole", "Arn"), "PrimaryContainer": container}
    properties = {
        "EndpointName": name,
        "EndpointConfigName": get("EndpointConfig", "EndpointConfigName"),
        "RetainAllVariantProperties": True,  # an update keeps the number of instances that scaling has set
        "DeploymentConfig": _deployment(),
    }
    return {
        "ExecutionRole": _execution_role(feature, statements),
        "EndpointLogs": log_group(sub("/aws/sagemaker/Endpoints/${Name}", Name=name)),
        "Model": resource("SageMaker::Model", model),
        "EndpointConfig": resource("SageMaker::EndpointConfig", _config(feature)),
        "Endpoint": resource("SageMaker::Endpoint", properties, DependsOn=["EndpointLogs"]),
        **_alarms(feature),
        **_scaling(feature),
    }


def _config(feature: Feature) -> Json:
    instance = when("HasInstanceType", ref("InstanceType"), feature.resources.instance_type)
    variant = {
        "VariantName": VARIANT,
        "ModelName": get("Model", "ModelName"),
        "InitialVariantWeight": 1,
        "InitialInstanceCount": ref("MinInstances"),
        "InstanceType": instance,
        "InferenceAmiVersion": when("HasAmi", ref("InferenceAmiVersion")),
        "ContainerStartupHealthCheckTimeoutInSeconds": _STARTUP_S,
        "ModelDataDownloadTimeoutInSeconds": _DOWNLOAD_S,
    }
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": ref("DataCapturePercent"),
        "DestinationS3Uri": sub(f"s3://${{DataCaptureBucket}}/{feature.name}"),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    return {"ProductionVariants": [variant], "DataCaptureConfig": when("HasDataCapture", capture)}


def _deployment() -> Json:
    """Returns the policy of updates. All traffic moves to new instances at once; errors move it back."""
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": _WATCH_S}
    update = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}
    rollback = {"Alarms": [{"AlarmName": ref("EndpointErrors")}]}
    return {"BlueGreenUpdatePolicy": update, "AutoRollbackConfiguration": rollback}


def _execution_role(feature: Feature, statements: Sequence[Json]) -> Json:
    logs = arn("logs", "log-group:/aws/sagemaker/Endpoints/${Name}*", Name=endpoint_name(feature))
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    metrics = {"cloudwatch:namespace": "/aws/sagemaker/*"}
    capture = allow(["s3:PutObject"], s3_arn(f"${{DataCaptureBucket}}/{feature.name}/*"))
    return role(
        "sagemaker",
        [
            allow(["ecr:GetAuthorizationToken"], "*"),
            allow(pull, _repository(feature)),
            allow(
                [
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                ],
                logs,
            ),
            allow(["cloudwatch:PutMetricData"], "*", StringLike=metrics),
            when("HasDataCapture", capture),
            *statements,
        ],
    )


def _repository(feature: Feature) -> Json:
    """Returns the ARN of the image's repository; account and region come from the address of the registry."""
    parts = {"Fn::Split": [".", ref("Registry")]}
    account, region = {"Fn::Select": [0, parts]}, {"Fn::Select": [3, parts]}
    name = f"${{ImagePrefix}}/{feature.name.replace('_', '-')}"
    return sub(
        f"arn:${{AWS::Partition}}:ecr:${{Region}}:${{Account}}:repository/{name}",
        Region=region,
        Account=account,
    )


def _alarms(feature: Feature) -> dict[str, Json]:
    dimensions = {"EndpointName": endpoint_name(feature), "VariantName": VARIANT}
    errors = f"{feature.title}: more than 5 % of the requests fail."
    slow = f"{feature.title}: more than 5 % of the requests take longer than {_LATENCY_US / 1e6:g} s."
    return {
        "EndpointErrors": alarm("AWS/SageMaker Invocation5XXErrors", errors, dimensions, above=0.05),
        "EndpointLatency": alarm("AWS/SageMaker ModelLatency", slow, dimensions, above=_LATENCY_US, p95=True),
    }


def _scaling(feature: Feature) -> dict[str, Json]:
    """Returns the scaling: one instance for each full batch of requests in flight."""
    scaled = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": sub(f"endpoint/${{Name}}/variant/{VARIANT}", Name=endpoint_name(feature)),
    }
    limits = {"MinCapacity": ref("MinInstances"), "MaxCapacity": ref("MaxInstances")}
    metric = {"PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"}
    policy = {
        "PolicyName": "requests-in-flight",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": ref("ScalableTarget"),
        "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": metric,
            "TargetValue": feature.batching.max_size,
            "ScaleOutCooldown": _SCALE_OUT_S,
            "ScaleInCooldown": _SCALE_IN_S,
        },
    }
    target = resource("ApplicationAutoScaling::ScalableTarget", {**scaled, **limits}, DependsOn=["Endpoint"])
    return {
        "ScalableTarget": target,
        "ScalingPolicy": resource("ApplicationAutoScaling::ScalingPolicy", policy),
    }
