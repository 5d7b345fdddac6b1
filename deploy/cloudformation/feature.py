"""The nested stack of one feature: a function that runs it, or an endpoint and its proxy function."""

from typing import Any

from serving.feature import Feature
from serving.http import Json

from . import store
from .assets import Asset
from .endpoint import endpoint, endpoint_name
from .functions import image_function, invocable, zip_function
from .parameters import FEATURE, FEATURE_CONDITIONS, SHARED
from .parts import allow, arn, only, ref, s3_arn, sub, when


def feature_template(feature: Feature, proxy: Asset) -> Json:
    data = feature.store
    environment = _environment(feature) | (store.environment(data) if data else {})
    reads = when("HasInput", allow(["s3:GetObject"], s3_arn("${InputBucket}/${InputPrefix}*")))
    statements = [reads, *(store.statements(data) if data else [])]
    on_lambda = image_function(feature, _image(feature, "-lambda"), environment, statements)
    on_sagemaker = endpoint(feature, _image(feature), environment, statements) | _proxy(feature, proxy)
    on_lambda["Permission"] = invocable("Function", "Api", "POST/*")
    on_sagemaker["ProxyPermission"] = invocable("Proxy", "Api", "POST/*")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"AI Solution Kit: {feature.title}, on Lambda or on a SageMaker endpoint.",
        "Parameters": {**FEATURE, **SHARED},
        "Conditions": dict(FEATURE_CONDITIONS),
        "Resources": {
            **only("OnLambda", on_lambda),
            **only("OnSageMaker", on_sagemaker),
            **(store.bucket(data) if data else {}),
        },
        "Outputs": _outputs(feature),
    }


def _outputs(feature: Feature) -> Json:
    function_output: dict[str, Any] = {
        "Description": "Name of the function that API Gateway invokes.",
        "Value": when("OnLambda", ref("Function"), ref("Proxy")),
    }
    endpoint_output = {
        "Description": "Name of the SageMaker endpoint.",
        "Condition": "OnSageMaker",
        "Value": endpoint_name(feature),
    }
    outputs = {"FunctionName": function_output, "EndpointName": endpoint_output}
    if feature.store:
        about = "Name of the bucket that stays when the stack is deleted."
        outputs["KeptBucket"] = {"Description": about, "Value": ref(store.bucket_name(feature.store))}
    return outputs


def _image(feature: Feature, tag_suffix: str = "") -> Json:
    name = feature.name.replace("_", "-")
    return sub(f"${{Registry}}/${{ImagePrefix}}/{name}:${{ImageTag}}{tag_suffix}")


def _environment(feature: Feature) -> Json:
    return {
        "AIKIT_FEATURE": feature.name,
        "AIKIT_LOG_LEVEL": ref("LogLevel"),
        "AIKIT_S3_ALLOW": when("HasInput", sub("s3://${InputBucket}/${InputPrefix}")),
    }


def _proxy(feature: Feature, asset: Asset) -> dict[str, Json]:
    name = endpoint_name(feature)
    invoke = allow(["sagemaker:InvokeEndpoint"], arn("sagemaker", "endpoint/${Name}", Name=name))
    environment = {"ENDPOINT_NAME": name}
    return zip_function("Proxy", f"{feature.title}: proxy", asset, environment, [invoke])
