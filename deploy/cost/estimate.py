"""Estimates the cost of a feature in one month, on AWS Lambda and at a SageMaker endpoint.

A GB of data is 10^9 bytes, as in the guide's tables. A GB of Lambda's memory is 1024 MB.
"""

import math
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from deploy.cloudformation.functions import PROXY_MB
from serving.errors import InvalidRequest
from serving.feature import Feature, Measurements

from .prices import Region

Lines = dict[str, float]

HOURS = 720  # a month of 30 days
BUSY = 0.7  # share of an instance's time that calls may fill
_SECONDS = HOURS * 3600


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of a feature in one month, and their sizes. The defaults are those of the guide."""

    requests: int = 1_000_000
    in_kb: float = 1000
    out_kb: float = 100
    logs_kb: float = 10
    image_gb: float = 0.5


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of one feature in one month. A value is None when a measurement or a price is missing.

    rate: calls a second that one instance answers, measured on its GPU or else on a CPU. break_even: number
    of calls a month from which one instance is cheaper than Lambda, if it is fast enough for them. It is 0
    when there is no such number, because a call costs more than on Lambda even without the hours.
    break_even_rate: the same number in calls a second.
    """

    feature: str
    lambda_memory_mb: int
    instance_type: str
    measured: Measurements
    on_lambda: float | None = None
    on_endpoint: float | None = None
    instances: int | None = None
    rate: float | None = None
    break_even: int | None = None
    break_even_rate: float | None = None


def shared(region: Region, load: Load) -> Lines:
    """Returns the costs that are the same on Lambda and at an endpoint."""
    return {
        "gateway_calls": load.requests / 1e6 * region.gateway_calls.amount,
        "gateway_out": _gb(load, load.out_kb) * region.gateway_out.amount,
        "logs": _gb(load, load.logs_kb) * region.logs.amount,
        "registry": load.image_gb * region.registry.amount,
    }


def on_lambda(region: Region, load: Load, memory_mb: int, seconds: float) -> Lines:
    """Returns the costs of Lambda alone. seconds: duration of one call."""
    return {
        "lambda_requests": load.requests / 1e6 * region.lambda_requests.amount,
        "lambda_duration": load.requests * seconds * memory_mb / 1024 * region.lambda_gb_second.amount,
    }


def on_endpoint(region: Region, load: Load, instance_type: str, hours: float) -> Lines:
    """Returns the costs of an endpoint alone. hours: sum over all instances.

    Raises `InvalidRequest` when a price is missing.
    """
    if instance_type not in region.instances or region.endpoint_data is None:
        raise InvalidRequest(f"instance type: no price of {instance_type} in {region.place}")
    return {
        "endpoint_hours": hours * region.instances[instance_type].amount,
        "endpoint_in": _gb(load, load.in_kb) * region.endpoint_data.amount,
        "endpoint_out": _gb(load, load.out_kb) * region.endpoint_data.amount,
    }


def estimate(feature: Feature, region: Region, load: Load, measured: Measurements) -> Estimate:
    """Estimates the cost of one feature for calls that come evenly over the month."""
    memory_mb, kind = feature.resources.lambda_memory_mb, feature.resources.instance_type
    found = Estimate(feature=feature.name, lambda_memory_mb=memory_mb, instance_type=kind, measured=measured)
    base = sum(shared(region, load).values())
    if measured.cpu:
        lines = on_lambda(region, load, memory_mb, measured.cpu.seconds)
        found = replace(found, on_lambda=base + sum(lines.values()))
    fastest = measured.gpu or measured.cpu
    if fastest is None:
        return found
    instances = max(1, math.ceil(load.requests * fastest.seconds / (_SECONDS * BUSY)))
    found = replace(found, rate=1 / fastest.seconds, instances=instances)
    if kind not in region.instances:
        return found
    month = HOURS * region.instances[kind].amount
    calls = _calls(region, load, kind, fastest.seconds)
    found = replace(found, on_endpoint=base + instances * month + calls)
    if found.on_lambda is None:
        return found
    saved = (found.on_lambda - base - calls) / load.requests
    even = math.ceil(month / saved) if saved > 0 else 0
    return replace(found, break_even=even, break_even_rate=even / _SECONDS)


def _calls(region: Region, load: Load, kind: str, seconds: float) -> float:
    """Returns the cost of the calls to an endpoint, without its hours.

    It consists of the data, and of the function in front of the endpoint.
    """
    lines = on_endpoint(region, load, kind, hours=0) | on_lambda(region, load, PROXY_MB, seconds)
    return sum(lines.values())


def together(features: Sequence[Feature], region: Region) -> str | None:
    """Returns the cheapest instance type that has enough memory for all features at once, or None."""
    needed_mb = sum(feature.resources.memory_mb for feature in features)
    fitting = [kind for kind, one in region.instances.items() if one.memory_gb * 1024 >= needed_mb]
    return min(fitting, key=lambda kind: region.instances[kind].amount, default=None)


def _gb(load: Load, kilobytes: float) -> float:
    return load.requests * kilobytes / 1e6
