"""Container images in ECR: one repository per feature, a tag per version and target."""

import subprocess
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from .calls import Aws

TOGETHER = "together"


def default_tag() -> str:
    """As build.sh tags: the version, and the git revision of this checkout where it is one."""
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
    """Where container images lie. registry: host; this account's ECR where empty. tag: that of build.sh."""

    registry: str = ""
    prefix: str = "aikit"
    tag: str = field(default_factory=default_tag)

    def repository(self, name: str) -> str:
        """Repository of a feature, or of `together`."""
        return f"{self.prefix}/{name.replace('_', '-')}"

    def host(self, aws: Aws) -> str:
        return self.registry or f"{aws.account}.dkr.ecr.{aws.region}.{aws.suffix}"

    def owner(self, aws: Aws) -> str:
        """The account that the registry belongs to."""
        return self.host(aws).partition(".")[0]

    def arn(self, aws: Aws, name: str) -> str:
        """Of a repository, in the account and region that the registry's host names."""
        account, _, _, region = self.host(aws).split(".")[:4]
        return f"arn:{aws.partition}:ecr:{region}:{account}:repository/{self.repository(name)}"
