"""Checks the properties of resources against the limits in AWS's own service models.

CloudFormation passes most properties to one call of the service, under the names that the call has. cfn-lint
checks the properties that the call does not have.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import botocore.session

from .cloudformation import Unknown

CALLS = {
    "SageMaker::Model": ("sagemaker", ["CreateModel"]),
    "SageMaker::EndpointConfig": ("sagemaker", ["CreateEndpointConfig"]),
    "SageMaker::Endpoint": ("sagemaker", ["CreateEndpoint", "UpdateEndpoint"]),
    "ApplicationAutoScaling::ScalableTarget": ("application-autoscaling", ["RegisterScalableTarget"]),
    "ApplicationAutoScaling::ScalingPolicy": ("application-autoscaling", ["PutScalingPolicy"]),
    "Lambda::Function": ("lambda", ["CreateFunction"]),
    "CloudWatch::Alarm": ("cloudwatch", ["PutMetricAlarm"]),
}


@cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def faults(kind: str, properties: dict[str, Any]) -> list[str]:
    """Returns the faults that the service would find, each with its path."""
    service, calls = CALLS[kind]
    members: dict[str, Any] = {}
    for call in reversed(calls):
        members |= _service(service).operation_model(call).input_shape.members
    return [
        fault
        for name, value in properties.items()
        if name in members
        for fault in _faults(members[name], value, name)
    ]


def _faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Unknown) and shape.type_name in _CHECKS:
        expected, check = _CHECKS[shape.type_name]
        if isinstance(value, expected):
            yield from check(shape, value, path)
        else:
            yield f"{path}: {value!r} is not a {shape.type_name}"


def _list_faults(shape: Any, value: list[Any], path: str) -> Iterator[str]:
    yield from _range_faults(shape, len(value), path)
    for index, one in enumerate(value):
        yield from _faults(shape.member, one, f"{path}[{index}]")


def _map_faults(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    yield from _range_faults(shape, len(value), path)
    for key, one in value.items():
        yield from _faults(shape.key, key, f"{path}.{key}")
        yield from _faults(shape.value, one, f"{path}.{key}")


def _structure_faults(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"{path}: {name} is missing"
    for name in value.keys() & shape.members.keys():
        yield from _faults(shape.members[name], value[name], f"{path}.{name}")


def _string_faults(shape: Any, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {len(shape.enum)} allowed values"
    if (pattern := shape.metadata.get("pattern")) and not re.fullmatch(_python(pattern), value):
        yield f"{path}: {value!r} does not match {pattern}"
    yield from _range_faults(shape, len(value), path)


def _number_faults(shape: Any, value: str | float, path: str) -> Iterator[str]:
    yield from _range_faults(shape, float(value), path)  # the number of a parameter is a string


def _range_faults(shape: Any, number: float, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", number), shape.metadata.get("max", number)
    if not least <= number <= most:
        yield f"{path}: {number:g} is not within {least} and {most}"


def _python(pattern: str) -> str:
    r"""Returns a regular expression of Java as one of Python."""
    printed, beyond = r"[\x20-\x7e]", (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return pattern.replace(r"[\p{Print}]", printed).replace(r"\p{Print}", printed).replace(*beyond)


_NUMBER = ((str, int, float), _number_faults)
_CHECKS: dict[str, tuple[Any, Callable[[Any, Any, str], Iterator[str]]]] = {
    "structure": (dict, _structure_faults),
    "list": (list, _list_faults),
    "map": (dict, _map_faults),
    "string": (str, _string_faults),
    "boolean": (bool, lambda *_: iter(())),
    **dict.fromkeys(("integer", "long", "float", "double"), _NUMBER),
}
