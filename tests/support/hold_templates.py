"""Writes the templates that the tests hold: `python -m tests.hold_templates`."""

import json

from deploy.cloudformation.templates import templates
from serving.feature import find
from tests.support.paths import SNAPSHOTS

from .aws.cloudformation import stable

if __name__ == "__main__":
    for name, template in templates([find("custom_ocr")]).items():
        text = json.dumps(stable(template), ensure_ascii=False, indent=1)
        (SNAPSHOTS / name).write_text(f"{text}\n", "utf-8")
