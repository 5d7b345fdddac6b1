"""Calls features in the process of the test."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.adapters.in_process import SyncService
from serving.codec import JSON
from serving.feature import Feature
from serving.service import Reply
from serving.settings import Settings
from serving.weights import Store, Weights, WeightsError

PROBE = "tests.support.features.probe.feature"


def weights_of(feature: Feature, settings: Settings | None = None) -> Weights:
    """Returns the weights of the default profile, and skips the test when they are not on this machine."""
    chosen = settings or Settings.read()
    try:
        return Store.of(chosen).resolve(feature, chosen.profile or feature.default_profile, download=False)
    except WeightsError as error:
        pytest.skip(str(error))


class Ask:
    """Calls features in process; each is loaded once for all tests. templates: folder of their store."""

    def __init__(self, stack: ExitStack, templates: Path) -> None:
        self._stack, self._templates = stack, templates
        self._loaded: dict[str, SyncService] = {}

    def __call__(
        self, feature: Feature, *bodies: bytes, content_type: str = JSON, accept: str = "*/*"
    ) -> list[Reply]:
        """Returns the replies to concurrent requests."""
        service = self._loaded.get(feature.name)
        if service is None:
            settings = Settings.read(stores={"template": str(self._templates)})
            weights_of(feature, settings)
            service = self._loaded[feature.name] = SyncService(feature, settings)
            self._stack.callback(service.close)
        with ThreadPoolExecutor(len(bodies)) as callers:
            return list(callers.map(lambda body: service.invoke(body, content_type, accept), bodies))
