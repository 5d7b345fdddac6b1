"""The prices of each Region, from prices.json."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from serving.errors import InvalidRequest


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """amount: per unit, in the currency of the Region. source: who says so."""

    amount: float
    unit: str
    source: str


class Instance(Price, frozen=True, forbid_unknown_fields=True):
    """An instance type that endpoints run on."""

    memory_gb: int


class Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """date: of the prices. Where no source gives the price of an endpoint, there is none."""

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
        """Every price there is, by name."""
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: value for name, value in fields if isinstance(value, Price)} | self.instances


@cache
def prices() -> Mapping[str, Region]:
    return msgspec.json.decode(Path(__file__).with_name("prices.json").read_bytes(), type=dict[str, Region])


def region_of(name: str) -> Region:
    if name not in prices():
        raise InvalidRequest(f"region: no prices of {name!r}; there are {', '.join(prices())}")
    return prices()[name]
