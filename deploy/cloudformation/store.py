"""The bucket of a feature that keeps what its callers give it. It stays when the stack is deleted."""

from .parts import Json, allow, get, ref, resource, sub

FEATURES = frozenset({"CustomOCR"})
_OLD_VERSIONS_DAYS = 30
_UNFINISHED_DAYS = 1


def bucket() -> dict[str, Json]:
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
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        "Templates": resource("S3::Bucket", properties, **kept),
        "TemplatesPolicy": resource("S3::BucketPolicy", _encrypted_traffic_only(), **kept),
    }


def _encrypted_traffic_only() -> Json:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [get("Templates", "Arn"), sub("${Templates.Arn}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        "Bucket": ref("Templates"),
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


def environment() -> Json:
    return {"AIKIT_TEMPLATE_STORE": sub("s3://${Templates}")}


def statements() -> list[Json]:
    """What the feature does with the bucket; without listing, S3 would call a missing object forbidden."""
    objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    return [
        allow(["s3:ListBucket"], get("Templates", "Arn")),
        allow(objects, sub("${Templates.Arn}/*")),
    ]
