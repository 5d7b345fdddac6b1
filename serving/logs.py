"""Structured logs: one JSON object per line on stdout. They never contain a body."""

import logging
import sys
from datetime import UTC, datetime

import msgspec

from .service import Reply

_log = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger, message, traceback, and the fields of `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()


def log_invocation(request_id: str, reply: Reply, seconds: float) -> None:
    """Logs one line for a request. Every adapter calls it once per request."""
    fields: dict[str, object] = {"request_id": request_id, "status": reply.status, "ms": ms(seconds)}
    if stages := reply.stages:
        fields |= {f"{name}_ms": ms(spent) for name, spent in stages.seconds().items()}
        fields["batch_size"] = stages.batch_size
    _log.info("invocation", extra={"fields": fields})


def ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def log_as_json(level: str) -> None:
    """Sends every log of this process to stdout as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for noisy in ("httpx", "httpcore", "botocore", "uvicorn.error", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))
