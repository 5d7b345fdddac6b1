"""One CloudFormation stack. Change sets change it, and it is watched until a change is complete."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from serving.http import Json

from .calls import Aws, AwsError, Say
from .events import STACK, Events, explain

_LIMIT_S = 3 * 3600
_CHANGE_SET_S = 900
_PREFIX = "aikit-"
_PROPOSED = "REVIEW_IN_PROGRESS"
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
_UPDATABLE = (*_GOOD, "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")
_NO_CAUSE = "no resource reports a cause"
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


class Change(NamedTuple):
    """One resource that a change set changes.

    place: logical ids, outermost stack first. replacement: `True`, `False`, `Conditional`, or empty.
    """

    action: str
    place: str
    kind: str
    replacement: str


class Resource(NamedTuple):
    """The state of one resource. place: logical ids, outermost stack first. name: physical id."""

    place: str
    kind: str
    name: str
    status: str


class CloudStack:
    """A CloudFormation stack. Every method can be repeated, also after an interruption."""

    def __init__(self, aws: Aws, name: str, *, say: Say) -> None:
        self._aws, self.name, self._say = aws, name, say
        self._change_set = ""

    def describe(self) -> Json | None:
        """Returns the answer of DescribeStacks, or None when the stack does not exist."""
        found = self._aws.find("cloudformation", "describe_stacks", StackName=self.name)
        return found["Stacks"][0] if found else None

    def ready(self) -> Json | None:
        """Waits until the stack can be changed. Returns it, or None if there is none.

        Deletes a stack whose creation failed. Raises `AwsError` for a stack that needs the user's help.
        """
        current = self.describe()
        if current is None or current["StackStatus"] == _PROPOSED:
            return None
        if current["StackStatus"].endswith("_IN_PROGRESS"):
            self._watch(Events(self._aws, self.name, begun=True))
            current = self.describe()
        status = current["StackStatus"] if current else ""
        if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
            self._say(f"{self.name}: {status}; it is deleted first")
            self.delete()
            return None
        if current and status not in _UPDATABLE and not self._aws.dry_run:
            raise AwsError(
                f"{self.name}: {status}; run `aws cloudformation continue-update-rollback --stack-name "
                f"{self.name}`, or remove the stack with `aikit deploy down`"
            )
        return current

    def propose(self, template_url: str, parameters: Sequence[Json], tags: Mapping[str, str]) -> list[Change]:
        """Makes a change set and returns its changes; none in a dry run.

        The caller then calls `execute` or `abandon`, unless there are no changes.
        """
        exists = self.ready() is not None
        if self.describe() is not None:
            self._drop_change_sets()
        self._change_set = f"{_PREFIX}{uuid.uuid4().hex[:12]}"
        self._aws.call(
            "cloudformation",
            "create_change_set",
            StackName=self.name,
            ChangeSetName=self._change_set,
            ChangeSetType="UPDATE" if exists else "CREATE",
            TemplateURL=template_url,
            Parameters=list(parameters),
            Capabilities=["CAPABILITY_IAM"],
            IncludeNestedStacks=True,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        if self._aws.dry_run:
            return []
        try:
            changes = list(self._changes(self._proposal()))
        except AwsError:
            self.abandon()
            raise
        if not changes:
            self.abandon()
        return changes

    def execute(self) -> None:
        """Executes the change set and waits. Raises `AwsError` with every cause.

        A stack whose creation failed is deleted.
        """
        events = None if self._aws.dry_run else Events(self._aws, self.name)
        self._aws.call(
            "cloudformation", "execute_change_set", StackName=self.name, ChangeSetName=self._change_set
        )
        if events is None:
            return
        causes = self._watch(events)
        current = self.describe()
        status = current["StackStatus"] if current else "deleted"
        if status in _GOOD:
            return
        if not status.startswith("UPDATE_ROLLBACK"):
            for one in self.delete():
                self._say(f"kept: {one.kind} {one.name}")
            status += ", and the stack is deleted"
        raise AwsError(f"{self.name}: {status}: {'; '.join(causes) or _NO_CAUSE}")

    def abandon(self) -> None:
        """Deletes the change set, and the stack if it was made only for the change set."""
        current = self.describe()
        if current and current["StackStatus"] == _PROPOSED:
            self.delete()
        elif current:
            self._drop_change_sets()

    def delete(self) -> list[Resource]:
        """Deletes the stack and waits. Returns the resources that its templates keep.

        Raises `AwsError` with the causes.
        """
        current = self.describe()
        if current is None:
            return []
        if current["StackStatus"].endswith("_IN_PROGRESS") and current["StackStatus"].startswith("UPDATE"):
            self._watch(Events(self._aws, self.name, begun=True))
        stack = current["StackId"]
        nested = [resource.name for resource in self.resources() if resource.kind == STACK]
        events = Events(self._aws, stack)
        self._aws.call("cloudformation", "delete_stack", StackName=stack)
        causes = self._watch(events, stack)
        if not self._aws.dry_run and self.describe() is not None:
            raise AwsError(f"{self.name}: could not be deleted: {'; '.join(causes) or _NO_CAUSE}")
        left = [resource for one in (stack, *nested) for resource in self._resources_of(one, "")]
        return [resource for resource in left if resource.status == "DELETE_SKIPPED"]

    def resources(self) -> Iterator[Resource]:
        """Returns the resources of the stack and of the stacks nested in it."""
        current = self.describe()
        # the id is valid even if the stack is deleted in the next moment
        return self._resources_of(current["StackId"], "") if current else iter(())

    def _resources_of(self, stack: str, place: str) -> Iterator[Resource]:
        found = self._aws.pages(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack
        )
        for item in found:
            name = item.get("PhysicalResourceId", "")
            inside = f"{place}{item['LogicalResourceId']}"
            yield Resource(inside, item["ResourceType"], name, item["ResourceStatus"])
            if item["ResourceType"] == STACK and name and not item["ResourceStatus"].startswith("DELETE"):
                yield from self._resources_of(name, f"{inside}/")

    def _proposal(self) -> str:
        """Waits for the change set and returns its id. Raises `AwsError` when it cannot be made."""
        answer: Json = {}

        def made() -> bool:
            nonlocal answer
            answer = self._aws.call(
                "cloudformation",
                "describe_change_set",
                StackName=self.name,
                ChangeSetName=self._change_set,
            )
            return answer["Status"] in ("CREATE_COMPLETE", "FAILED")

        self._aws.wait(f"{self.name}: no change set", made, limit_s=_CHANGE_SET_S)
        reason = answer.get("StatusReason", "")
        if answer["Status"] == "FAILED" and not any(words in reason for words in _NO_CHANGES):
            raise AwsError(f"{self.name}: {reason}")
        return str(answer["ChangeSetId"])

    def _changes(self, change_set: str, place: str = "") -> Iterator[Change]:
        found = self._aws.pages("cloudformation", "describe_change_set", "Changes", ChangeSetName=change_set)
        for change in (item["ResourceChange"] for item in found):
            inside = f"{place}{change['LogicalResourceId']}"
            below = (
                list(self._changes(change["ChangeSetId"], f"{inside}/")) if "ChangeSetId" in change else []
            )
            # CloudFormation reports a nested stack as modified even if nothing in it changes
            if below or change["ResourceType"] != STACK or change["Action"] != "Modify":
                yield Change(
                    change["Action"], inside, change["ResourceType"], str(change.get("Replacement", ""))
                )
            yield from below

    def _drop_change_sets(self) -> None:
        found = self._aws.pages("cloudformation", "list_change_sets", "Summaries", StackName=self.name)
        for name in [item["ChangeSetName"] for item in found]:
            if name.startswith(_PREFIX):
                self._aws.call("cloudformation", "delete_change_set", StackName=self.name, ChangeSetName=name)

    def _watch(self, events: Events, stack: str = "") -> list[str]:
        """Reports the events until no change is in progress. Returns the causes of failures.

        stack: id or name; empty means this stack.
        """
        causes: list[str] = []

        def done() -> bool:
            found = self._aws.find("cloudformation", "describe_stacks", StackName=stack or self.name)
            for event in events.news() if found else ():
                self._say(f"{event.at}  {event.status:<28} {event.place}")
                if event.is_cause:
                    cause, *more = explain(self._aws, event)
                    causes.append(cause)
                    for line in more:
                        self._say(line)
            status = found["Stacks"][0]["StackStatus"] if found else "DELETE_COMPLETE"
            # after a call, the events show the change earlier than the status does
            return not status.endswith("_IN_PROGRESS") and (events.begun or status == "DELETE_COMPLETE")

        self._aws.wait(f"{self.name}: change not complete", done, limit_s=_LIMIT_S)
        return causes
