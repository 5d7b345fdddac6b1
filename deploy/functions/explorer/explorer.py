"""Serves the explorer's page, the OpenAPI document and the pages of features.

Every other request is one for a feature that is not deployed, and gets status 404.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from serving.http import CORS, PAGE_HEADERS, Json, page_policy

_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_SCHEMES = {
    "AWS_IAM": {"type": "apiKey", "name": "Authorization", "in": "header", "x-signed-for": "execute-api"},
    "API_KEY": {"type": "apiKey", "name": "x-api-key", "in": "header"},
}


class Explorer:
    """The function: it answers proxy events of API Gateway.

    folder: contains page.html, openapi.json and tools/<feature>/. deployed: names of the deployed features.
    """

    def __init__(
        self, folder: Path, deployed: Sequence[str], *, authorization: str, region: str, try_it: bool
    ) -> None:
        self._page = (folder / "page.html").read_text("utf-8")
        self._document: Json = json.loads((folder / "openapi.json").read_bytes())
        # only files of this list are served, so that a made-up path cannot reach any other file
        self._tools = {
            f"/{file.parent.name}/tools/{file.stem}": file for file in folder.glob("tools/*/*.html")
        }
        self._tools |= {f"/{file.parent.name}/tools/{file.name}": file for file in folder.glob("tools/*/*.*")}
        self._deployed = set(deployed)
        self._authorization, self._region, self._try_it = authorization, region, try_it

    def __call__(self, event: Json, _: object) -> Json:
        # the path without the prefix that a custom domain may add
        path = event["resource"].format(**(event.get("pathParameters") or {}))
        if path == "/explorer":
            return _answer(200, self._page, "text/html", **_page_policy(self._page))
        if path == "/openapi.json":
            text = json.dumps(self._described(event["requestContext"]), ensure_ascii=False)
            return _answer(200, text, "application/json")
        if file := self._tools.get(path):
            return _answer(200, file.read_text("utf-8"), _KINDS[file.suffix], **page_policy(connect="https:"))
        return self._absent(path, event["requestContext"].get("requestId", ""))

    def _described(self, context: Json) -> Json:
        """Returns the OpenAPI document of the deployed features, with the address of this API."""
        paths = {path: item for path, item in self._document["paths"].items() if path[1:] in self._deployed}
        scheme = _SCHEMES.get(self._authorization)
        security = {"securitySchemes": {"caller": scheme}} if scheme else {}
        return {
            **self._document,
            "servers": [{"url": f"https://{context['domainName']}/{context['stage']}"}],
            "paths": paths,
            "security": [{"caller": []}] if scheme else [],
            "components": {**self._document["components"], **security},
            "x-region": self._region,
            "x-try-it": self._try_it,
        }

    def _absent(self, path: str, request_id: str) -> Json:
        detail = f"{path}: there is no such path"
        for feature_path, item in self._document["paths"].items():
            name, operation = feature_path[1:], item["post"]
            if path[1:] in (name, *operation["x-aliases"]):
                parameter = f"the stack's parameter {operation['x-feature-id']}"
                detail = f"{name} is not deployed: set {parameter} to yes-lambda or yes-sagemaker"
        problem = {"status": 404, "code": "not_found", "detail": detail, "request_id": request_id}
        return _answer(404, json.dumps(problem), "application/json")


def _page_policy(page: str) -> dict[str, str]:
    """Returns the policy that allows only the page's own script and style, and calls to its own API."""
    sources = {}
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        sources[tag] = f"'sha256-{digest}'"
    return page_policy(**sources)


def _answer(status: int, text: str, kind: str, **headers: str) -> Json:
    own = {**CORS, **PAGE_HEADERS, "Content-Type": f"{kind}; charset=utf-8"}
    return {"statusCode": status, "headers": {**own, **headers}, "body": text, "isBase64Encoded": False}
