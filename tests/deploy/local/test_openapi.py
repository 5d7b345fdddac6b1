"""schemathesis tests the local stack against its OpenAPI document."""

import subprocess
from pathlib import Path

import pytest

from tests.support.explorer_page import gateway
from tests.support.paths import ROOT

SCHEMATHESIS = ROOT / ".venv-fuzz" / "bin" / "schemathesis"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.mark.skipif(not SCHEMATHESIS.exists(), reason="no schemathesis: `make fuzz-venv` installs it")
def test_no_request_meets_an_undocumented_status_or_a_server_error(tmp_path: Path) -> None:
    with gateway(tmp_path, ["text_similarity", "general_ocr"]) as address:
        done = subprocess.run(
            [
                SCHEMATHESIS, "run", f"{address}/openapi.json", "--checks", ",".join(CHECKS),
                "--max-examples", "30", "--seed", "1", "--generation-database", "none",
            ],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert "2 selected / 2 total" in done.stdout
