"""Adapter for synchronous callers in the same process."""

import time
from contextlib import ExitStack
from functools import partial

from anyio.from_thread import start_blocking_portal

from serving.feature import Feature
from serving.logs import log_invocation
from serving.service import Reply, Service
from serving.settings import Settings


class SyncService:
    """A service that synchronous callers can use; it runs on an event loop in its own thread."""

    def __init__(self, feature: Feature, settings: Settings) -> None:
        """Loads the feature and answers its example. Raises `ServingError`."""
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            service = self._portal.wrap_async_context_manager(Service.load(feature, settings))
            self._service = stack.enter_context(service)
            self._stack = stack.pop_all()

    def invoke(self, body: bytes, content_type: str, accept: str = "*/*", request_id: str = "") -> Reply:
        """Answers one request. It never raises."""
        start = time.monotonic()
        reply = self._portal.call(
            partial(self._service.invoke, body, content_type, accept, request_id=request_id)
        )
        log_invocation(request_id, reply, time.monotonic() - start)
        return reply

    def close(self) -> None:
        self._stack.close()
