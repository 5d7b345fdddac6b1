"""The content of the report that `aikit cost` prints.

It has the features' costs in a Region at a number of calls a month, and a check of the guide's own tables.
"""

from collections.abc import Iterator, Sequence

import msgspec

from serving.errors import InvalidRequest
from serving.feature import Feature

from .estimate import HOURS, Estimate, Lines, estimate, together
from .guide import guide_load, guide_tables
from .prices import Region, region_of

_GUIDE_INSTANCE = "ml.g4dn.xlarge"


class AlwaysOn(msgspec.Struct, frozen=True):
    """Endpoints that always run. what: a description. month: cost of all their hours, without any calls."""

    what: str
    instances: int
    instance_type: str
    month: float


class Checked(msgspec.Struct, frozen=True):
    """The guide's table for one feature, checked.

    printed: its total. added: the sum of its lines. recomputed: the sum that follows from the prices. lines:
    the recomputed lines. wrong: see `GuideTable.wrong`.
    """

    feature: str
    printed: float
    added: float
    recomputed: float
    lines: Lines
    wrong: list[str]
    notes: list[str]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. Each amount is the cost of one month, in the currency of the prices."""

    region: str
    prices: Region
    requests: int
    features: list[Estimate]
    hosting: list[AlwaysOn]
    guide: list[Checked]


def report(features: Sequence[Feature], name: str, requests: int) -> Report:
    """Computes the report for the Region `name`.

    requests: calls of each feature in a month. Raises `InvalidRequest` for a Region without prices, or fewer
    than one request.
    """
    if requests < 1:
        raise InvalidRequest(f"requests: {requests}, at least 1")
    region = region_of(name)
    return Report(
        region=name,
        prices=region,
        requests=requests,
        features=[estimate(one, region, guide_load(one.name, requests), one.measured) for one in features],
        hosting=list(_hosting(features, region)),
        guide=list(_guide(name)),
    )


def _hosting(features: Sequence[Feature], region: Region) -> Iterator[AlwaysOn]:
    if _GUIDE_INSTANCE not in region.instances:
        return
    count = len({name for table in guide_tables() for name in table.features})
    month = HOURS * region.instances[_GUIDE_INSTANCE].amount
    yield AlwaysOn("one endpoint for each feature of the guide", count, _GUIDE_INSTANCE, count * month)
    if kind := together(features, region):
        month = HOURS * region.instances[kind].amount
        yield AlwaysOn(f"one endpoint for all {len(features)} features (--together)", 1, kind, month)


def _guide(region: str) -> Iterator[Checked]:
    for table in guide_tables():
        if table.region == region:
            lines = table.recomputed
            for feature in table.features:
                yield Checked(
                    feature, table.total, table.added, sum(lines.values()), lines, table.wrong, table.notes
                )
