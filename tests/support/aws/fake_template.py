"""A CloudFormation template with its parameters, and a stack that is made from it, for the fake of AWS."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from serving.http import Json

_PSEUDO = {"AWS::Region": "us-west-2", "AWS::URLSuffix": "amazonaws.com"}


@dataclass
class Evaluated:
    """A template and the values of its parameters.

    Only the intrinsic functions that parameters and addresses need are resolved.
    """

    name: str
    template: Json = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> dict[str, Json]:
        """The resources with conditions that are true, by logical id."""
        return {
            logical: {**resource, "Properties": self.resolve(resource.get("Properties", {}))}
            for logical, resource in self.template.get("Resources", {}).items()
            if self.holds(resource.get("Condition"))
        }

    def holds(self, condition: Any) -> bool:
        """True when a condition, or the condition of that name, is true. None is true."""
        if condition is None:
            return True
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        ((function, operands),) = condition.items()
        functions: dict[str, Callable[[], bool]] = {
            "Fn::Equals": lambda: self.resolve(operands[0]) == self.resolve(operands[1]),
            "Fn::Not": lambda: not self.holds(operands[0]),
            "Fn::And": lambda: all(map(self.holds, operands)),
            "Fn::Or": lambda: any(map(self.holds, operands)),
            "Condition": lambda: self.holds(operands),
        }
        return functions[function]()

    def resolve(self, value: Any) -> Any:
        """Returns the value with its intrinsic functions resolved."""
        known = {**_PSEUDO, **self.values}
        match value:
            case {"Ref": name}:
                return known.get(name, f"{self.name}-{name}")
            case {"Fn::If": [condition, then, otherwise]}:
                return self.resolve(then if self.holds(condition) else otherwise)
            case {"Fn::Sub": str(text)}:
                for name, known_value in known.items():
                    text = text.replace(f"${{{name}}}", known_value)
                return text
            case dict():
                return {key: self.resolve(item) for key, item in value.items()}
            case list():
                return [self.resolve(item) for item in value]
        return value


@dataclass
class FakeStack(Evaluated):
    """A stack. resources, removed: type, properties, physical id and status of each, by logical id.

    work: a change in progress, which advances by one step with each `next`.
    """

    id: str = ""
    status: str = "REVIEW_IN_PROGRESS"
    resources: dict[str, Json] = field(default_factory=dict)
    removed: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    work: Iterator[None] = field(default_factory=lambda: iter(()))
    change_sets: dict[str, Json] = field(default_factory=dict)


class Refused(Exception):
    """An error response of AWS. more: its members in addition to code and message."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code, self.more = code, more


def changes_something(change_set: Json) -> bool:
    """True when the change set changes a resource, which may be in a nested stack."""
    return any(
        changes_something(change["nested"]) if change.get("nested") and change["Action"] == "Modify" else True
        for change in change_set["changes"]
    )
