"""The probe's model. It has no network, but it waits and fails for real."""

import os
import signal
import threading
from collections.abc import Sequence
from typing import NamedTuple, Self

from serving.errors import UnprocessableInput
from serving.model import Model as Base
from serving.weights import Weights

from .feature import ProbeRequest, ProbeResponse


class Item(NamedTuple):
    """One request and the size of its picture."""

    request: ProbeRequest
    image: tuple[int, int] | None


class Model(Base[ProbeRequest, Item, int, ProbeResponse]):
    """Behaves as each request says. An output is the size of the batch."""

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls()

    def preprocess(self, request: ProbeRequest) -> Item:
        if request.url is None and request.img is None:
            return Item(request, None)
        height, width, _ = self.media.of(request).shape
        return Item(request, (height, width))

    def predict(self, batch: Sequence[Item]) -> Sequence[int]:
        for item in batch:
            self._act(item.request)
        return [len(batch)] * len(batch)

    def postprocess(self, output: int, item: Item) -> ProbeResponse:
        return ProbeResponse(item.request.text, item.image, output, os.getpid())

    def _act(self, request: ProbeRequest) -> None:
        never = threading.Event()
        never.wait(request.work_s)
        match request.action:
            case "refuse":
                raise UnprocessableInput("text: refused, as requested")
            case "fail":
                raise RuntimeError("failed, as requested")
            case "hang":
                never.wait()
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
