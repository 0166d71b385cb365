"""What an installed wheel must do: run with the interpreter that it was installed for, without pytest.

``python tests/wheels/installed.py``; exits with 1 and says what is missing.
"""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

PARTS = (
    "leakhunt.hook.capture._fork", "leakhunt.hook.capture._garbage", "leakhunt.hook.capture._holders",
    "leakhunt.hook.capture.walk._walk", "leakhunt.hook._takeover", "leakhunt.engine._sampler",
    "leakhunt.snapfile._scan",
)  # fmt: skip

#: Blocks in the file that reading is tried with, on so many stacks.
BLOCKS, STACKS = 1_000_000, 2_000

#: Reads a file as the command does, with or without the compiled part.
READING = """
import sys
from leakhunt.snapfile import native
if sys.argv.pop(1) == "without":
    native.native = None
from leakhunt.cli import main
main()
"""


def reading(folder: Path) -> dict[str, float]:
    """Seconds of CPU that ``leakhunt top`` takes for a plain dump: with the compiled part, and without."""
    stacks = [
        tuple((f"/srv/module_{n % 50}.py", n + frame) for frame in range(8)) for n in range(STACKS)
    ]
    traces = [(0, 16 + n % 40 * 8, stacks[n % STACKS], 8) for n in range(BLOCKS)]
    tracemalloc.Snapshot(traces, 8).dump(f"{folder}/plain.bin")
    took = {}
    for how in ("with", "without"):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-c", READING, how, "top", f"{folder}/plain.bin"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took[how] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took


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
        took = reading(Path(folder))
        print(
            f"read {BLOCKS:,} blocks in {took['with']:.2f} s of CPU, without the part {took['without']:.2f} s"
        )
        if took["with"] >= took["without"]:
            return "reading is no faster than without the compiled part"
    return None


if __name__ == "__main__":
    sys.exit(main())
