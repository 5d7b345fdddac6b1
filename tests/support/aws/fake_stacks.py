"""A fake of CloudFormation with change sets, nested stacks, events, failures and rollbacks.

Each DescribeStacks call advances a change of the stack by one resource.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import boto3

from serving.http import Json

from .fake_template import Evaluated, FakeStack, Refused, changes_something

STACK = "AWS::CloudFormation::Stack"


@functools.cache
def _s3() -> Any:
    return boto3.client("s3", region_name="us-west-2")


class FakeStacks:
    """All stacks of an account. fails: reasons by logical ids of resources that cannot be made."""

    def empty(self) -> None:
        """Resets everything that the account contains."""
        self.stacks: dict[str, FakeStack] = {}
        self.fails: dict[str, str] = {}
        self.models: dict[str, Json] = {}
        self.configs: dict[str, Json] = {}
        self.endpoints: dict[str, Json] = {}
        self.ahead: dict[str, list[Json]] = {}
        self.logs: dict[str, list[str]] = {}
        self._ids = count()
        self._s3 = _s3()

    def alive(self) -> list[FakeStack]:
        """Returns the stacks that are not deleted."""
        return [stack for stack in self.stacks.values() if stack.status != "DELETE_COMPLETE"]

    def cloudformation_describe_stacks(self, StackName: str) -> Json:
        stack = self._stack(StackName)
        next(stack.work, None)
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.values.items()]
        outputs = [
            {"OutputKey": key, "OutputValue": stack.resolve(output["Value"])}
            for key, output in stack.template.get("Outputs", {}).items()
            if stack.status.endswith("E_COMPLETE") and stack.holds(output.get("Condition"))
        ]
        shown = {"StackId": stack.id, "StackName": stack.name, "StackStatus": stack.status}
        return {"Stacks": [{**shown, "Parameters": parameters, "Outputs": outputs}]}

    def cloudformation_list_stack_resources(self, StackName: str) -> Json:
        stack = self._stack(StackName)
        return {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": logical,
                    "PhysicalResourceId": one["id"],
                    "ResourceType": one["Type"],
                    "ResourceStatus": one["status"],
                }
                for logical, one in (stack.removed | stack.resources).items()
            ]
        }

    def cloudformation_describe_stack_events(self, StackName: str) -> Json:
        return {"StackEvents": list(reversed(self._stack(StackName).events))}

    def cloudformation_create_change_set(
        self, StackName: str, ChangeSetName: str, ChangeSetType: str, TemplateURL: str, **given: Any
    ) -> Json:
        if ChangeSetType == "CREATE" and not any(stack.name == StackName for stack in self.alive()):
            self._new(StackName)
        stack = self._stack(StackName)
        if (ChangeSetType == "CREATE") != (stack.status == "REVIEW_IN_PROGRESS"):
            raise Refused("ValidationError", f"{ChangeSetType} of a stack in {stack.status} state")
        values = {}
        for item in given["Parameters"]:
            name = item["ParameterKey"]
            values[name] = stack.values[name] if item.get("UsePreviousValue") else item["ParameterValue"]
        change_set = self._change_set(stack, self._read(TemplateURL), values)
        stack.change_sets[ChangeSetName] = change_set
        return {"Id": change_set["ChangeSetId"], "StackId": stack.id}

    def cloudformation_describe_change_set(self, ChangeSetName: str, StackName: str = "") -> Json:
        if StackName:
            return self._shown(self._stack(StackName).change_sets[ChangeSetName])
        return self._shown(self._all_change_sets()[ChangeSetName])

    def cloudformation_list_change_sets(self, StackName: str) -> Json:
        return {"Summaries": [{"ChangeSetName": name} for name in self._stack(StackName).change_sets]}

    def cloudformation_delete_change_set(self, StackName: str, ChangeSetName: str) -> Json:
        self._stack(StackName).change_sets.pop(ChangeSetName, None)
        return {}

    def cloudformation_execute_change_set(self, StackName: str, ChangeSetName: str) -> Json:
        stack = self._stack(StackName)
        change_set = stack.change_sets[ChangeSetName]
        stack.change_sets.clear()
        verb = "CREATE" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE"
        stack.work = self._deploy(stack, change_set["template"], change_set["values"], verb)
        return {}

    def cloudformation_delete_stack(self, StackName: str) -> Json:
        stack = self._stack(StackName)
        stack.work = self._delete(stack)
        if stack.status == "REVIEW_IN_PROGRESS":
            for _ in stack.work:
                pass
        return {}

    def _stack(self, name: str) -> FakeStack:
        """Returns a stack by its id, or by its name if it is not deleted."""
        found = self.stacks.get(name) or next((one for one in self.alive() if one.name == name), None)
        if found is None:
            raise Refused("ValidationError", f"Stack with id {name} does not exist")
        return found

    def _new(self, name: str) -> FakeStack:
        stack = FakeStack(
            name, id=f"arn:aws:cloudformation:us-west-2:123456789012:stack/{name}/{next(self._ids)}"
        )
        self.stacks[stack.id] = stack
        return stack

    def _change_set(self, stack: FakeStack | None, template: Json, values: Mapping[str, str]) -> Json:
        planned = Evaluated("planned", template)
        planned.values = {
            name: str(values.get(name, declared.get("Default", "")))
            for name, declared in template.get("Parameters", {}).items()
        }
        before = stack.resources if stack else {}
        changes = []
        for logical, wanted in planned.wanted.items():
            action = "Modify" if logical in before else "Add"
            change = {"Action": action, "LogicalResourceId": logical, "ResourceType": wanted["Type"]}
            if wanted["Type"] == STACK:
                inner = self.stacks.get(before[logical]["id"]) if logical in before else None
                nested = self._change_set(
                    inner, self._read(wanted["Properties"]["TemplateURL"]), wanted["Properties"]["Parameters"]
                )
                changes.append({**change, "ChangeSetId": nested["ChangeSetId"], "nested": nested})
            elif action == "Add" or before[logical]["Properties"] != wanted["Properties"]:
                changes.append(change)
        for logical in before.keys() - planned.wanted.keys():
            changes.append(
                {
                    "Action": "Remove",
                    "LogicalResourceId": logical,
                    "ResourceType": before[logical]["Type"],
                }
            )
        return {
            "ChangeSetId": f"arn:aws:cloudformation:us-west-2:1:changeSet/{next(self._ids)}",
            "template": template,
            "values": planned.values,
            "changes": changes,
        }

    def _all_change_sets(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        rest = [one for stack in self.alive() for one in stack.change_sets.values()]
        while rest:
            one = rest.pop()
            found[one["ChangeSetId"]] = one
            rest += [change["nested"] for change in one["changes"] if "nested" in change]
        return found

    def _shown(self, change_set: Json) -> Json:
        shown = {"ChangeSetId": change_set["ChangeSetId"], "Status": "CREATE_COMPLETE", "Changes": []}
        if not changes_something(change_set):
            reason = "The submitted information didn't contain changes. Submit different information."
            return {**shown, "Status": "FAILED", "StatusReason": reason}
        changes = [
            {key: value for key, value in one.items() if key != "nested"} for one in change_set["changes"]
        ]
        return {**shown, "Changes": [{"Type": "Resource", "ResourceChange": one} for one in changes]}

    def _deploy(
        self, stack: FakeStack, template: Json, values: Mapping[str, str], verb: str
    ) -> Iterator[None]:
        old = (stack.template, stack.values)
        stack.template, stack.values = template, dict(values)
        self._stack_event(stack, f"{verb}_IN_PROGRESS")
        yield
        wanted = stack.wanted
        failed = ""
        for logical, resource in wanted.items():
            if (
                resource["Type"] == STACK
                or stack.resources.get(logical, {}).get("Properties") != resource["Properties"]
            ):
                yield from self._make(stack, logical, resource)
            if stack.resources[logical]["status"].endswith("FAILED"):
                failed = logical
                break
        if failed and verb == "UPDATE":
            self._stack_event(
                stack, "UPDATE_ROLLBACK_IN_PROGRESS", f"The following resource(s) failed: [{failed}]."
            )
            del stack.resources[failed]
            yield
            stack.template, stack.values = old
            self._stack_event(stack, "UPDATE_ROLLBACK_COMPLETE")
        elif failed:
            self._stack_event(
                stack, "ROLLBACK_IN_PROGRESS", f"The following resource(s) failed to create: [{failed}]."
            )
            yield from self._remove_all(stack, {})
            self._stack_event(stack, "ROLLBACK_COMPLETE")
        else:
            yield from self._remove_all(stack, wanted)
            self._stack_event(stack, f"{verb}_COMPLETE")
        yield

    def _make(self, stack: FakeStack, logical: str, resource: Json) -> Iterator[None]:
        verb = "UPDATE" if logical in stack.resources else "CREATE"
        name = stack.resources.get(logical, {}).get("id", f"{stack.name}-{logical}")
        reason = self.fails.get(logical, "")
        if resource["Type"] == STACK:
            inner = self.stacks.get(name) or self._new(f"{stack.name}-{logical}")
            name = inner.id
            self._event(stack, (logical, resource["Type"], name), f"{verb}_IN_PROGRESS")
            nested = resource["Properties"]
            template, values = self._read(nested["TemplateURL"]), nested["Parameters"]
            yield from self._deploy(inner, template, values, verb)
            if "ROLLBACK" in inner.status:
                reason = f"Embedded stack {inner.id} was not successfully created"
        elif resource["Type"] == "AWS::SageMaker::Endpoint":
            status = "Failed" if reason else "InService"
            self.endpoints[name] = {
                "EndpointStatus": status,
                "FailureReason": reason,
                "EndpointConfigName": name,
            }
            name = f"arn:aws:sagemaker:us-west-2:123456789012:endpoint/{name}"
        self._event(stack, (logical, resource["Type"], name), f"{verb}_IN_PROGRESS")
        yield
        status = f"{verb}_FAILED" if reason else f"{verb}_COMPLETE"
        stack.resources[logical] = {**resource, "id": name, "status": status}
        self._event(stack, (logical, resource["Type"], name), status, reason)
        yield

    def _remove_all(self, stack: FakeStack, kept: Mapping[str, Json]) -> Iterator[None]:
        for logical, one in list(stack.resources.items()):
            if logical in kept:
                continue
            if one.get("DeletionPolicy") == "Retain":
                one["status"] = "DELETE_SKIPPED"
                self._event(stack, (logical, one["Type"], one["id"]), "DELETE_SKIPPED")
                continue
            if one["Type"] == STACK:
                yield from self._delete(self.stacks[one["id"]])
            self.endpoints.pop(one["id"].rpartition("/")[2], None)
            self._event(stack, (logical, one["Type"], one["id"]), "DELETE_COMPLETE")
            stack.removed[logical] = {**stack.resources.pop(logical), "status": "DELETE_COMPLETE"}
            yield

    def _delete(self, stack: FakeStack) -> Iterator[None]:
        self._stack_event(stack, "DELETE_IN_PROGRESS")
        yield from self._remove_all(stack, {})
        self._stack_event(stack, "DELETE_COMPLETE")

    def _read(self, url: str) -> Json:
        """Returns a template from the bucket, which is in moto."""
        parts = urlsplit(url)
        bucket = parts.netloc.partition(".s3.")[0]
        template: Json = json.loads(
            self._s3.get_object(Bucket=bucket, Key=parts.path.strip("/"))["Body"].read()
        )
        return template

    def _stack_event(self, stack: FakeStack, status: str, reason: str = "") -> None:
        stack.status = status
        self._event(stack, (stack.name, STACK, stack.id), status, reason)

    def _event(self, stack: FakeStack, what: tuple[str, str, str], status: str, reason: str = "") -> None:
        """Records an event. what: logical id, type and physical id of the resource."""
        logical, kind, name = what
        stack.events.append(
            {
                "EventId": str(next(self._ids)),
                "StackId": stack.id,
                "LogicalResourceId": logical,
                "PhysicalResourceId": name,
                "ResourceType": kind,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
                "Timestamp": datetime.now(UTC),
            }
        )
