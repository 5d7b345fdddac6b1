"""A small solution in a fake account, with templates that have few features and resources."""

from collections.abc import Sequence
from typing import Any

from deploy.aws.stack import Change
from deploy.cloudformation.templates import ROOT
from deploy.stack import Solution, files_of
from serving.feature import find
from serving.http import Json

from .fake import ACCOUNT, FakeAws, aws_of

BUCKET = f"aikit-{ACCOUNT}-us-west-2"
FEATURES = [find("general_ocr"), find("custom_ocr")]


def _small() -> dict[str, bytes]:
    """Returns templates for two features, with fewer resources than the real ones."""
    place = "https://${AssetsBucket}.s3.${AWS::Region}.${AWS::URLSuffix}/${AssetsPrefix}"
    names = {
        "AssetsBucket": {},
        "AssetsPrefix": {},
        "ImageTag": {"Default": "0"},
        "APIGatewayAuthorization": {},
    }
    nested, conditions, outputs, choices = {}, {}, {}, {}
    for feature in FEATURES:
        name = feature.feature_id
        choices[name] = {"Default": "no"}
        conditions[name] = {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, "no"]}]}
        address = {"Fn::Sub": f"{place}/{feature.name}.json"}
        values = {"Architecture": {"Ref": name}, "ImageTag": {"Ref": "ImageTag"}}
        nested[f"{name}Stack"] = {
            "Type": "AWS::CloudFormation::Stack",
            "Condition": name,
            "Properties": {"TemplateURL": address, "Parameters": values},
        }
        outputs[f"{name}URL"] = {"Condition": name, "Value": f"https://api/prod/{feature.name}"}
    root = {
        "Parameters": {**names, **choices},
        "Conditions": conditions,
        "Resources": {"Api": {"Type": "AWS::ApiGateway::RestApi"}, **nested},
        "Outputs": outputs,
    }
    stacks = {f"{feature.name}.json": _feature(kept=feature.name == "custom_ocr") for feature in FEATURES}
    return files_of({ROOT: root, **stacks}, {"proxy.zip": b"code"})


def _feature(*, kept: bool) -> Json:
    image = {"Properties": {"Image": {"Ref": "ImageTag"}}}
    resources: Json = {
        "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Condition": "OnSageMaker", **image},
        "Function": {"Type": "AWS::Lambda::Function", "Condition": "OnLambda", **image},
    }
    if kept:
        resources = {"Templates": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}, **resources}
    return {
        "Parameters": {"Architecture": {}, "ImageTag": {}},
        "Conditions": {
            name: {"Fn::Equals": [{"Ref": "Architecture"}, value]}
            for name, value in {"OnSageMaker": "yes-sagemaker", "OnLambda": "yes-lambda"}.items()
        },
        "Resources": resources,
    }


SMALL = _small()


class Account:
    """A fake account, the progress messages, and the changes that were shown last."""

    def __init__(self, fake: FakeAws, session: Any) -> None:
        self.fake, self.session, self.aws = fake, session, aws_of(session)
        self.messages: list[str] = []
        self.shown: list[Change] = []
        self.solution = Solution(self.aws, say=self.messages.append, features=FEATURES)

    def up(self, files: dict[str, bytes] = SMALL, *, agree: bool = True, **targets: str) -> bool:
        def confirm(changes: Sequence[Change]) -> bool:
            self.shown = list(changes)
            return agree

        return self.solution.up(targets, files, confirm=confirm, settings={})

    def stacks(self) -> set[tuple[str, str]]:
        return {(stack.name, stack.status) for stack in self.fake.alive()}

    def buckets(self) -> list[str]:
        return [bucket["Name"] for bucket in self.session.client("s3").list_buckets()["Buckets"]]
