"""Where the repository and its recorded files are, asked in one place.

A test that looks for its files by counting folders upwards finds none once it is moved, and a
test over no files passes.
"""

from __future__ import annotations

from pathlib import Path

#: The repository: ``PYTHONPATH`` for programs that tests start.
ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
#: Snapshots recorded on every Python.
SNAPSHOTS = FIXTURES / "snapshots"
#: Small Celery programs with a known truth.
COLLECTION = FIXTURES / "collection"

assert SNAPSHOTS.is_dir()
assert COLLECTION.is_dir()
