"""Folders: the checkout, its snapshots, and the one beside the checkout that is never committed."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS = ROOT / "tests" / "snapshots"
SHARED = ROOT.parent / "shared"
