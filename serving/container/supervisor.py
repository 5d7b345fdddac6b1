"""Starts the model processes, replaces those that end or hang, and passes calls to the least busy one."""

import asyncio
import itertools
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Self

import msgspec

from serving.errors import Unavailable
from serving.service import Reply
from serving.settings import Settings

from .channel import Answer, Beat, Call, Cancel, Channel

log = logging.getLogger(__name__)

SILENCE_S = 5.0  # a process sends its state four times per second
_STOP_S = 3.0
_SILENT = Beat(ready=False, busy_s=0.0, queue_length=0, capacity=0)
_BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)


class ModelProcess:
    """One model process and its calls in flight."""

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel, hang_s: float) -> None:
        self._process = process
        self._channel = channel
        self._hang_s = hang_s
        self._calls: dict[int, asyncio.Future[Reply]] = {}
        self._ids = itertools.count()
        self._beat = _SILENT
        self._heard = time.monotonic()
        self.was_ready = False

    @classmethod
    async def start(cls, settings: Settings) -> Self:
        ours, theirs = socket.socketpair()
        with theirs:
            config = msgspec.json.encode(settings, enc_hook=str).decode()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "serving.container.worker", str(theirs.fileno()), config),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal must reach only the front
            )
        return cls(process, await Channel.open(ours), settings.hang_s)

    @property
    def ready(self) -> bool:
        """True when the process has answered its example, sends its state, and its model does not hang."""
        silent_s = time.monotonic() - self._heard
        return (
            self._beat.ready and silent_s < min(SILENCE_S, self._hang_s) and self._beat.busy_s < self._hang_s
        )

    @property
    def in_flight(self) -> int:
        return len(self._calls)

    @property
    def queue_length(self) -> int:
        return self._beat.queue_length

    @property
    def capacity(self) -> int:
        return self._beat.capacity

    async def call(self, call: Call) -> Reply:
        """Returns the reply to a call. Raises `Unavailable` when the process ends before it answers."""
        call = msgspec.structs.replace(call, id=next(self._ids))
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._calls[call.id] = future
        try:
            await self._channel.send(call)
            return await future
        except ConnectionError:
            raise Unavailable("the model process ended; another one is starting") from None
        except asyncio.CancelledError:
            self._channel.post(Cancel(call.id))
            raise
        finally:
            del self._calls[call.id]

    async def run(self) -> int:
        """Receives frames until the process ends. Returns its exit code, which is negative for a signal."""
        watch = asyncio.create_task(self._watch())
        while frame := await self._channel.receive():
            self._heard = time.monotonic()
            match frame:
                case Answer() if frame.id in self._calls and not self._calls[frame.id].done():
                    self._calls[frame.id].set_result(frame.reply)
                case Beat():
                    self._beat = frame
                    self.was_ready |= frame.ready
        watch.cancel()
        self._beat = _SILENT
        for future in self._calls.values():
            if not future.done():
                future.set_exception(Unavailable("the model process ended; another one is starting"))
        return await self.stop()

    async def stop(self) -> int:
        """Ends the process by closing the channel, or else kills it. Returns its exit code."""
        self._channel.close()
        try:
            async with asyncio.timeout(_STOP_S):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()

    async def _watch(self) -> None:
        while max(self._beat.busy_s, time.monotonic() - self._heard) < self._hang_s:
            await asyncio.sleep(min(1.0, self._hang_s / 4))
        log.error("model process %d hangs for %g s: killed", self._process.pid, self._hang_s)
        self._process.kill()


class Supervisor:
    """Runs `processes` model processes of one feature. Use it as `async with Supervisor(...)`.

    on_restart: called when a process is replaced. on_fatal: called with the exit code of a process for which
    a restart would be useless, as when its weights are missing; that process is not replaced.
    """

    def __init__(
        self, settings: Settings, *, on_restart: Callable[[], None], on_fatal: Callable[[int], None]
    ) -> None:
        self._settings = settings
        self._on_restart = on_restart
        self._on_fatal = on_fatal
        self._processes: dict[int, ModelProcess] = {}

    async def __aenter__(self) -> Self:
        self._keepers = [asyncio.create_task(self._keep(slot)) for slot in range(self._settings.processes)]
        return self

    async def __aexit__(self, *exc: object) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(process.stop() for process in self._processes.values()))

    @property
    def ready(self) -> bool:
        """True when at least one model process can process a call now."""
        return any(process.ready for process in self._processes.values())

    @property
    def queue_length(self) -> int:
        return sum(process.queue_length for process in self._processes.values())

    @property
    def capacity(self) -> int:
        """Number of requests that may wait in all the model processes together."""
        return sum(process.capacity for process in self._processes.values())

    async def call(self, call: Call) -> Reply:
        """Returns the reply of the least busy process. Raises `Unavailable`."""
        ready = [process for process in self._processes.values() if process.ready]
        if not ready:
            raise Unavailable("the model is not ready")
        return await min(ready, key=lambda process: process.in_flight).call(call)

    async def _keep(self, slot: int) -> None:
        failures = 0
        while True:
            try:
                process = self._processes[slot] = await ModelProcess.start(self._settings)
            except OSError as error:  # memory or file descriptors are exhausted
                failures += 1
                log.error("no model process could be started: %s", error)
            else:
                code = await process.run()
                if code == os.EX_CONFIG:
                    self._on_fatal(code)
                    return
                failures = 0 if process.was_ready else failures + 1
                log.error("model process ended with %d: starting another", code)
                self._on_restart()
            await asyncio.sleep(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
