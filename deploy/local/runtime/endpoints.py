"""The features as SageMaker endpoints: lookup by name, calls, and failures as SageMaker reports them."""

from collections.abc import Mapping
from typing import NamedTuple

from deploy.local.fleet.fleet import ContainerReply, Fleet
from deploy.local.options import ACCOUNT
from serving.errors import DeadlineExceeded, Unavailable
from serving.feature import Feature

from .errors import invalid, model_error, unavailable
from .limits import RuntimeLimits

VARIANT = "all"  # the same name as in the CloudFormation templates
_LATE = (
    "Your invocation timed out while waiting for a response from container primary. "
    "See the log of the container, and try again."
)


class LocalEndpoint(NamedTuple):
    """A feature under the endpoint name that the caller used."""

    name: str
    feature: Feature


class LocalEndpoints:
    """The endpoints of a fleet. aliases: additional endpoint names, each with a name of its feature."""

    def __init__(self, fleet: Fleet, limits: RuntimeLimits, aliases: Mapping[str, str]) -> None:
        self._fleet, self._limits, self._aliases = fleet, limits, aliases

    def find(self, name: str) -> LocalEndpoint:
        """Returns the endpoint with this name. Raises `WireError` if there is none."""
        feature = self._fleet.find(self._aliases.get(name, name))
        if feature is None:
            raise invalid(f"Endpoint {name} of account {ACCOUNT} not found.")
        return LocalEndpoint(name, feature)

    async def call(self, endpoint: LocalEndpoint, body: bytes, headers: Mapping[str, str]) -> ContainerReply:
        """Returns the container's reply. Raises `WireError` for a timeout or a status other than 2xx."""
        try:
            reply = await self._fleet.call(endpoint.feature, body, headers)
        except DeadlineExceeded as error:
            raise model_error(endpoint.name, 0, _LATE, self._limits.message) from error
        except Unavailable as error:
            raise unavailable(f"{endpoint.name}: {error}") from error
        if not 200 <= reply.status < 300:
            text = reply.body.decode(errors="replace")
            raise model_error(endpoint.name, reply.status, text, self._limits.message)
        return reply
