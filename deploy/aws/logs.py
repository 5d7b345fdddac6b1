"""CloudWatch log groups: reads their last lines, follows them, and deletes them."""

import time
from collections.abc import Iterator

from .calls import Aws, AwsError

KEPT = "the log may explain a failure; --logs deletes it"
_TAIL_S = 3600
_TAIL_LINES = 20


def endpoint_group(endpoint: str) -> str:
    """Returns the log group into which SageMaker writes the output of an endpoint's containers."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def function_group(function: str) -> str:
    """Returns the log group into which Lambda writes the output of a function."""
    return f"/aws/lambda/{function}"


def tail(aws: Aws, group: str, *, lines: int = _TAIL_LINES, since_s: float | None = None) -> list[str]:
    """Returns the last lines, oldest first.

    since_s: time of the oldest line, in seconds since 1970; None means one hour ago.
    """
    since = time.time() - _TAIL_S if since_s is None else since_s
    return [line for _, _, line in _events(aws, group, int(since * 1000))][-lines:]


def last_words(aws: Aws, group: str) -> list[str]:
    """Returns the last lines, indented, to explain a failure. One line says why if they cannot be read."""
    try:
        return [f"  {line}" for line in tail(aws, group)]
    except AwsError as error:
        return [f"  {group}: {error}"]


def follow(aws: Aws, group: str, *, lines: int = _TAIL_LINES) -> Iterator[str]:
    """Yields the last lines and then every new line, without end."""
    recent = _events(aws, group, int((time.time() - _TAIL_S) * 1000))
    seen = {key for key, _, _ in recent}
    since = max((at for _, at, _ in recent), default=0)
    yield from (line for _, _, line in recent[-lines:])
    while True:
        aws.pause()
        for key, at, line in _events(aws, group, since):
            if key not in seen:
                seen.add(key)
                since = max(since, at)
                yield line


def _events(aws: Aws, group: str, since_ms: int) -> list[tuple[str, int, str]]:
    """Returns id, time in milliseconds and text of each event; empty when the group does not exist yet."""
    try:
        found = aws.pages("logs", "filter_log_events", "events", logGroupName=group, startTime=since_ms)
        return [(event["eventId"], event["timestamp"], event["message"].rstrip()) for event in found]
    except AwsError as error:
        if error.is_missing:
            return []
        raise


def exists(aws: Aws, group: str) -> bool:
    """True when the log group exists."""
    found = aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=group)
    return any(item["logGroupName"] == group for item in found)


def delete_group(aws: Aws, group: str) -> None:
    """Deletes a log group if it exists."""
    aws.find("logs", "delete_log_group", logGroupName=group)
