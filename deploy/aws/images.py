"""Container images in ECR, with one repository per feature and one tag per version and target."""

import subprocess
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from .calls import Aws

TOGETHER = "together"


def default_tag() -> str:
    """Returns the tag that build.sh gives: the version, and in a checkout also the git revision."""
    root, number = Path(__file__).parents[2], version("ai-solution-kit")
    if not (root / "build.sh").is_file():
        return number
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--dirty", "--exclude", "*"]
    try:
        revision = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        revision = "unknown"
    return f"{number}-{revision.strip()}"


@dataclass(frozen=True, kw_only=True)
class Images:
    """The place of the container images. registry: host; empty means this account's ECR."""

    registry: str = ""
    prefix: str = "aikit"
    tag: str = field(default_factory=default_tag)

    def repository(self, name: str) -> str:
        """Returns the repository of a feature, or of `together`."""
        return f"{self.prefix}/{name.replace('_', '-')}"

    def host(self, aws: Aws) -> str:
        """Returns the host of the registry."""
        return self.registry or f"{aws.account}.dkr.ecr.{aws.region}.{aws.suffix}"

    def owner(self, aws: Aws) -> str:
        """Returns the number of the account that has the registry."""
        return self.host(aws).partition(".")[0]

    def arn(self, aws: Aws, name: str) -> str:
        """Returns the ARN of a repository, with the account and region from the registry's host."""
        account, _, _, region = self.host(aws).split(".")[:4]
        return f"arn:{aws.partition}:ecr:{region}:{account}:repository/{self.repository(name)}"
