"""The declaration of the probe, whose requests choose its behaviour, so that tests can try the runtime."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from serving.feature import Batching, Feature, Profile, Url, WeightFile
from serving.images.intake import ImageRequest


class ProbeRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request that says what the model does with it, and how many seconds that takes."""

    text: str = ""
    action: Literal["answer", "refuse", "fail", "hang", "die"] = "answer"
    work_s: Annotated[float, Meta(ge=0, le=10)] = 0.0


class ProbeResponse(msgspec.Struct, frozen=True):
    """The request's text, with the batch and process that answered it.

    image: height and width of the picture, if the request has one.
    """

    text: str
    image: tuple[int, int] | None
    batch_size: int
    pid: int


_NOWHERE = WeightFile(
    name="probe.safetensors",
    sources=(Url(address="http://127.0.0.1:1/probe.safetensors"),),
    sha256="0" * 64,
    size=1,
    license="Apache-2.0",
    origin="nowhere",
)

feature = Feature(
    module=__name__,
    feature_id="Probe",
    title="Probe",
    title_zh="探针",
    summary="Behaves as each request says.",
    request=ProbeRequest,
    response=ProbeResponse,
    profiles={
        "lite": Profile(files=(), summary="No weights.", verified=True),
        "standard": Profile(files=(_NOWHERE,), summary="Weights that do not exist.", verified=False),
    },
    batching=Batching(max_size=4, max_delay_ms=20, max_queue=16),
)
