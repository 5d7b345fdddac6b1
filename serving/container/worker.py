"""The model process, which runs the service behind one end of a channel.

`supervisor.py` starts it; it ends when the other end of the channel closes.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from functools import partial

import msgspec

from serving.errors import ServingError
from serving.feature import find
from serving.logs import log_as_json
from serving.service import Service
from serving.settings import Settings

from .channel import Answer, Beat, Call, Cancel, Channel

BEAT_S = 0.25
_NICENESS = 5  # the networks use every core; the front needs little time, but needs it first


async def work(channel: Channel, settings: Settings) -> None:
    """Loads the feature, then answers calls until the front closes the channel."""
    service: Service | None = None
    ready = False

    async def beat() -> None:
        while True:
            state = Beat(False, 0.0, 0, 0)
            if service:
                running = ready and service.running
                state = Beat(running, service.busy_s, service.queue_length, service.capacity)
            await channel.send(state)
            await asyncio.sleep(BEAT_S)

    beating = asyncio.create_task(beat())
    service = await asyncio.to_thread(Service.load, find(settings.feature), settings)
    async with service:
        ready = True
        await _answer_calls(channel, service)
    beating.cancel()


async def _answer_calls(channel: Channel, service: Service) -> None:
    tasks: dict[int, asyncio.Task[None]] = {}

    async def answer(call: Call) -> None:
        reply = await service.invoke(
            call.body, call.content_type, call.accept, request_id=call.request_id, deadline_s=call.deadline_s
        )
        with contextlib.suppress(ConnectionError):  # the front has ended; this process ends next
            await channel.send(Answer(call.id, reply))

    while frame := await channel.receive():
        match frame:
            case Call():
                tasks[frame.id] = asyncio.create_task(answer(frame))
                tasks[frame.id].add_done_callback(partial(_forget, tasks, frame.id))
            case Cancel() if frame.id in tasks:
                tasks[frame.id].cancel()


def _forget(tasks: dict[int, asyncio.Task[None]], key: int, _: asyncio.Task[None]) -> None:
    del tasks[key]


async def _main(end: socket.socket, settings: Settings) -> None:
    await work(await Channel.open(end), settings)


def main() -> None:
    """Runs `python -m serving.container.worker FD SETTINGS`, in which SETTINGS is JSON."""
    for number in (signal.SIGTERM, signal.SIGINT):  # the front finishes its requests, then ends this process
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    settings = msgspec.json.decode(sys.argv[2], type=Settings, dec_hook=lambda kind, text: kind(text))
    log_as_json(settings.log_level)
    try:
        asyncio.run(_main(socket.socket(fileno=int(sys.argv[1])), settings))
    except ServingError as error:  # for example missing weights: a restart would not help
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(os.EX_CONFIG)
    except ConnectionError:
        pass
    os._exit(0)  # a predict that hangs must not keep the process alive


if __name__ == "__main__":
    main()
