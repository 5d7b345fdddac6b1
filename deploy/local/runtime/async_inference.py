"""Asynchronous calls. They are accepted at once and run from a queue; their replies go to files or to S3."""

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
    """One asynchronous call.

    headers: those for the container. source: the body, or its location.
    output, failure: locations of the reply and of the error message.
    """

    endpoint: LocalEndpoint
    inference_id: str
    headers: Mapping[str, str]
    source: str | bytes
    output: str
    failure: str
    ttl_s: int
    timeout_s: int


class AsyncInference:
    """A bounded queue of calls, of which a few run at once."""

    def __init__(self, endpoints: LocalEndpoints, locations: Locations, limits: RuntimeLimits) -> None:
        self._endpoints, self._locations, self._limits = endpoints, locations, limits
        self._slots = asyncio.Semaphore(limits.async_at_once)
        self._admitted = 0

    def admit(self, endpoint: LocalEndpoint, given: Mapping[str, str], body: bytes) -> Job:
        """Adds a call to the queue and returns its job; the caller must then call `run`.

        given: the request's headers. Raises `WireError`.
        """
        headers = passed(ASYNC, given)
        extension, name = given.get(OUTPUT_EXTENSION, ""), uuid.uuid4().hex
        if ".." in extension.split("/"):
            raise out_of_bounds(
                "s3OutputPathExtension", extension, "Member must not contain the path segment .."
            )
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
        """Returns the body, or its location if the call names one. Raises `WireError`."""
        if (location is None) == (not body):
            raise invalid("InputLocation, Body: exactly one of the two is required")
        try:
            if location is not None:
                self._locations.file(location)
        except LocationError as error:
            raise invalid(str(error)) from error
        return location or body

    def _body(self, source: str | bytes) -> bytes:
        """Returns the body, which may be read from its location. Raises `LocationError`."""
        return source if isinstance(source, bytes) else self._locations.read(source, self._limits.async_body)

    async def run(self, job: Job) -> None:
        """Runs the call and writes its reply, or the error message, to its location. Never raises."""
        try:
            await self._run(job)
        except (LocationError, WireError) as error:
            await self._fail(job, str(error))
        finally:
            self._admitted -= 1

    async def _run(self, job: Job) -> None:
        """Waits for a slot, then calls the container. Raises `LocationError` and `WireError`."""
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
            log.error("%s: %s; the error message cannot be written: %s", job.inference_id, why, error)
