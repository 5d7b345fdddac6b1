"""Evaluates a CloudFormation template: the resources that exist for given parameters."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from serving.http import Json

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "kit",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/kit/0a1b2c3d-1111",
}
_ABSENT = object()


class Unknown(str):
    """A value that only AWS knows, such as the name or ARN of a resource."""

    __slots__ = ()


class Stack:
    """A template, evaluated for parameters or their defaults.

    used: names of the resources to which existing resources refer. Raises `KeyError` for a parameter without
    a value, or one that the template lacks.
    """

    def __init__(
        self, template: Json, parameters: Mapping[str, str], pseudo: Mapping[str, str] = PSEUDO
    ) -> None:
        declared = template["Parameters"]
        self._values = dict(pseudo)
        self._values |= {
            name: str(parameters.get(name, one.get("Default"))) for name, one in declared.items()
        }
        missing = [name for name in declared if name not in parameters and "Default" not in declared[name]]
        if missing or parameters.keys() - declared.keys():
            raise KeyError(f"missing {missing}, unknown {parameters.keys() - declared.keys()}")
        self._conditions = template.get("Conditions", {})
        self.used: set[str] = set()
        self.resources = self._existing(template["Resources"])
        self.outputs = self._existing(template.get("Outputs", {}))

    def kinds(self) -> dict[str, str]:
        """Returns the type of each resource, without `AWS::`, by its name."""
        return {name: one["Type"].removeprefix("AWS::") for name, one in self.resources.items()}

    def of(self, kind: str) -> dict[str, Json]:
        """Returns the properties of each resource of the type, by its name."""
        return {
            name: self.resources[name]["Properties"] for name, type in self.kinds().items() if type == kind
        }

    def _existing(self, parts: Json) -> Json:
        return {
            name: self._resolved(part)
            for name, part in parts.items()
            if "Condition" not in part or self._holds(part["Condition"])
        }

    def _holds(self, condition: Any) -> bool:
        match condition:
            case str():
                return self._holds(self._conditions[condition])
            case {"Fn::Equals": [one, other]}:
                return bool(self._resolved(one) == self._resolved(other))
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
        raise ValueError(f"not a condition: {condition}")

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            if len(value) == 1 and (next(iter(value)).startswith("Fn::") or "Ref" in value):
                return self._intrinsic(value)
            pairs = ((key, self._resolved(one)) for key, one in value.items())
            return {key: one for key, one in pairs if one is not _ABSENT}
        if isinstance(value, list):
            return [one for one in map(self._resolved, value) if one is not _ABSENT]
        return value

    def _intrinsic(self, value: Json) -> Any:
        ((name, given),) = value.items()
        functions: dict[str, Callable[[], Any]] = {
            "Ref": lambda: self._named(given),
            "Fn::GetAtt": lambda: self._named(*given),
            "Fn::If": lambda: self._resolved(given[1 if self._holds(given[0]) else 2]),
            "Fn::Sub": lambda: self._substituted(*([given, {}] if isinstance(given, str) else given)),
            "Fn::Join": lambda: given[0].join(self._resolved(given[1])),
            "Fn::Split": lambda: self._resolved(given[1]).split(given[0]),
            "Fn::Select": lambda: self._resolved(given[1])[given[0]],
        }
        return functions[name]()

    def _substituted(self, text: str, values: Json) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            return str(self._resolved(values[name]) if name in values else self._named(*name.split(".", 1)))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def _named(self, name: str, attribute: str = "") -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        if name in self._values:
            return self._values[name]
        self.used.add(name)
        return Unknown(f"{name}-{attribute}" if attribute else name)


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yields each value in a nested structure, with its path."""
    yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from walk(inner, f"{path}/{key}")
