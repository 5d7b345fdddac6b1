"""The API explorer as Lambda runs it, from its zip file, and its page in a real browser."""

import io
import json
import zipfile
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from openapi_spec_validator import validate
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from deploy.cloudformation.assets import explorer
from deploy.functions.explorer.explorer import Explorer
from serving.feature import discover, find
from serving.http import Json
from serving.pages import tool_files
from tests.support.browser import INSTALLED, browser
from tests.support.servers import http_server

REGION = "cn-north-1"
CREDENTIALS = Credentials("AKIDEXAMPLE", "a secret/key", "a+session/token==")
STAGE = "/prod"
CONTEXT = {"domainName": "a1.execute-api.cn-north-1.amazonaws.com.cn", "stage": "prod", "requestId": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the content of the zip file."""
    target = tmp_path_factory.mktemp("explorer")
    zipfile.ZipFile(io.BytesIO(explorer(list(discover().values())).content)).extractall(target)
    return target / "lambda_explorer"


def deployed(folder: Path, *names: str, authorization: str = "AWS_IAM", try_it: bool = True) -> Explorer:
    return Explorer(folder, names, authorization=authorization, region=REGION, try_it=try_it)


def get(running: Explorer, resource: str, **parameters: str) -> Json:
    return running(
        {"resource": resource, "pathParameters": parameters or None, "requestContext": CONTEXT}, None
    )


def test_the_document_has_the_deployed_features_and_the_address(folder: Path) -> None:
    document = json.loads(get(deployed(folder, "general_ocr", "custom_ocr"), "/openapi.json")["body"])
    validate(document)
    assert document["paths"].keys() == {"/general_ocr", "/custom_ocr"}
    assert document["servers"] == [{"url": f"https://{CONTEXT['domainName']}/prod"}]


@pytest.mark.parametrize(
    ("authorization", "header"), [("AWS_IAM", "Authorization"), ("API_KEY", "x-api-key")]
)
def test_the_document_has_the_authorisation_of_calls(folder: Path, authorization: str, header: str) -> None:
    running = deployed(folder, "general_ocr", authorization=authorization)
    document = json.loads(get(running, "/openapi.json")["body"])
    ((name, _),) = document["security"][0].items()
    assert document["components"]["securitySchemes"][name]["name"] == header


def test_an_open_api_requires_no_authorisation(folder: Path) -> None:
    document = json.loads(get(deployed(folder, authorization="NONE"), "/openapi.json")["body"])
    assert document["security"] == []
    assert "securitySchemes" not in document["components"]


@pytest.mark.parametrize("path", ["/general_ocr", "/general-ocr", "/lite-ocr-ml"])
def test_a_feature_that_is_not_deployed_says_which_parameter_to_set(folder: Path, path: str) -> None:
    answer = get(deployed(folder, "custom_ocr"), path)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["status"], problem["request_id"]) == (404, 404, "1")
    assert "general_ocr is not deployed: set the stack's parameter GeneralOCR" in problem["detail"]


@pytest.mark.parametrize("tool", [path.name for path in tool_files(find("custom_ocr"))])
def test_the_files_of_a_features_pages_are_served(folder: Path, tool: str) -> None:
    running = deployed(folder, "custom_ocr")
    answer = get(running, "/custom_ocr/tools/{tool}", tool=tool)
    assert answer["statusCode"] == HTTPStatus.OK
    assert "default-src 'none'" in answer["headers"]["Content-Security-Policy"]
    if tool.endswith(".html"):
        assert 'value="../../custom_ocr"' in answer["body"]
        assert get(running, "/custom_ocr/tools/{tool}", tool=tool.removesuffix(".html")) == answer


@pytest.mark.parametrize("tool", ["nothing", "../../page.html", "..", "{tool}"])
def test_no_other_file_is_served(folder: Path, tool: str) -> None:
    answer = get(deployed(folder, "custom_ocr"), "/custom_ocr/tools/{tool}", tool=tool)
    assert answer["statusCode"] == HTTPStatus.NOT_FOUND


def test_the_page_loads_nothing_from_other_hosts(folder: Path) -> None:
    answer = get(deployed(folder, "custom_ocr"), "/explorer")
    assert "http" not in answer["body"].replace("http-equiv", "")
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"


class Api(ThreadingHTTPServer):
    """A simulated API Gateway: the paths of the explorer, and a feature that checks signatures."""

    def __init__(self, running: Explorer) -> None:
        self.explorer = running
        self.bodies: list[Json] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        answer = get(self.server.explorer, self.path.removeprefix(STAGE))
        self._send(answer["statusCode"], answer["body"], answer["headers"])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        valid = self.headers["Authorization"].endswith(f"Signature={self._signature(body)}")
        self._send(200 if valid else 403, json.dumps({"signed": valid}), {})

    def _signature(self, body: bytes) -> str:
        """The signature that botocore computes for the request."""
        request = AWSRequest("POST", f"http://{self.headers['Host']}{self.path}", data=body)
        for name in ("X-Amz-Date", "X-Amz-Security-Token"):
            request.headers[name] = self.headers[name]
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        signer = SigV4Auth(CREDENTIALS, "execute-api", REGION)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signature: str = signer.signature(text, request)
        return signature

    def _send(self, status: int, text: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.mark.skipif(not INSTALLED, reason="no chromium with chromium-driver")
def test_the_page_calls_a_feature_with_a_valid_signature(folder: Path) -> None:
    image = find("general_ocr").folder / "example.jpg"
    with http_server(Api(deployed(folder, "general_ocr"))) as api, browser() as driver:
        driver.get(f"http://127.0.0.1:{api.server_port}{STAGE}/explorer")
        wait = WebDriverWait(driver, 20, poll_frequency=0.05)
        wait.until(lambda _: driver.find_elements(By.CSS_SELECTOR, "#general_ocr summary"))
        section = driver.find_element(By.ID, "general_ocr")
        section.find_element(By.TAG_NAME, "summary").click()
        given = (CREDENTIALS.access_key, CREDENTIALS.secret_key, CREDENTIALS.token)
        for field, text in zip(("access-key", "secret-key", "session-token"), given, strict=True):
            driver.find_element(By.ID, field).send_keys(text)
        section.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(image))
        section.find_element(By.TAG_NAME, "button").click()
        reply = section.find_element(By.TAG_NAME, "pre")
        wait.until(lambda _: reply.text)
        assert json.loads(reply.text) == {"signed": True}
        (sent,) = api.bodies
        assert len(sent["img"]) == (image.stat().st_size + 2) // 3 * 4
        assert [one for one in driver.get_log("browser") if one["level"] == "SEVERE"] == []
