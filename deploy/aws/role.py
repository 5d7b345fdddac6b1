"""The IAM role that is made for an endpoint. It has only the permissions that the container needs."""

import json
from collections.abc import Sequence

from serving.http import Json

from .calls import Aws

_POLICY = "aikit"


class Role:
    """An IAM role that SageMaker may assume. name: at most 64 characters."""

    def __init__(self, aws: Aws, name: str) -> None:
        self._aws, self.name = aws, name

    @property
    def arn(self) -> str:
        """The ARN of the role."""
        return self._aws.arn("iam", f"role/{self.name}", region="")

    def ensure(self, statements: Sequence[Json]) -> str:
        """Makes or updates the role and returns its ARN. statements: statements of its policy."""
        trust = _document(
            [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sagemaker.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": self._aws.account}},
                }
            ]
        )
        if self._aws.find("iam", "get_role", RoleName=self.name) is None:
            self._aws.call(
                "iam",
                "create_role",
                RoleName=self.name,
                AssumeRolePolicyDocument=trust,
                Description="Made by aikit deploy",
            )
        self._aws.call(
            "iam",
            "put_role_policy",
            RoleName=self.name,
            PolicyName=_POLICY,
            PolicyDocument=_document(statements),
        )
        return self.arn

    def delete(self) -> bool:
        """Removes the role. Returns True when there was one."""
        if self._aws.find("iam", "get_role", RoleName=self.name) is None:
            return False
        self._aws.find("iam", "delete_role_policy", RoleName=self.name, PolicyName=_POLICY)
        self._aws.find("iam", "delete_role", RoleName=self.name)
        return True


def _document(statements: Sequence[Json]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def hosting_statements(aws: Aws, repository: str, log_group: str, buckets: Sequence[str]) -> list[Json]:
    """Returns the policy statements that a container needs.

    repository: ARN of the image's repository. buckets: `bucket/prefix` below which it reads and writes.
    """
    logs = aws.arn("logs", f"log-group:{log_group}")
    statements: list[Json] = [
        # the token belongs to the account, so no repository can be named
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": repository,
        },
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            "Resource": [logs, f"{logs}:*"],
        },
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        },
    ]
    if buckets:
        objects = [f"arn:{aws.partition}:s3:::{place}/*" for place in buckets]
        statements.append(
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": objects}
        )
    return statements
