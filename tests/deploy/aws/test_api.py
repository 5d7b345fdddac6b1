"""Asking a feature of the stack through API Gateway, signed or with a key."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from deploy.cloudformation.templates import ROOT
from serving.errors import InvalidRequest
from tests.support.aws.fake import account
from tests.support.aws.solution import FEATURES, SMALL, Here


@pytest.fixture
def here() -> Iterator[Here]:
    with account() as (fake, session):
        yield Here(fake, session)


class _Api(BaseHTTPRequestHandler):
    """API Gateway with AWS_IAM: answers the body to whoever signed with the right key."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known = self.headers["x-api-key"] == "key" or self._signed(body)
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(body if known else b'{"message": "Forbidden"}')

    def _signed(self, body: bytes) -> bool:
        given = self.headers.get("Authorization", "")
        names = filter(None, given.partition("SignedHeaders=")[2].partition(",")[0].split(";"))
        headers = {name: self.headers[name] for name in names}
        request = AWSRequest("POST", f"http://{self.headers['Host']}{self.path}", data=body, headers=headers)
        request.context["timestamp"] = self.headers.get("X-Amz-Date", "")
        auth = SigV4Auth(Credentials("test", "test"), "execute-api", "us-west-2")
        signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        return given.endswith(f"Signature={signature}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api(here: Here) -> Iterator[Callable[[str], None]]:
    """Deploys general_ocr so that it answers on this machine; takes who may call."""
    server = HTTPServer(("127.0.0.1", 0), _Api)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()

    def deploy(authorization: str) -> None:
        root = json.loads(SMALL[ROOT])
        root["Outputs"]["GeneralOCRURL"]["Value"] = f"http://127.0.0.1:{server.server_port}/prod/general_ocr"
        files = {**SMALL, ROOT: json.dumps(root).encode()}
        settings = {"APIGatewayAuthorization": authorization}
        here.solution.up({"general_ocr": "lambda"}, files, confirm=lambda _: True, settings=settings)

    yield deploy
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("authorization", "key", "status"), [("AWS_IAM", "", 200), ("API_KEY", "key", 200), ("NONE", "", 403)]
)
def test_a_request_is_signed_or_carries_a_key_as_the_stack_wants_it(
    here: Here, api: Callable[[str], None], authorization: str, key: str, status: int
) -> None:
    api(authorization)
    reply = here.solution.invoke(FEATURES[0], b"photo", content_type="image/jpeg", api_key=key)
    assert reply.status == status
    assert (reply.body == b"photo") == (status == 200)


def test_a_request_without_the_key_or_to_nothing_is_not_sent(here: Here, api: Callable[[str], None]) -> None:
    api("API_KEY")
    with pytest.raises(InvalidRequest, match="api-key: this stack wants one"):
        here.solution.invoke(FEATURES[0], b"photo", content_type="image/jpeg")
    with pytest.raises(InvalidRequest, match="custom_ocr: not deployed in stack aikit"):
        here.solution.invoke(FEATURES[1], b"photo", content_type="image/jpeg")
