"""The cost tables of the AI Solution Kit's guide as printed, from guide_costs.json, and recomputed."""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from .estimate import Lines, Load, around, on_endpoint, on_lambda
from .prices import prices

_ROUNDING = 0.05


class GuideTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table, printed for each of these features, for a million calls of `seconds`."""

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
        """What the printed lines add up to."""
        return round(sum(self.lines.values()), 2)

    @property
    def recomputed(self) -> Lines:
        """The lines as they follow from the prices; an endpoint is charged its busy hours, as printed."""
        region, load = prices()[self.region], Load(out_kb=self.out_kb)
        if self.instance_type:
            hours = math.ceil(load.requests * self.seconds / 3600)
            return around(region, load) | on_endpoint(region, load, self.instance_type, hours)
        return around(region, load) | on_lambda(region, load, self.lambda_memory_mb, self.seconds)

    @property
    def wrong(self) -> list[str]:
        """The lines that do not follow from the prices, but for rounding, and `total` if it is no sum."""
        recomputed = self.recomputed
        lines = [name for name, amount in self.lines.items() if abs(amount - recomputed[name]) > _ROUNDING]
        return [*lines, "total"] if self.added != self.total else lines


@cache
def guide_tables() -> Sequence[GuideTable]:
    content = Path(__file__).with_name("guide.json").read_bytes()
    return msgspec.json.decode(content, type=list[GuideTable])


def guide_load(feature: str, requests: int = 1_000_000) -> Load:
    """The sizes that the guide assumes for the feature, by its name."""
    sizes = [table.out_kb for table in guide_tables() if feature in table.features]
    return Load(requests=requests, out_kb=sizes[0]) if sizes else Load(requests=requests)
