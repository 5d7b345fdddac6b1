"""Requests to a feature of the stack through API Gateway, signed or with a key."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from deploy.cloudformation.templates import ROOT
from serving.errors import InvalidRequest
from tests.support.aws.fake import fake_account
from tests.support.aws.solution import FEATURES, SMALL, Account
from tests.support.servers import http_server


@pytest.fixture
def account() -> Iterator[Account]:
    with fake_account() as (fake, session):
        yield Account(fake, session)


class _Api(BaseHTTPRequestHandler):
    """A stand-in for API Gateway that returns the body of a request with the right signature or key."""

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
        """Logs nothing."""


@pytest.fixture
def api(account: Account) -> Iterator[Callable[[str], None]]:
    """A function that deploys general_ocr at an address on this machine. It takes the authorization."""

    def deploy(authorization: str) -> None:
        root = json.loads(SMALL[ROOT])
        root["Outputs"]["GeneralOCRURL"]["Value"] = f"http://127.0.0.1:{server.server_port}/prod/general_ocr"
        files = {**SMALL, ROOT: json.dumps(root).encode()}
        settings = {"APIGatewayAuthorization": authorization}
        account.solution.up({"general_ocr": "lambda"}, files, confirm=lambda _: True, settings=settings)

    with http_server(HTTPServer(("127.0.0.1", 0), _Api)) as server:
        yield deploy


@pytest.mark.parametrize(
    ("authorization", "key", "status"), [("AWS_IAM", "", 200), ("API_KEY", "key", 200), ("NONE", "", 403)]
)
def test_a_request_is_signed_or_has_a_key_as_the_stack_requires(
    account: Account, api: Callable[[str], None], authorization: str, key: str, status: int
) -> None:
    api(authorization)
    reply = account.solution.invoke(FEATURES[0], b"photo", content_type="image/jpeg", api_key=key)
    assert reply.status == status
    assert (reply.body == b"photo") == (status == 200)


def test_a_request_without_its_key_or_feature_is_not_sent(
    account: Account, api: Callable[[str], None]
) -> None:
    api("API_KEY")
    with pytest.raises(InvalidRequest, match="api-key: this stack requires one"):
        account.solution.invoke(FEATURES[0], b"photo", content_type="image/jpeg")
    with pytest.raises(InvalidRequest, match="custom_ocr: not deployed in stack aikit"):
        account.solution.invoke(FEATURES[1], b"photo", content_type="image/jpeg")
