"""The events of a CloudFormation stack and of the stacks nested in it, while they happen."""

from collections.abc import Iterator
from typing import NamedTuple

from serving.http import Json

from . import logs as aws_logs
from .calls import Aws

STACK = "AWS::CloudFormation::Stack"
ENDPOINT = "AWS::SageMaker::Endpoint"
FUNCTION = "AWS::Lambda::Function"
LOG_GROUP = "AWS::Logs::LogGroup"
# words in the reasons of failures that follow from another failure
_CONSEQUENCES = ("cancelled", "were not successfully", "was not successfully", "failed to create: [")


class Event(NamedTuple):
    """One change of one resource. place: logical ids, from the outermost stack to the resource."""

    at: str
    status: str
    place: str
    kind: str
    resource: str
    reason: str

    @property
    def is_cause(self) -> bool:
        """True when the resource failed by itself, and not because another one failed."""
        consequence = any(words in self.reason for words in _CONSEQUENCES)
        return self.status.endswith("_FAILED") and not consequence


class Events:
    """The events of a stack from now on.

    begun: True once there was an event, or when a change was already in progress.
    """

    def __init__(self, aws: Aws, stack: str, *, begun: bool = False) -> None:
        self._aws = aws
        self._stacks = {stack: ""}  # place in the outermost stack, by name or id
        self._seen: set[str] = set()
        for _ in self.news():
            pass
        self.begun = begun

    def news(self) -> Iterator[Event]:
        """Yields the events since the last call, stack by stack, oldest first."""
        known = 0
        while known < len(self._stacks):  # the events of a stack may add nested stacks
            stack, place = list(self._stacks.items())[known]
            known += 1
            yield from reversed(list(self._of(stack, place)))

    def _of(self, stack: str, place: str) -> Iterator[Event]:
        """Yields the new events of one stack, newest first."""
        for event in self._aws.pages(
            "cloudformation", "describe_stack_events", "StackEvents", StackName=stack
        ):
            if event["EventId"] in self._seen:
                return
            self._seen.add(event["EventId"])
            self.begun = True
            resource, logical = event.get("PhysicalResourceId", ""), event["LogicalResourceId"]
            itself = resource == event["StackId"]
            inside = place if itself else f"{place}{logical}"
            if event["ResourceType"] == STACK and resource and not itself:
                self._stacks.setdefault(resource, f"{inside}/")
            yield Event(
                at=f"{event['Timestamp']:%H:%M:%S}",
                status=event["ResourceStatus"],
                place=inside.rstrip("/") or logical,
                kind=event["ResourceType"],
                resource=resource,
                reason=event.get("ResourceStatusReason", ""),
            )


def explain(aws: Aws, event: Event) -> list[str]:
    """Returns lines that explain why a resource failed.

    The first has the reasons of CloudFormation and SageMaker. The others are the end of the endpoint's log.
    """
    name = event.resource.rpartition("/")[2]
    lines = [f"{event.place}: {event.reason}"]
    if event.kind == ENDPOINT and name:
        found: Json = aws.find("sagemaker", "describe_endpoint", EndpointName=name) or {}
        reason = found.get("FailureReason", "")
        if reason not in event.reason:
            lines[0] += f" ({reason})"
        lines += aws_logs.last_words(aws, aws_logs.endpoint_group(name))
    return lines
