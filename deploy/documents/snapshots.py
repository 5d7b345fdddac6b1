"""The OpenAPI document and templates as files for the tests, so that a review shows every change of them."""

import json
import re
from collections.abc import Sequence

from deploy.cloudformation.templates import templates
from serving.feature import Feature
from serving.http import Json
from serving.openapi import document


def snapshots(features: Sequence[Feature]) -> dict[str, str]:
    """Returns the content of each derived file of tests/snapshots/, by its name.

    The templates are only those of features with a store, because these have every type of resource.
    """
    stored = [feature for feature in features if feature.store] or features[:1]
    contents = {name: stable(template) for name, template in templates(stored).items()}
    texts = {name: json.dumps(content, ensure_ascii=False, indent=1) for name, content in contents.items()}
    texts["openapi.json"] = json.dumps(document(features), ensure_ascii=False, indent=2)
    return {name: f"{text}\n" for name, text in texts.items()}


def stable(template: Json) -> Json:
    """Returns the template without the hashes of the functions' code, which change with every edit."""
    found: Json = json.loads(re.sub(r"-[0-9a-f]{12}\.zip", "-HASH.zip", json.dumps(template)))
    return found
