"""The private bucket of this account from which CloudFormation reads templates and code."""

from collections.abc import Mapping

from serving.http import Json

from .calls import Aws, AwsError

_TAG = {"Key": "created-by", "Value": "aikit"}
_SETTINGS: Mapping[str, Json] = {
    "put_public_access_block": {
        "PublicAccessBlockConfiguration": dict.fromkeys(
            ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
        )
    },
    "put_bucket_encryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        }
    },
    "put_bucket_tagging": {"Tagging": {"TagSet": [_TAG]}},
}


class Bucket:
    """One bucket. name: empty means `aikit-<account>-<region>`. Other existing buckets are used unchanged."""

    def __init__(self, aws: Aws, name: str = "") -> None:
        self._aws = aws
        self._own = f"aikit-{aws.account}-{aws.region}"
        self.name = name or self._own
        self._owned = {"Bucket": self.name, "ExpectedBucketOwner": aws.account}

    def url(self, key: str) -> str:
        """Returns the address at which CloudFormation reads an object."""
        return f"https://{self.name}.s3.{self._aws.region}.{self._aws.suffix}/{key}"

    def ensure(self) -> None:
        """Makes the bucket if it does not exist. Raises `AwsError` when it belongs to another account."""
        exists = self._exists()
        if not exists:
            region = self._aws.region
            place = {} if region == "us-east-1" else {"LocationConstraint": region}
            wanted = {"CreateBucketConfiguration": place} if place else {}
            self._aws.call("s3", "create_bucket", Bucket=self.name, **wanted)
        # the own bucket gets its settings every time, because an earlier run may have been interrupted
        if not exists or self.name == self._own:
            for operation, settings in _SETTINGS.items():
                self._aws.call("s3", operation, **self._owned, **settings)

    def upload(self, files: Mapping[str, bytes]) -> None:
        """Writes each file under its key."""
        for key, content in files.items():
            self._aws.call("s3", "put_object", Key=key, Body=content, **self._owned)

    def remove(self, prefix: str) -> list[str]:
        """Deletes all objects below the prefix, and then the bucket if `ensure` made it and it is empty.

        Returns what is kept, with the reason.
        """
        if not self._exists():
            return []
        for key in self._keys(prefix):
            self._aws.call("s3", "delete_object", Key=key, **self._owned)
        if not self._is_ours():
            return [f"bucket {self.name}: aikit did not make it"]
        left = [key for key in self._keys("") if not (self._aws.dry_run and key.startswith(prefix))]
        if left:
            return [f"bucket {self.name}: it contains other objects ({len(left)}), such as {left[0]}"]
        self._aws.call("s3", "delete_bucket", **self._owned)
        return []

    def _exists(self) -> bool:
        try:
            self._aws.call("s3", "head_bucket", **self._owned)
        except AwsError as error:
            if error.is_denied:
                raise AwsError(
                    f"bucket: {self.name} belongs to another account, or you may not read it; pass --bucket"
                ) from error
            if not error.is_missing:
                raise
            return False
        return True

    def _is_ours(self) -> bool:
        tags = self._aws.find("s3", "get_bucket_tagging", **self._owned) or {}
        return self.name == self._own or _TAG in tags.get("TagSet", ())

    def _keys(self, prefix: str) -> list[str]:
        found = self._aws.pages("s3", "list_objects_v2", "Contents", Prefix=prefix, **self._owned)
        return [item["Key"] for item in found]
