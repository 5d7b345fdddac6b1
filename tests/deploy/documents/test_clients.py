"""The samples of a feature's page run unchanged, and the Postman collection has the same requests."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import httpx
import jsonschema
import msgspec
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aikit.client import Container
from deploy.documents.clients import by_address, postman
from deploy.documents.feature_page import reference
from serving.feature import Feature, discover, find
from tests.support.servers import http_server

PROBE = find("tests.support.features.probe.feature")
PAGE = reference(PROBE)
ADDRESS = "https://[API_ID].execute-api.[AWS_REGION].amazonaws.com/[STAGE]"
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a/session+token==",
}
API_KEY, REGION = "a-key-of-a-usage-plan", "us-east-2"
ESSENTIALS = {
    "type": "object",
    "required": ["info", "item"],
    "properties": {
        "info": {
            "required": ["name", "schema"],
            "properties": {"schema": {"pattern": "/v2.1.0/collection.json$"}},
        },
        "variable": {"type": "array", "items": {"required": ["key", "value"]}},
        "auth": {"required": ["type", "awsv4"], "properties": {"type": {"const": "awsv4"}}},
        "item": {"type": "array", "items": {"$ref": "#/$defs/folder"}},
    },
    "$defs": {
        "folder": {
            "required": ["name", "item"],
            "properties": {"item": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/item"}}},
        },
        "item": {
            "required": ["name", "request"],
            "properties": {
                "request": {
                    "required": ["method", "url", "header", "body"],
                    "properties": {
                        "url": {"required": ["raw", "host", "path"]},
                        "header": {"type": "array", "items": {"required": ["key", "value"]}},
                        "body": {
                            "oneOf": [{"required": ["mode", "raw"]}, {"required": ["mode", "formdata"]}]
                        },
                    },
                }
            },
        },
    },
}


class Cloud(BaseHTTPRequestHandler):
    """A stand-in for API Gateway and for SageMaker's runtime, in front of a container.

    It requires a key or a signature.
    """

    server: "Front"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        service = {"/prod/probe": "execute-api", "/endpoints/my-endpoint/invocations": "sagemaker"}[self.path]
        known = service == "execute-api" and self.headers["x-api-key"] == API_KEY
        if known or self.signed(body, service):
            headers = {"Content-Type": self.headers["Content-Type"]}
            reply = httpx.post(f"{self.server.container}/invocations", content=body, headers=headers)
        else:
            reply = httpx.Response(403, json={"message": "Forbidden"})
        self.send_response(reply.status_code)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        self.wfile.write(reply.content)

    def signed(self, body: bytes, service: str) -> bool:
        """True when the request has the signature that botocore computes for it with the secret key."""
        match = re.search(r"SignedHeaders=([^,]+), ?Signature=(\w+)", self.headers["Authorization"] or "")
        if match is None or self.headers["X-Amz-Security-Token"] != AWS["AWS_SESSION_TOKEN"]:
            return False
        headers = {name: self.headers[name] for name in match[1].split(";")}
        request = AWSRequest("POST", f"http://{self.headers['Host']}{self.path}", headers=headers, data=body)
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(*AWS.values()), service, REGION)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return bool(signer.signature(text, request) == match[2])

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


class Front(ThreadingHTTPServer):
    def __init__(self, container: str) -> None:
        super().__init__(("127.0.0.1", 0), Cloud)
        self.container = container


@pytest.fixture
def cloud(probe: Container, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a running `Cloud`. The environment has the credentials that it accepts."""
    with http_server(Front(probe.url)) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        for name, value in {**AWS, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # another test may have left its own
        yield url


def samples(language: str, text: str) -> list[str]:
    """Returns the samples of the page in that language that contain `text`."""
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return [code for code in found if text in code]


def filled(code: str, cloud: str) -> str:
    """Returns the sample with the names in brackets replaced."""
    names = {
        ADDRESS: f"{cloud}/prod",
        "[AWS_REGION]": REGION,
        "[API_KEY]": API_KEY,
        "[ENDPOINT_NAME]": "my-endpoint",
    }
    for name, value in names.items():
        code = code.replace(name, value)
    return code


@pytest.mark.parametrize("text", ["x-api-key", "SigV4Auth", "invoke_endpoint"])
def test_the_python_samples_for_aws_run(text: str, cloud: str, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = samples("python", text)
    exec(filled(code, cloud), {})
    assert "'text': 'hello'" in capsys.readouterr().out


def test_a_wrong_key_is_refused(cloud: str) -> None:
    (code,) = samples("python", "x-api-key")
    with pytest.raises(requests.HTTPError, match="403"):
        exec(filled(code, cloud).replace(API_KEY, "another"), {})


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("text", ["x-api-key", "--aws-sigv4"])
def test_the_curl_samples_for_aws_run(text: str, cloud: str) -> None:
    (script,) = samples("sh", text)
    done = subprocess.run(["sh", "-c", filled(script, cloud)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["text"] == "hello"


def test_the_samples_for_a_container_run(probe: Container, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = (one for one in samples("python", "localhost") if "photo.jpg" not in one)
    exec(code.replace("http://localhost:8080", probe.url), {})
    assert "'text': 'hello'" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("javac"), reason="no JDK is installed")
def test_the_java_samples_compile_and_the_first_runs(probe: Container, tmp_path: Path) -> None:
    imports, classes = "", []
    for feature in [PROBE, *discover().values()]:
        (code,) = re.findall(r"```java\n(.*?)```", reference(feature), re.DOTALL)
        imports, _, rest = code.partition("class Call")
        classes.append(f"class {feature.feature_id}{rest}")
    source = tmp_path / "Samples.java"
    source.write_text("".join([imports, *classes]).replace("http://localhost:8080", probe.url), "utf-8")
    command = ["java", "-Dfile.encoding=UTF-8", str(source)]
    status, _, body = subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition(
        " "
    )
    assert (status, json.loads(body)["text"]) == ("200", "hello")


def test_the_collection_has_the_format_that_postman_imports() -> None:
    jsonschema.validate(postman(list(discover().values())), ESSENTIALS)


def test_the_collection_has_valid_requests_to_each_feature(feature: Feature) -> None:
    (folder,) = postman([feature])["item"]
    names = [one["name"] for one in folder["item"]]
    assert names[: 1 + len(feature.example.get("others", {}))] == [
        "example",
        *feature.example.get("others", {}),
    ]
    for request in (one["request"] for one in folder["item"]):
        assert request["url"]["raw"] == f"{{{{base_url}}}}/{feature.name}"
        if request["body"]["mode"] == "raw":
            msgspec.convert(json.loads(request["body"]["raw"]), feature.request)
        else:
            assert {part["key"] for part in request["body"]["formdata"]} <= set(
                feature.request.__struct_fields__
            )


def test_only_images_are_replaced_by_addresses() -> None:
    image = {"type": "string", "contentEncoding": "base64"}
    schema = {"properties": {"img_1": image, "img_2": image, "text": {"type": "string"}}}
    address = "https://example.com/photo.jpg"
    assert by_address({"img_1": "AAAA", "text": "img"}, schema) == {"url_1": address, "text": "img"}
