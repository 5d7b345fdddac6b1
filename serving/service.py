"""A feature that is ready to answer requests: bytes in, reply out. Every adapter uses only this."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Any, Self, TypeVar

import msgspec

from .batching import Batcher, Result
from .codec import JSON, Codec
from .errors import DeadlineExceeded, Problem, ServingError
from .feature import Feature
from .model import Model, load_model
from .settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

DEADLINE_S = 55.0  # SageMaker's own timeout is 60
_THREADS = 16  # most of them wait for the server of an image address


class Stages(msgspec.Struct, frozen=True):
    """Seconds that an answered request spent in each stage, and the number of requests in its batch."""

    decode: float
    queue: float
    predict: float
    encode: float
    batch_size: int

    def seconds(self) -> dict[str, float]:
        """Returns the seconds of each stage by its name, in order."""
        return {name: getattr(self, name) for name in ("decode", "queue", "predict", "encode")}


class Reply(msgspec.Struct, frozen=True):
    """The response that an adapter sends to the caller, whatever the transport."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = {}
    stages: Stages | None = None


class Service:
    """A feature and its loaded model. Use as `async with Service(...) as service`."""

    def __init__(
        self,
        feature: Feature,
        model: Model[Any, Any, Any, Any],
        *,
        deadline_s: float = DEADLINE_S,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.feature = feature
        self._model = model
        self._codec = Codec(feature)
        self._batcher: Batcher[Any, Any] = Batcher(model.predict, feature.batching)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="media")
        self._deadline_s = deadline_s
        self._headers = headers or {}

    @classmethod
    def load(cls, feature: Feature, settings: Settings) -> Self:
        """Finds the weights and builds the networks. It imports torch. Raises `WeightsError`."""
        from .weights.store import resolve  # imported late: other users of this module do not need weights

        weights = resolve(feature, settings)
        model = load_model(feature, weights, settings.device)
        headers = {"X-Aikit-Weights": "random"} if weights.random else {}
        model.configure(settings)
        return cls(feature, model, deadline_s=settings.deadline_s, headers=headers)

    async def __aenter__(self) -> Self:
        """Starts the batcher and answers the example once, as warm-up and self-test."""
        await self._batcher.__aenter__()
        reply = await self.invoke(msgspec.json.encode(self.feature.example["request"]))
        if reply.status != HTTPStatus.OK:
            await self.__aexit__()
            raise RuntimeError(f"{self.feature.name} cannot answer its own example: {reply.body.decode()}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._batcher.__aexit__(*exc)
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def running(self) -> bool:
        """True when a request sent now would be processed."""
        return self._batcher.running

    @property
    def busy_s(self) -> float:
        """Seconds since the model began its present batch; 0 when it is idle."""
        return self._batcher.busy_s

    @property
    def queue_length(self) -> int:
        return self._batcher.queue_length

    @property
    def capacity(self) -> int:
        """Number of requests that may wait."""
        return self._batcher.capacity

    async def invoke(
        self,
        body: bytes,
        content_type: str = JSON,
        accept: str = "*/*",
        *,
        request_id: str = "",
        deadline_s: float | None = None,
    ) -> Reply:
        """Answers one request. It never raises: a failure becomes the reply that its class declares."""
        request_id = request_id or uuid.uuid4().hex
        deadline_s = min(deadline_s or self._deadline_s, self._deadline_s)
        try:
            async with asyncio.timeout(deadline_s):
                return await self._answer(body, content_type, accept)
        except ServingError as error:
            return problem(error, request_id)
        except TimeoutError:
            return problem(DeadlineExceeded(f"no answer within {deadline_s:g} s"), request_id)
        except Exception:
            log.exception("incident %s", request_id)
            return problem(ServingError(f"internal error; incident {request_id}"), request_id)

    async def _answer(self, body: bytes, content_type: str, accept: str) -> Reply:
        kind = self._codec.accepted(accept)
        result = await self._batcher.submit(partial(self._in_thread, self._prepare, body, content_type, kind))
        start = time.monotonic()
        content, kind = await self._in_thread(self._finish, result, kind)
        stages = Stages(
            decode=result.prepare_s,
            queue=result.queue_s,
            predict=result.predict_s,
            encode=time.monotonic() - start,
            batch_size=result.batch_size,
        )
        return Reply(HTTPStatus.OK, content, kind, self._headers, stages)

    def _prepare(self, body: bytes, content_type: str, accept: str) -> Any:
        return self._model.preprocess(self._codec.decode(body, content_type, accept))

    def _finish(self, result: Result[Any, Any], accept: str) -> tuple[bytes, str]:
        return self._codec.encode(self._model.postprocess(result.output, result.item), accept)

    async def _in_thread(self, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)


def problem(error: ServingError, request_id: str) -> Reply:
    """Returns the reply for an error, which is the same in every adapter."""
    body = Problem(error.status, error.code, str(error), request_id)
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    return Reply(error.status, msgspec.json.encode(body), headers=headers)
