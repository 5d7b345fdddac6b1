"""Answers in the one shape that API Gateway does not turn into a 502."""

import base64
import json
from typing import Any

from serving.http import CORS

JSON = "application/json"
Answer = dict[str, Any]


class Failure(Exception):
    """What the caller is told, worded as the containers do."""

    def __init__(self, status: int, code: str, detail: str, retry_after_s: int = 0) -> None:
        super().__init__(detail)
        self.status, self.code, self.retry_after_s = status, code, retry_after_s

    def answer(self, request_id: str) -> Answer:
        problem = {"status": self.status, "code": self.code, "detail": str(self), "request_id": request_id}
        return answer(self.status, request_id, json.dumps(problem).encode(), retry_after_s=self.retry_after_s)


def answer(status: int, request_id: str, body: bytes, kind: str = JSON, retry_after_s: int = 0) -> Answer:
    """kind: the content type; what is not text goes in base64."""
    text = kind.startswith((JSON, "text/"))
    headers = {**CORS, "Content-Type": kind, "X-Request-Id": request_id}
    return {
        "statusCode": status,
        "headers": headers | ({"Retry-After": str(retry_after_s)} if retry_after_s else {}),
        "body": body.decode(errors="replace") if text else base64.b64encode(body).decode(),
        "isBase64Encoded": not text,
    }
