"""The role of an endpoint that has none given: may read its one image, write its one log, and no more."""

import json
from collections.abc import Sequence

from .calls import Aws, Json

_POLICY = "aikit"


class Role:
    """An IAM role named after what uses it; `sagemaker` may assume it. name: at most 64 characters."""

    def __init__(self, aws: Aws, name: str) -> None:
        self._aws, self.name = aws, name

    @property
    def arn(self) -> str:
        return self._aws.arn("iam", f"role/{self.name}", region="")

    def ensure(self, statements: Sequence[Json]) -> str:
        """Make the role, or bring it up to date; its ARN."""
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
        """Remove the role; whether there was one."""
        if self._aws.find("iam", "get_role", RoleName=self.name) is None:
            return False
        self._aws.find("iam", "delete_role_policy", RoleName=self.name, PolicyName=_POLICY)
        self._aws.find("iam", "delete_role", RoleName=self.name)
        return True


def _document(statements: Sequence[Json]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def hosting_statements(aws: Aws, repository: str, log_group: str, buckets: Sequence[str]) -> list[Json]:
    """What a container needs. repository: its ARN. buckets: `bucket/prefix` it reads and writes below."""
    logs = aws.arn("logs", f"log-group:{log_group}")
    statements: list[Json] = [
        # the token is of the account, not of a repository
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
