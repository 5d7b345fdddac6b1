"""Folders: the checkout, its snapshots, and `shared` next to the checkout, which is never committed."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS = ROOT / "tests" / "snapshots"
SHARED = ROOT.parent / "shared"
