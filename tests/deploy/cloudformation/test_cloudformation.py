"""The templates, checked with cfn-lint, with AWS's own API models, and with rules of our own."""

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from deploy.cloudformation.store import bucket_name
from deploy.cloudformation.templates import ROOT, assets, templates
from deploy.documents.snapshots import stable
from serving.feature import Feature, discover, find
from serving.http import Json
from tests.support.aws.cloudformation import PSEUDO, Stack, walk
from tests.support.aws.shapes import CALLS, faults
from tests.support.paths import SNAPSHOTS

FEATURES = list(discover().values())
TEMPLATES = templates(FEATURES)
STORED = templates([feature for feature in FEATURES if feature.store])  # every kind of resource
REGIONS = ["us-east-1", "cn-north-1", "cn-northwest-1"]
CHINA = PSEUDO | {
    "AWS::Partition": "aws-cn",
    "AWS::Region": "cn-north-1",
    "AWS::URLSuffix": "amazonaws.com.cn",
}
NAMED = {"AssetsBucket": "assets", "ImageTag": "1.0.0"}
NESTED = {
    **NAMED,
    "Api": "a1b2c3d4e5",
    "Registry": "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "DataCaptureBucket": "captured",
    "InputBucket": "photographs",
    "InputPrefix": "inbox/",
    "AlarmTopic": "arn:aws:sns:us-east-1:123456789012:alarms",
}
CHOICES = ["yes-lambda", "yes-sagemaker"]
ON_LAMBDA = {"Function", "FunctionRole", "FunctionLogs", "FunctionErrors", "FunctionThrottles", "Permission"}


def root(**parameters: str) -> Stack:
    return Stack(TEMPLATES[ROOT], {**NAMED, **parameters})


def nested(feature: Feature, choice: str, **parameters: str) -> Stack:
    return Stack(TEMPLATES[f"{feature.name}.json"], {**NESTED, "Architecture": choice, **parameters})


def every_stack() -> Iterator[Stack]:
    yield root(**{feature.feature_id: "yes-sagemaker" for feature in FEATURES})
    for feature, choice in product(FEATURES, CHOICES):
        yield nested(feature, choice)


@pytest.mark.parametrize("name", STORED)
def test_cfn_lint_finds_nothing_in_either_partition(name: str) -> None:
    matches = lint(json.dumps(STORED[name]), config=ManualArgs(regions=REGIONS))
    assert [f"{match.rule.id} {match.path}: {match.message}" for match in matches] == []


def test_the_stacks_of_all_features_have_the_same_structure() -> None:
    def structure(feature: Feature) -> set[str]:
        parts = TEMPLATES[f"{feature.name}.json"]
        compared = ("Parameters", "Conditions", "Resources")
        paths = {f"{part}{path}" for part in compared for path, _ in walk(parts[part])}
        return {path for path in paths if "Templates" not in path}

    ocr, faces, plates, custom_ocr = (
        structure(find(name)) for name in ("general_ocr", "face_detection", "car_license_plate", "custom_ocr")
    )
    assert ocr == faces == plates
    assert ocr < custom_ocr


def test_aws_would_accept_the_properties() -> None:
    seen = set()
    for stack in every_stack():
        for name, kind in stack.kinds().items():
            if kind in CALLS:
                seen.add(kind)
                assert faults(kind, stack.resources[name]["Properties"]) == [], name
    assert seen == CALLS.keys()


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ({"InstanceType": "ml.g4dn.nope"}, "InstanceType: 'ml.g4dn.nope' is none of "),
        ({"InferenceAmiVersion": "al2"}, "InferenceAmiVersion: 'al2' is none of "),
        ({"DataCapturePercent": "101"}, "InitialSamplingPercentage: 101 is not within 0 and 100"),
        ({"MinInstances": "0"}, "InitialInstanceCount: 0 is not within 1 and "),
    ],
)
def test_the_check_finds_values_that_aws_would_refuse(parameters: dict[str, str], fault: str) -> None:
    (config,) = (
        nested(find("general_ocr"), "yes-sagemaker", **parameters).of("SageMaker::EndpointConfig").values()
    )
    (found,) = faults("SageMaker::EndpointConfig", config)
    assert fault in found


@pytest.mark.parametrize("authorization", ["AWS_IAM", "API_KEY", "NONE"])
@pytest.mark.parametrize("logs", ["yes", "yes-with-account-role", "no"])
def test_only_chosen_features_have_resources(authorization: str, logs: str) -> None:
    general = {"APIGatewayAuthorization": authorization, "AccessLogs": logs}
    base = root(**general).resources.keys()
    for feature, choice in product(FEATURES, CHOICES):
        stack = root(**general, **{feature.feature_id: choice})
        assert stack.resources.keys() - base == {f"{feature.feature_id}Stack"}
        assert stack.used <= stack.resources.keys()
        urls = [name for name in stack.outputs if name.endswith("URL")]
        assert urls == ["APIExplorerURL", "OpenAPIURL", f"{feature.feature_id}URL"]


def test_a_feature_has_only_the_resources_of_its_architecture(feature: Feature) -> None:
    on_lambda, on_sagemaker = (nested(feature, choice) for choice in CHOICES)
    bucket = bucket_name(feature.store) if feature.store else ""
    store = {bucket, f"{bucket}Policy"} if feature.store else set()
    assert on_lambda.resources.keys() == ON_LAMBDA | store
    assert on_lambda.resources.keys() & on_sagemaker.resources.keys() == store
    assert {"SageMaker::Model", "SageMaker::EndpointConfig", "SageMaker::Endpoint"} < set(
        on_sagemaker.kinds().values()
    )
    for stack in (on_lambda, on_sagemaker):
        assert stack.used <= stack.resources.keys()


def test_the_stage_leads_to_deployed_features_and_else_to_the_explorer() -> None:
    (stage,) = root(GeneralOCR="yes-lambda").of("ApiGateway::Stage").values()
    functions = stage["Variables"]
    assert functions.pop("GeneralOCR") == "GeneralOCRStack-Outputs.FunctionName"
    assert set(functions.values()) == {"Explorer"}
    assert functions.keys() == {feature.feature_id for feature in FEATURES} - {"GeneralOCR"}


def test_a_change_of_authorisation_or_of_the_document_is_a_new_deployment() -> None:
    def deployment(template: Json, authorization: str) -> str:
        stack = Stack(template, {**NAMED, "APIGatewayAuthorization": authorization})
        (name,) = stack.of("ApiGateway::Deployment")
        (stage,) = stack.of("ApiGateway::Stage").values()
        assert stage["DeploymentId"] == name
        return name

    fewer = templates(FEATURES[1:])[ROOT]
    names = [deployment(t, a) for t in (TEMPLATES[ROOT], fewer) for a in ("AWS_IAM", "API_KEY", "NONE")]
    assert len(set(names)) == len(names)


def test_nothing_is_open_by_default() -> None:
    assert root().of("ApiGateway::UsagePlan") == {}
    parameters = TEMPLATES[ROOT]["Parameters"]
    assert parameters["APIGatewayAuthorization"]["Default"] == "AWS_IAM"
    assert {parameters[feature.feature_id]["Default"] for feature in FEATURES} == {"no"}


def test_no_value_names_a_partition() -> None:
    for name, template in TEMPLATES.items():
        for path, value in walk({part: template[part] for part in ("Conditions", "Resources", "Outputs")}):
            if isinstance(value, str) and not path.endswith(("/Principal/Service", "/Principal")):
                assert not re.search(r"arn:aws[:-]|amazonaws\.com", value), f"{name}{path}"


def test_in_china_every_address_and_arn_is_chinese() -> None:
    parameters = {feature.feature_id: "yes-lambda" for feature in FEATURES}
    stack = Stack(TEMPLATES[ROOT], {**NAMED, **parameters}, CHINA)
    for path, value in walk([stack.resources, stack.outputs]):
        if isinstance(value, str) and not path.endswith(("/Principal/Service", "/Principal")):
            assert not re.search(r"arn:aws:|amazonaws\.com(?!\.cn)", value), path
    (api,) = stack.of("ApiGateway::RestApi").values()
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def statements(stack: Stack) -> Iterator[Json]:
    for role in stack.of("IAM::Role").values():
        for policy in role.get("Policies", ()):
            yield from policy["PolicyDocument"]["Statement"]


def test_roles_have_only_the_permissions_they_need() -> None:
    without_resources = {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}
    for stack in every_stack():
        assert "FullAccess" not in json.dumps(stack.resources)
        for statement in statements(stack):
            assert not any("*" in action for action in statement["Action"])
            if statement["Resource"] == "*":
                assert without_resources.issuperset(statement["Action"])
            else:
                assert not re.search(r":\*|^\*", statement["Resource"])


def test_a_container_may_read_only_the_input_folder() -> None:
    feature = find("general_ocr")
    for choice in CHOICES:
        assert "s3:GetObject" not in json.dumps(nested(feature, choice, InputBucket="").resources)
        objects = [one for one in statements(nested(feature, choice)) if one["Action"] == ["s3:GetObject"]]
        assert [one["Resource"] for one in objects] == ["arn:aws:s3:::photographs/inbox/*"]


def test_images_come_from_the_repository_of_the_feature_in_any_account() -> None:
    stack = nested(
        find("custom_ocr"), "yes-sagemaker", Registry="210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn"
    )
    (pull,) = [one["Resource"] for one in statements(stack) if "ecr:BatchGetImage" in one["Action"]]
    assert pull == "arn:aws:ecr:cn-north-1:210987654321:repository/aikit/custom-ocr"
    (model,) = stack.of("SageMaker::Model").values()
    registry = "210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn"
    assert model["PrimaryContainer"]["Image"] == f"{registry}/aikit/custom-ocr:1.0.0"
    (function,) = nested(find("custom_ocr"), "yes-lambda").of("Lambda::Function").values()
    assert function["Code"]["ImageUri"].endswith("/aikit/custom-ocr:1.0.0-lambda")


def test_no_name_is_fixed_so_that_a_second_install_is_possible() -> None:
    kinds = ["Alarm", "Bucket", "Endpoint", "EndpointConfig", "Function", "LogGroup", "Model", "Role"]
    names = ["Name", "UsagePlanName", *(f"{kind}Name" for kind in kinds)]
    for template in TEMPLATES.values():
        for name, one in template["Resources"].items():
            fixed = [key for key in names if isinstance(one["Properties"].get(key), str)]
            assert fixed == [], name


def test_every_endpoint_has_time_to_start_and_rolls_back(feature: Feature) -> None:
    stack = nested(feature, "yes-sagemaker")
    (config,) = stack.of("SageMaker::EndpointConfig").values()
    for variant in config["ProductionVariants"]:
        assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] >= 600
        assert variant["ModelDataDownloadTimeoutInSeconds"] >= 600
        assert variant["InstanceType"] == feature.resources.instance_type
    (endpoint,) = stack.of("SageMaker::Endpoint").values()
    (alarm,) = endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert alarm["AlarmName"] in stack.of("CloudWatch::Alarm")
    (target,) = stack.of("ApplicationAutoScaling::ScalableTarget").values()
    assert target["ResourceId"] == f"endpoint/{endpoint['EndpointName']}/variant/{variant['VariantName']}"


def test_a_function_has_the_declared_memory_or_the_limit_of_a_new_account(feature: Feature) -> None:
    def memory(limit: str) -> int:
        (function,) = nested(feature, "yes-lambda", LambdaMemoryLimit=limit).of("Lambda::Function").values()
        return int(function["MemorySize"])

    assert memory("10240") == feature.resources.lambda_memory_mb
    assert memory("3008") == min(feature.resources.lambda_memory_mb, 3008)


def test_bodies_are_stored_only_if_a_bucket_is_named() -> None:
    feature = find("face_detection")
    (config,) = (
        nested(feature, "yes-sagemaker", DataCaptureBucket="").of("SageMaker::EndpointConfig").values()
    )
    assert "DataCaptureConfig" not in config
    (stage,) = root().of("ApiGateway::Stage").values()
    assert not any(settings["DataTraceEnabled"] for settings in stage["MethodSettings"])
    assert not re.search(r"body|header|querystring", stage["AccessLogSetting"]["Format"])


def test_the_templates_of_custom_ocr_outlive_the_stack_and_are_private() -> None:
    stack = nested(find("custom_ocr"), "yes-sagemaker")
    bucket = stack.resources["Templates"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    (model,) = stack.of("SageMaker::Model").values()
    assert model["PrimaryContainer"]["Environment"]["AIKIT_TEMPLATE_STORE"] == "s3://Templates"
    assert stack.outputs["KeptBucket"]["Value"] == "Templates"


def test_a_template_can_be_deployed_from_the_assets() -> None:
    stack = root(**{feature.feature_id: "yes-sagemaker" for feature in FEATURES})
    folder = "https://assets.s3.us-east-1.amazonaws.com/ai-solution-kit/"
    urls = {one["TemplateURL"].removeprefix(folder) for one in stack.of("CloudFormation::Stack").values()}
    assert urls == TEMPLATES.keys() - {ROOT}
    stacks = [stack, *(nested(feature, "yes-sagemaker") for feature in FEATURES)]
    code = {one["Code"]["S3Key"] for each in stacks for one in each.of("Lambda::Function").values()}
    assert code == {f"ai-solution-kit/{name}" for name in assets()}
    assert assets() == assets()


def test_each_nested_stack_receives_its_parameters() -> None:
    stack = root(**{feature.feature_id: "yes-lambda" for feature in FEATURES})
    for feature in FEATURES:
        properties: Any = stack.resources[f"{feature.feature_id}Stack"]["Properties"]
        built = Stack(TEMPLATES[f"{feature.name}.json"], properties["Parameters"])
        assert built.outputs["FunctionName"]["Value"] == "Function"
        assert "EndpointName" not in built.outputs


def test_the_templates_are_within_the_limits_of_cloudformation() -> None:
    for template in TEMPLATES.values():
        assert len(json.dumps(template)) < 1_000_000
        assert len(template["Resources"]) <= 500
        assert len(template["Parameters"]) <= 200
        assert max(len(one["Description"]) for one in template["Parameters"].values()) <= 4000


@pytest.mark.parametrize("name", STORED)
def test_the_templates_of_features_with_a_store_equal_the_snapshots(name: str) -> None:
    snapshot = json.loads((SNAPSHOTS / name).read_text("utf-8"))
    derived = stable(STORED[name])
    assert derived == snapshot, "if the change is intended, run: aikit docs"
