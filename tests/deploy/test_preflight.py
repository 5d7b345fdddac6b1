"""The checks before a deployment find everything that would stop it, and say what to do."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.aws.calls import Aws
from deploy.aws.images import Images
from deploy.preflight import Deployment, Finding, preflight
from serving.feature import find
from tests.support.aws.fake import FakeAws, aws_of, fake_account
from tests.support.aws.fake_template import Refused
from tests.support.origin import Answer, Server

OCR, CUSTOM = find("general_ocr"), find("custom_ocr")
IMAGES = Images(tag="1")
G4 = "ml.g4dn.xlarge"


class Account:
    """A fake account, with a registry of images."""

    def __init__(self, fake: FakeAws, session: Any, server: Server) -> None:
        self.fake, self.session, self.server = fake, session, server
        fake.layers = server.address

    def push(self, name: str, tag: str = "1", *, architecture: str = "amd64", index: bool = False) -> None:
        """Pushes an image of that architecture into the registry. index: as a list of images."""
        ecr = self.session.client("ecr")
        known = [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]]
        if f"aikit/{name}" not in known:
            ecr.create_repository(repositoryName=f"aikit/{name}")
        digest = f"sha256:{architecture:0>64}"
        manifest: dict[str, Any] = {"schemaVersion": 2, "config": {"digest": digest}, "layers": []}
        manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
        if index:
            entry = {"digest": digest, "platform": {"architecture": architecture}}
            manifest = {"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}
        ecr.put_image(repositoryName=f"aikit/{name}", imageTag=tag, imageManifest=json.dumps(manifest))
        self.server.answers[f"/{digest}"] = Answer(json.dumps({"architecture": architecture}).encode())

    def findings(
        self, *deployments: Deployment, stack: bool = False, aws: Aws | None = None
    ) -> dict[str, Finding]:
        """Returns the worst finding of each check, by the name of the check."""
        found: dict[str, Finding] = {}
        for finding in preflight(aws or aws_of(self.session), deployments, IMAGES, stack=stack):
            order = ("ok", "note", "stop")
            known = found.get(finding.check, finding)
            found[finding.check] = max(known, finding, key=lambda one: order.index(one.level))
        return found


@pytest.fixture
def account(server: Server) -> Iterator[Account]:
    with fake_account() as (fake, session):
        yield Account(fake, session, server)


def test_every_check_passes(account: Account) -> None:
    account.push("general-ocr")
    found = account.findings(Deployment([OCR], "sagemaker", G4), stack=True)
    assert {check: finding.level for check, finding in found.items()} == dict.fromkeys(
        ["credentials", "region", "image", "quota", "permissions"], "ok"
    )


def test_all_faults_are_found_at_once_and_nothing_is_made(account: Account) -> None:
    account.fake.quotas, account.fake.denied = {}, {"sagemaker:CreateEndpoint"}
    found = account.findings(Deployment([OCR], "sagemaker", G4))
    assert found["image"].found == "there is no repository aikit/general-ocr"
    assert "./build.sh general_ocr --target sagemaker --push" in found["image"].advice
    assert found["quota"].found == f"{G4} for endpoint usage: 0, 1 needed"
    assert "Service Quotas console" in found["quota"].advice
    assert found["permissions"].found == "not allowed for all resources: sagemaker:CreateEndpoint"
    assert account.fake.changes == []


@pytest.mark.parametrize(
    ("target", "tag", "architecture", "index", "level", "found"),
    [
        ("sagemaker", "2", "amd64", False, "stop", "aikit/general-ocr has no tag 1; newest tags: 2"),
        ("sagemaker", "1", "arm64", False, "stop", "aikit/general-ocr:1 is built for arm64"),
        ("sagemaker", "1", "arm64", True, "stop", "aikit/general-ocr:1 is built for arm64"),
        ("sagemaker", "1", "amd64", True, "ok", "aikit/general-ocr:1 exists"),
        ("lambda", "1", "amd64", False, "stop", "aikit/general-ocr has no tag 1-lambda"),
        ("lambda", "1-lambda", "amd64", False, "ok", "aikit/general-ocr:1-lambda exists"),
        ("lambda", "1-lambda", "amd64", True, "stop", "which Lambda does not accept"),
    ],
)
def test_an_image_must_exist_and_have_the_right_architecture(  # noqa: PLR0913, PLR0917
    account: Account, target: str, tag: str, architecture: str, index: bool, level: str, found: str
) -> None:
    account.push("general-ocr", tag, architecture=architecture, index=index)
    finding = account.findings(Deployment([OCR], target))["image"]
    assert finding.level == level
    assert found in finding.found


def test_an_unreadable_architecture_is_noted(account: Account) -> None:
    account.push("general-ocr")
    account.server.answers.clear()
    assert account.findings(Deployment([OCR], "sagemaker", G4))["image"].level == "note"


def test_features_that_share_a_container_share_an_image(account: Account) -> None:
    advice = account.findings(Deployment([OCR, CUSTOM], "sagemaker", G4))["image"].advice
    assert "./build.sh --together general_ocr,custom_ocr --target sagemaker --push" in advice


def test_the_default_tag_is_that_of_build_sh() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+-([0-9a-f]{12}(-dirty)?|unknown)", Images().tag)


def test_the_quota_must_be_enough_for_all_endpoints_of_a_type(account: Account) -> None:
    deployments = [Deployment([OCR], "sagemaker", G4, 2), Deployment([CUSTOM], "sagemaker", G4)]
    assert account.findings(*deployments)["quota"].found == f"{G4} for endpoint usage: 2, 3 needed"
    assert account.findings(*deployments[:1])["quota"].level == "ok"
    assert account.findings(Deployment([OCR], "sagemaker", "ml.new.xlarge"))["quota"].level == "note"
    assert "quota" not in account.findings(Deployment([OCR, CUSTOM], "sagemaker"))


def test_a_new_account_may_allow_functions_little_memory(account: Account) -> None:
    account.fake.concurrency = 10
    finding = account.findings(Deployment([CUSTOM], "lambda"))["memory"]
    assert finding.level == "note"
    assert "custom_ocr 10240" in finding.found
    assert "--set LambdaMemoryLimit=3008" in finding.advice


def test_a_region_without_the_service_is_reported_with_the_regions_that_have_it(account: Account) -> None:
    finding = account.findings(
        Deployment([OCR], "sagemaker", G4), aws=aws_of(account.session, region="eu-nowhere-1")
    )["region"]
    assert finding.level == "stop"
    assert "us-east-1" in finding.advice


def test_a_denied_check_is_noted_and_the_others_run(account: Account) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        raise Refused("AccessDeniedException", "not authorized to perform that")

    account.push("general-ocr")
    for name in ("iam_simulate_principal_policy", "service_quotas_list_service_quotas"):
        account.fake.answers[name] = refuse
    found = account.findings(Deployment([OCR], "sagemaker", G4))
    assert (found["permissions"].level, found["quota"].level, found["image"].level) == ("note", "note", "ok")


def test_the_permissions_of_a_session_are_those_of_its_role_with_its_path(account: Account) -> None:
    account.session.client("iam").create_role(RoleName="dev", Path="/team/", AssumeRolePolicyDocument="{}")
    arn = "arn:aws:sts::123456789012:assumed-role/dev/me"
    account.fake.answers["sts_get_caller_identity"] = lambda: {"Account": "123456789012", "Arn": arn}
    found = account.findings(Deployment([OCR], "lambda"))["permissions"].found
    assert found == "arn:aws:iam::123456789012:role/team/dev may perform every required action"


def test_without_credentials_no_other_check_runs(account: Account) -> None:
    def refuse() -> dict[str, Any]:
        raise Refused("InvalidClientTokenId", "The security token included in the request is invalid")

    account.fake.answers["sts_get_caller_identity"] = refuse
    (finding,) = account.findings(Deployment([OCR], "sagemaker", G4)).values()
    assert (finding.level, finding.check) == ("stop", "credentials")
    assert "aws configure" in finding.advice
