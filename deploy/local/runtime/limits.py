"""How much the local sagemaker-runtime takes: the figures of SageMaker, in one place."""

from dataclasses import dataclass

_MIB = 2**20


@dataclass(frozen=True)
class Seconds:
    """What a caller may ask for, and what it has where it does not."""

    least: int
    most: int
    default: int


@dataclass(frozen=True, kw_only=True)
class RuntimeLimits:
    """Sizes in bytes."""

    body: int = 6 * _MIB
    reply: int = 6 * _MIB
    part: int = _MIB
    """Of one event of a response stream."""
    message: int = 2048
    """Characters of an error that are passed on."""
    async_body: int = 1024 * _MIB
    async_inline: int = 128_000
    """Of an asynchronous call that brings its body along."""
    async_at_once: int = 4
    async_waiting: int = 1000
    """More asynchronous calls than these, the running ones included, are refused."""
    async_ttl_s: Seconds = Seconds(60, 21_600, 21_600)
    """How long a call may wait."""
    async_timeout_s: Seconds = Seconds(1, 3600, 900)
    """How long the container may take, where its own deadline allows as much."""
