"""Writes the templates that the tests hold: `python -m tests.hold_templates`."""

import json
from pathlib import Path

from deploy.template import templates
from serving.feature import find

from .cloudformation import stable

if __name__ == "__main__":
    for name, template in templates([find("custom_ocr")]).items():
        text = json.dumps(stable(template), ensure_ascii=False, indent=1)
        (Path(__file__).parent / "snapshots" / name).write_text(f"{text}\n", "utf-8")
