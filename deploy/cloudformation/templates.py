"""The CloudFormation templates: a root stack with the API, and a nested stack for each deployed feature."""

from collections.abc import Mapping, Sequence

from serving.feature import Feature, discover
from serving.http import Json

from . import assets as template_assets
from .api import STAGE, api
from .feature import feature_template
from .functions import invocable, zip_function
from .parameters import FEATURE, GENERAL, SHARED, SHARED_CONDITIONS, choice
from .parts import equals, get, given, ref, resource, sub, when

ROOT = "ai-solution-kit.json"
_REGISTRY = sub("${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}")
_STAGE_URL = f"https://${{Api}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/${{{STAGE}}}"


def templates(features: Sequence[Feature]) -> dict[str, Json]:
    """Returns the templates by file name. `aikit deploy` uploads them to AssetsBucket, under AssetsPrefix."""
    proxy = template_assets.proxy()
    nested = {f"{feature.name}.json": feature_template(feature, proxy) for feature in features}
    return {ROOT: _root(features), **nested}


def assets(features: Sequence[Feature] | None = None) -> dict[str, bytes]:
    """Returns the zip files of the functions by file name, for the same folder as the templates.

    features: None for all features.
    """
    features = list(discover().values()) if features is None else features
    zip_files = (template_assets.proxy(), template_assets.explorer(features))
    return {asset.file: asset.content for asset in zip_files}


def _root(features: Sequence[Feature]) -> Json:
    functions = {
        feature.feature_id: when(
            feature.feature_id, get(f"{feature.feature_id}Stack", "Outputs.FunctionName"), ref("Explorer")
        )
        for feature in features
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "AI Solution Kit: a REST API for the chosen features, each on Lambda or SageMaker.",
        "Metadata": {"AWS::CloudFormation::Interface": _interface(features)},
        "Parameters": {**GENERAL, **_choices(features), **SHARED},
        "Conditions": _conditions(features),
        "Resources": {
            **{f"{feature.feature_id}Stack": _stack(feature) for feature in features},
            **api(features, functions),
            **_explorer(features),
        },
        "Outputs": _outputs(features),
    }


def _interface(features: Sequence[Feature]) -> Json:
    groups = {
        "General Configuration": list(GENERAL),
        "AI Features": [feature.feature_id for feature in features],
        "Images, instances and logs": list(SHARED),
    }
    return {
        "ParameterGroups": [
            {"Label": {"default": label}, "Parameters": names} for label, names in groups.items()
        ]
    }


def _choices(features: Sequence[Feature]) -> Mapping[str, Json]:
    return {
        feature.feature_id: choice(
            f"Deploy {feature.title}. {feature.summary}", "no", "yes-lambda", "yes-sagemaker"
        )
        for feature in features
    }


def _conditions(features: Sequence[Feature]) -> Mapping[str, Json]:
    authorised = "APIGatewayAuthorization"
    return {
        **SHARED_CONDITIONS,
        "IsSigned": equals(authorised, "AWS_IAM"),
        "IsKeyed": equals(authorised, "API_KEY"),
        "IsOpen": equals(authorised, "NONE"),
        "HasRegistry": given("ImageRegistry"),
        "HasAccessLogs": {"Fn::Not": [equals("AccessLogs", "no")]},
        "SetsAccountRole": equals("AccessLogs", "yes"),
        **{feature.feature_id: {"Fn::Not": [equals(feature.feature_id, "no")]} for feature in features},
        **{_on_sagemaker(feature): equals(feature.feature_id, "yes-sagemaker") for feature in features},
    }


def _on_sagemaker(feature: Feature) -> str:
    return f"{feature.feature_id}OnSageMaker"


def _stack(feature: Feature) -> Json:
    folder = "https://${AssetsBucket}.s3.${AWS::Region}.${AWS::URLSuffix}/${AssetsPrefix}"
    parameters = {
        **{name: ref(name) for name in SHARED},
        "Architecture": ref(feature.feature_id),
        "Registry": when("HasRegistry", ref("ImageRegistry"), _REGISTRY),
        "Api": ref("Api"),
    }
    properties = {
        "TemplateURL": sub(f"{folder}/{feature.name}.json"),
        "Parameters": {name: parameters[name] for name in (*FEATURE, *SHARED)},
    }
    return resource("CloudFormation::Stack", properties, Condition=feature.feature_id)


def _explorer(features: Sequence[Feature]) -> dict[str, Json]:
    """Returns the function that serves the explorer and answers for features that are not deployed."""
    chosen = [when(feature.feature_id, feature.name) for feature in features]
    environment = {
        "FEATURES": {"Fn::Join": [",", chosen]},
        "AUTHORIZATION": ref("APIGatewayAuthorization"),
        "TRY_IT": ref("APIExplorer"),
    }
    asset = template_assets.explorer(features)
    function = zip_function("Explorer", "API explorer", asset, environment)
    return {**function, "ExplorerPermission": invocable("Explorer", "Api")}


def _outputs(features: Sequence[Feature]) -> Json:
    urls = {
        f"{feature.feature_id}URL": {
            "Description": f"Invoke URL of {feature.title}.",
            "Condition": feature.feature_id,
            "Value": sub(f"{_STAGE_URL}/{feature.name}"),
        }
        for feature in features
    }
    endpoints = {
        f"{feature.feature_id}Endpoint": {
            "Description": f"Name of the SageMaker endpoint of {feature.title}.",
            "Condition": _on_sagemaker(feature),
            "Value": get(f"{feature.feature_id}Stack", "Outputs.EndpointName"),
        }
        for feature in features
    }
    return {
        "APIExplorerURL": {"Description": "URL of the API explorer.", "Value": sub(f"{_STAGE_URL}/explorer")},
        "OpenAPIURL": {
            "Description": "URL of the OpenAPI document.",
            "Value": sub(f"{_STAGE_URL}/openapi.json"),
        },
        "APIKeyId": {
            "Description": "Id of the API key. Command that shows the key: "
            "aws apigateway get-api-key --include-value --api-key ID",
            "Condition": "IsKeyed",
            "Value": ref("ApiKey"),
        },
        **urls,
        **endpoints,
    }
