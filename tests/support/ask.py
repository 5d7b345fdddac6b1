"""Calls features in the process of the test."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from serving.codec import JSON
from serving.feature import Feature
from serving.service import Reply, Service
from serving.settings import Settings
from serving.weights import Store, Weights, WeightsError

_PATIENCE_MS = 30_000
PROBE = "tests.support.features.probe.feature"


def weights_of(feature: Feature, settings: Settings | None = None) -> Weights:
    """Returns the weights of the default profile, and skips the test when they are not on this machine."""
    chosen = settings or Settings.read()
    try:
        return Store.of(chosen).resolve(feature, chosen.profile or feature.default_profile, download=False)
    except WeightsError as error:
        pytest.skip(str(error))


class Ask:
    """Calls features in process; each is loaded once for all tests. stores: folder of what features store."""

    def __init__(self, stack: ExitStack, stores: Path) -> None:
        self._stack, self._stores = stack, stores
        self._portal = stack.enter_context(start_blocking_portal())
        self._loaded: dict[str, Service] = {}

    def __call__(
        self, feature: Feature, *bodies: bytes, content_type: str = JSON, accept: str = "*/*"
    ) -> list[Reply]:
        """Returns the replies to requests that are sent at once, and so share batches."""
        service = self._loaded.get(feature.name) or self._load(feature)

        async def invoke_all() -> list[Reply]:
            return await asyncio.gather(*(service.invoke(body, content_type, accept) for body in bodies))

        return self._portal.call(invoke_all)

    def _load(self, feature: Feature) -> Service:
        stores = {feature.store.name: str(self._stores)} if feature.store else {}
        settings = Settings.read(stores=stores)
        weights_of(feature, settings)
        # a batch waits for all requests that were sent with its first one, however busy the machine is
        patient = replace(feature, batching=replace(feature.batching, max_delay_ms=_PATIENCE_MS))
        service = self._portal.wrap_async_context_manager(Service.load(patient, settings))
        self._loaded[feature.name] = self._stack.enter_context(service)
        return self._loaded[feature.name]
