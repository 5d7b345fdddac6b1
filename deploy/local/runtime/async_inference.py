"""Asynchronous calls: answered at once, made one after the other, and their replies left in a place."""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from .endpoints import LocalEndpoint, LocalEndpoints
from .errors import WireError, invalid, out_of_bounds, unavailable
from .headers import (
    ASYNC,
    FILENAME,
    INFERENCE_ID,
    INPUT_LOCATION,
    OUTPUT_EXTENSION,
    TIMEOUT,
    TTL,
    passed,
    seconds,
)
from .limits import RuntimeLimits
from .locations import LocationError, Locations

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One call, and where its reply goes. headers: what the container gets; source: the body or its place."""

    endpoint: LocalEndpoint
    inference_id: str
    headers: Mapping[str, str]
    source: str | bytes
    output: str
    failure: str
    ttl_s: int
    timeout_s: int


class AsyncInference:
    """A bounded queue before a few callers."""

    def __init__(self, endpoints: LocalEndpoints, locations: Locations, limits: RuntimeLimits) -> None:
        self._endpoints, self._locations, self._limits = endpoints, locations, limits
        self._slots = asyncio.Semaphore(limits.async_at_once)
        self._admitted = 0

    def admit(self, endpoint: LocalEndpoint, given: Mapping[str, str], body: bytes) -> Job:
        """The job, which `run` has to be called for. given: the request's headers. Raises `WireError`."""
        headers = passed(ASYNC, given)
        extension, name = given.get(OUTPUT_EXTENSION, ""), uuid.uuid4().hex
        if ".." in extension.split("/"):
            raise out_of_bounds("s3OutputPathExtension", extension, "Member must not lead upwards")
        outputs = ("async-endpoint-outputs", endpoint.name, extension)
        job = Job(
            endpoint=endpoint,
            inference_id=given.get(INFERENCE_ID, str(uuid.uuid4())),
            headers=headers,
            source=self._source(given.get(INPUT_LOCATION), body),
            output=self._locations.output(*outputs, given.get(FILENAME, f"{name}.out")),
            failure=self._locations.output("async-endpoint-failures", endpoint.name, f"{name}-error.out"),
            ttl_s=seconds(given, TTL, self._limits.async_ttl_s),
            timeout_s=seconds(given, TIMEOUT, self._limits.async_timeout_s),
        )
        if self._admitted >= self._limits.async_waiting:
            raise unavailable(f"queue: full, at most {self._limits.async_waiting} calls may wait")
        self._admitted += 1
        return job

    def _source(self, location: str | None, body: bytes) -> str | bytes:
        """Raises `WireError`."""
        if (location is None) == (not body):
            raise invalid("InputLocation, Body: give one of the two")
        try:
            if location is not None:
                self._locations.file(location)
        except LocationError as error:
            raise invalid(str(error)) from error
        return location or body

    def _body(self, source: str | bytes) -> bytes:
        """Raises `LocationError`."""
        return source if isinstance(source, bytes) else self._locations.read(source, self._limits.async_body)

    async def run(self, job: Job) -> None:
        """Leave the reply, or why there is none, in its place; raises nothing."""
        try:
            await self._run(job)
        except (LocationError, WireError) as error:
            await self._fail(job, str(error))
        finally:
            self._admitted -= 1

    async def _run(self, job: Job) -> None:
        """Raises `LocationError` and `WireError`."""
        try:
            async with asyncio.timeout(job.ttl_s):
                await self._slots.acquire()
        except TimeoutError:
            raise invalid(f"The request has expired: it waited for {job.ttl_s} s") from None
        try:
            body = await asyncio.to_thread(self._body, job.source)
            async with asyncio.timeout(job.timeout_s):
                reply = await self._endpoints.call(job.endpoint, body, job.headers)
            content_type = reply.headers.get("content-type", "application/octet-stream")
            await asyncio.to_thread(self._locations.write, job.output, reply.body, content_type)
        except TimeoutError:
            raise invalid(f"The container did not answer within {job.timeout_s} s") from None
        finally:
            self._slots.release()

    async def _fail(self, job: Job, why: str) -> None:
        try:
            await asyncio.to_thread(self._locations.write, job.failure, why.encode(), "text/plain")
        except LocationError as error:
            log.error("%s: %s; its failure cannot be kept: %s", job.inference_id, why, error)
