"""The limits of the local sagemaker-runtime, which are those of SageMaker."""

from dataclasses import dataclass

_MIB = 2**20


@dataclass(frozen=True)
class Seconds:
    """The seconds that a caller may request, and the default."""

    least: int
    most: int
    default: int


@dataclass(frozen=True, kw_only=True)
class RuntimeLimits:
    """The limits of requests and replies. Sizes are in bytes."""

    body: int = 6 * _MIB
    reply: int = 6 * _MIB
    part: int = _MIB
    """Size of one event of a response stream."""
    message: int = 2048
    """Number of characters of a container's error that the caller receives."""
    async_body: int = 1024 * _MIB
    async_inline: int = 128_000
    """Size of the body in an asynchronous call that names no location."""
    async_at_once: int = 4
    async_waiting: int = 1000
    """Largest number of asynchronous calls, including the running ones. Further calls are refused."""
    async_ttl_s: Seconds = Seconds(60, 21_600, 21_600)
    """Time that an asynchronous call may wait in the queue."""
    async_timeout_s: Seconds = Seconds(1, 3600, 900)
    """Time that the container may take, unless its own deadline is shorter."""
