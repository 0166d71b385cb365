"""What an installed wheel must do: run with the interpreter that it was installed for, without pytest.

``python tests/wheels/installed.py``; exits with 1 and says what is missing.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

PARTS = (
    "leakhunt.hook.capture._fork", "leakhunt.hook.capture._garbage", "leakhunt.hook.capture._holders",
    "leakhunt.hook.capture.walk._walk", "leakhunt.hook._takeover", "leakhunt.engine._sampler",
    "leakhunt.snapfile._scan",
)  # fmt: skip


def main() -> str | None:
    """None, or what is wrong."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path.cwd()]
    import leakhunt
    from leakhunt.cpython import parts

    if Path(leakhunt.__file__).resolve().is_relative_to(Path(__file__).resolve().parents[2]):
        return "this is the source tree, not what was installed"
    for name in PARTS:
        if parts.load(name) is None:
            return f"{name}: {parts.missing[name]}"
        if importlib.import_module(name).BUILT.split()[0] != leakhunt.__version__:
            return f"{name} is of another version"
    with tempfile.TemporaryDirectory() as folder:
        leakhunt.install(dir=folder)
        kept = [bytearray(1000) for _ in range(3000)]
        path = leakhunt.dump()
        from leakhunt.snapshots.load import load

        known = load(path).meta
        if known.engine != "sampled" or not known.facts.get("heap", {}).get("whole"):
            return f"the snapshot is not whole: engine {known.engine}"
        del kept
    return None


if __name__ == "__main__":
    sys.exit(main())
