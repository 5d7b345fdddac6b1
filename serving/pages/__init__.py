"""The web pages of features, and the script that they share with the API Explorer."""

from pathlib import Path

from serving.feature import Feature

LANGUAGE = Path(__file__).with_name("language.js")
"""The script that shows a page in English or in Chinese."""


def tool_files(feature: Feature) -> list[Path]:
    """Returns the files of a feature's pages: its folder tools/ and the shared script.

    The list is empty for a feature without pages.
    """
    files = sorted((feature.folder / "tools").glob("*.*"))
    return [*files, LANGUAGE] if files else []
