"""Builds the sdist and the wheels that this machine can, checks them and tries them without a compiler.

``python tests/wheels/build.py FOLDER [PYTHON...]``: a wheel for each interpreter, this one if none is
named. Each is installed into a bare environment whose PATH holds no compiler, where
``installed.py`` and the demo must pass. ``twine``, ``check-wheel-contents`` and ``auditwheel`` check
them where they are installed; what is not is said.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHECKS = {
    "twine": ["check", "--strict"],
    "check_wheel_contents": [],
    "auditwheel": ["show"],
}


def run(*command: str, **variables: str) -> None:
    print("+", *command, flush=True)
    subprocess.run(command, cwd=ROOT.anchor, check=True, env={**os.environ, **variables})


def build(python: str, folder: Path) -> Path:
    """The wheel for that interpreter, in which every part must have been built."""
    with tempfile.TemporaryDirectory() as made:
        run(
            python,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "-w",
            made,
            str(ROOT),
            REQUIRE_LEAKHUNT_PARTS="1",
        )
        (wheel,) = Path(made).glob("*.whl")
        target = folder / wheel.name
        target.write_bytes(wheel.read_bytes())
    return target


def check(files: list[Path]) -> None:
    for module, options in CHECKS.items():
        if importlib.util.find_spec(module) is None:
            print(f"not checked: {module} is not installed")
            continue
        for file in files:
            if module == "twine" or file.suffix == ".whl":
                run(sys.executable, "-m", module, *options, str(file))


def try_out(python: str, wheel: Path) -> None:
    """In a new environment, without a compiler on the PATH."""
    with tempfile.TemporaryDirectory() as folder:
        run(python, "-m", "venv", folder)
        own = Path(folder) / "bin"
        tools = Path(folder) / "tools"
        tools.mkdir()
        for name in ("sh", "env", "uname"):
            (tools / name).symlink_to(Path("/bin") / name)
        bare = {"PATH": f"{own}:{tools}", "CC": "there-is-no-compiler", "HOME": folder}
        run(str(own / "python"), "-m", "pip", "install", "-q", str(wheel), **bare)
        run(str(own / "python"), str(ROOT / "tests/wheels/installed.py"), **bare)
        run(str(own / "leakhunt"), "demo", **bare)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    pythons = sys.argv[2:] or [sys.executable]
    wheels = {python: build(python, folder) for python in pythons}
    if importlib.util.find_spec("build") is None:
        print("no sdist: the module `build` is not installed")
    else:
        run(sys.executable, "-m", "build", "-q", "--sdist", "-o", str(folder), str(ROOT))
    check(sorted([*wheels.values(), *folder.glob("*.tar.gz")]))
    for python, wheel in wheels.items():
        try_out(python, wheel)


if __name__ == "__main__":
    main()
