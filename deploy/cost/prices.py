"""The prices of each Region, from prices.json."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from serving.errors import InvalidRequest


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One price. amount: for one unit, in the currency of the Region. source: the document that states it."""

    amount: float
    unit: str
    source: str


class Instance(Price, frozen=True, forbid_unknown_fields=True):
    """The price of an instance type, and the memory that it has."""

    memory_gb: int


class Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The prices of one Region. endpoint_data, instances: missing where no source gives a price."""

    place: str
    currency: str
    date: str
    lambda_requests: Price
    lambda_gb_second: Price
    gateway_calls: Price
    gateway_out: Price
    logs: Price
    registry: Price
    endpoint_data: Price | None
    instances: dict[str, Instance]

    def priced(self) -> Mapping[str, Price]:
        """Returns every price by its name."""
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: value for name, value in fields if isinstance(value, Price)} | self.instances


@cache
def prices() -> Mapping[str, Region]:
    """Returns the prices of each Region by its code."""
    return msgspec.json.decode(Path(__file__).with_name("prices.json").read_bytes(), type=dict[str, Region])


def region_of(name: str) -> Region:
    """Returns the prices of a Region. Raises `InvalidRequest` for a Region without prices."""
    if name not in prices():
        raise InvalidRequest(f"region: no prices of {name!r}, only of {', '.join(prices())}")
    return prices()[name]
