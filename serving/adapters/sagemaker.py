"""Adapter for SageMaker's inference toolkit; `inference.py` is one line, `from serving.sagemaker import *`.

In SageMaker's own serving images `sagemaker-inference` calls these four functions one after the other, from
one thread. AIKIT_FEATURE names the feature. When the optional `context` is missing, the body is the same, but
the host decides about status, headers and `Accept`.
"""

import logging
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from serving.errors import ServingError
from serving.feature import find
from serving.http import CUSTOM_ATTRIBUTES, header
from serving.service import Reply
from serving.settings import Settings

from .in_process import SyncService

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]

log = logging.getLogger(__name__)


class Body(NamedTuple):
    """The body of a request, unread, and its content type."""

    content: bytes
    content_type: str


def model_fn(model_dir: str, context: Any = None) -> SyncService:
    """Loads the feature; weights in `model_dir` take precedence.

    Raises `SystemExit` with one line that gives the reason. After any other exception the server would keep
    running and put the traceback into every reply.
    """
    if toolkit := sys.modules.get("sagemaker_inference.content_types"):
        toolkit.UTF8_TYPES.clear()  # otherwise it replies with a traceback to a body that is not UTF-8
    try:
        settings = settings_for(model_dir, context)
        return SyncService(find(settings.feature), settings)
    except (ServingError, RuntimeError) as error:
        log.critical("%s", error)
        raise SystemExit(str(error)) from error


def settings_for(model_dir: str, context: Any = None) -> Settings:
    """Returns the settings with the GPU that the server gave to this worker. Raises `SettingsError`."""
    settings = msgspec.structs.replace(Settings.read(), model_dir=Path(model_dir))
    gpu = context.system_properties.get("gpu_id") if context else None
    if gpu is None or settings.device != "auto":
        return settings
    return msgspec.structs.replace(settings, device=f"cuda:{gpu}")


def input_fn(body: bytes | bytearray | str | None, content_type: str | None) -> Body:
    """Returns the body unread. The server may pass JSON as text, and it drops the body of a form."""
    content = body.encode() if isinstance(body, str) else bytes(body or b"")
    return Body(content, content_type or "")


def predict_fn(data: Body, model: SyncService, context: Any = None) -> Reply:
    if context is None:
        return model.invoke(data.content, data.content_type)
    accept = _header(context, "accept") or "*/*"
    return model.invoke(data.content, data.content_type, accept, context.get_request_id())


def output_fn(prediction: Reply, accept: str, context: Any = None) -> tuple[bytes, str]:
    """Returns the body and the content type.

    `accept` is not used here, because the service has already applied it and returns 406 when it cannot.
    """
    if context is not None:
        context.set_response_status(int(prediction.status), HTTPStatus(prediction.status).phrase)
        echo = {CUSTOM_ATTRIBUTES: _header(context, CUSTOM_ATTRIBUTES.lower())}
        for name, value in {**prediction.headers, **echo}.items():
            if value:
                context.set_response_header(0, name, value)
    return prediction.body, prediction.content_type


def _header(context: Any, name: str) -> str:
    """Returns the value of the request header with this lower-case name, or ""."""
    return header(context.get_all_request_header(0), name)
