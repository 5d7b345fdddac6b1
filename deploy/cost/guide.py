"""The cost tables that the guide of the original AI Solution Kit prints, and the same tables recomputed.

guide.json has the printed tables.
"""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from .estimate import Lines, Load, on_endpoint, on_lambda, shared
from .prices import prices

_ROUNDING = 0.05  # largest difference that rounding explains


class GuideTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table, which the guide prints for each of these features: a million calls of `seconds` each."""

    features: list[str]
    region: str
    lines: Lines
    total: float
    notes: list[str]
    lambda_memory_mb: int = 0
    instance_type: str = ""
    seconds: float = 1
    out_kb: float = 100

    @property
    def added(self) -> float:
        """The sum of the printed lines."""
        return round(sum(self.lines.values()), 2)

    @property
    def recomputed(self) -> Lines:
        """The lines that follow from the prices. As in the guide, an endpoint costs only its busy hours."""
        region, load = prices()[self.region], Load(out_kb=self.out_kb)
        if self.instance_type:
            hours = math.ceil(load.requests * self.seconds / 3600)
            return shared(region, load) | on_endpoint(region, load, self.instance_type, hours)
        return shared(region, load) | on_lambda(region, load, self.lambda_memory_mb, self.seconds)

    @property
    def wrong(self) -> list[str]:
        """Names of the lines that do not follow from the prices, and `total` if it is not the sum."""
        recomputed = self.recomputed
        lines = [name for name, amount in self.lines.items() if abs(amount - recomputed[name]) > _ROUNDING]
        return [*lines, "total"] if self.added != self.total else lines


@cache
def guide_tables() -> Sequence[GuideTable]:
    """Returns every table of guide.json."""
    content = Path(__file__).with_name("guide.json").read_bytes()
    return msgspec.json.decode(content, type=list[GuideTable])


def guide_load(feature: str, requests: int = 1_000_000) -> Load:
    """Returns the load with the sizes that the guide assumes for the feature of that name."""
    sizes = [table.out_kb for table in guide_tables() if feature in table.features]
    return Load(requests=requests, out_kb=sizes[0]) if sizes else Load(requests=requests)
