"""The bucket of a feature that stores data of its callers. It stays when the stack is deleted."""

from serving.feature import DataStore
from serving.http import Json

from .parts import allow, get, ref, resource, sub

_OLD_VERSIONS_DAYS = 30
_UNFINISHED_DAYS = 1


def bucket_name(store: DataStore) -> str:
    """Returns the logical id of the store's bucket: `Templates` for the store named `template`."""
    return f"{store.name.title().replace('_', '')}s"


def bucket(store: DataStore) -> dict[str, Json]:
    name = bucket_name(store)
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    rule = {
        "Id": "tidy",
        "Status": "Enabled",
        "NoncurrentVersionExpiration": {"NoncurrentDays": _OLD_VERSIONS_DAYS},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _UNFINISHED_DAYS},
    }
    closed = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
    properties = {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
        "PublicAccessBlockConfiguration": dict.fromkeys(closed, True),
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {"Rules": [rule]},
    }
    retained = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        name: resource("S3::Bucket", properties, **retained),
        f"{name}Policy": resource("S3::BucketPolicy", _encrypted_traffic_only(name), **retained),
    }


def _encrypted_traffic_only(name: str) -> Json:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [get(name, "Arn"), sub(f"${{{name}.Arn}}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        "Bucket": ref(name),
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


def environment(store: DataStore) -> Json:
    return {store.variable: sub(f"s3://${{{bucket_name(store)}}}")}


def statements(store: DataStore) -> list[Json]:
    """Returns the policy statements for the bucket. Without ListBucket, a missing object gets status 403."""
    name = bucket_name(store)
    objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    return [
        allow(["s3:ListBucket"], get(name, "Arn")),
        allow(objects, sub(f"${{{name}.Arn}}/*")),
    ]
