"""Builds the sdist and the wheels that this machine can, checks them and tries them without a compiler.

``python tests/wheels/build.py FOLDER [PYTHON...]``: a wheel for each interpreter, this one if none is
named. Each is installed into a bare environment whose PATH holds no compiler, where
``installed.py``, the demo and live tests must pass: every part loads, a snapshot is whole, reading is as
fast as with a compiler, a leak is found in a real worker. ``twine``, ``check-wheel-contents`` and ``auditwheel`` check them where they are
installed (the extra ``release``); what is not is said.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHECKS = {
    "twine": ["check", "--strict"],
    # W002: the licence stands in the package, for who has only that, and where wheels have it.
    "check_wheel_contents": ["--ignore", "W002"],
    "auditwheel": ["show"],
}
#: What developing leaves in the tree, and a release must not be built from: an old ``build`` still
#: holds modules that are gone.
LEFT = (
    ".git",
    ".venv*",
    "build",
    "dist",
    "*.egg-info",
    "__pycache__",
    "*.so",
    "*.o",
    ".*_cache",
    ".hypothesis",
)
#: All that a bare environment has beside its own programs.
TOOLS = ("sh", "env", "uname")
#: Live tests that a bare environment runs, and what they need beside leakhunt.
LIVE = ("tests/live/test_program.py", "tests/live/test_exact.py")
TESTING = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "redis")


def run(*command: str, **variables: str) -> None:
    print("+", *command, flush=True)
    subprocess.run(command, cwd=ROOT.anchor, check=True, env={**os.environ, **variables})


def tree(folder: Path) -> Path:
    """The sources as a checkout has them, in that folder."""
    return Path(shutil.copytree(ROOT, folder / "tree", ignore=shutil.ignore_patterns(*LEFT)))


def build(python: str, sources: Path, folder: Path) -> Path:
    """The wheel for that interpreter, in which every part must have been built."""
    made = Path(tempfile.mkdtemp(dir=folder))
    command = [python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(made), str(sources)]
    run(*command, REQUIRE_LEAKHUNT_PARTS="1")
    (wheel,) = made.glob("*.whl")
    wheel = wheel.rename(folder / wheel.name)
    made.rmdir()
    return wheel


def check(files: list[Path]) -> None:
    for module, options in CHECKS.items():
        if importlib.util.find_spec(module) is None:
            print(f"not checked: {module} is not installed")
            continue
        for file in files:
            if module == "twine" or file.suffix == ".whl":
                run(sys.executable, "-m", module, *options, str(file))


def bare(folder: Path) -> dict[str, str]:
    """The variables of an environment in that folder, in which nothing can be compiled."""
    tools = folder / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    return {"PATH": f"{folder / 'bin'}:{tools}", "CC": "there-is-no-compiler", "HOME": str(folder)}


def run_live(python: str, folder: Path, variables: dict[str, str]) -> None:
    """Live tests with what is installed: of the tree there are only the tests."""
    for name in ("tests", "fixtures"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*LEFT))
    shutil.copy(ROOT / "pyproject.toml", folder)
    # A test that makes an archive makes it of the tree.
    options = ["-q", "-n", "0", "-k", "not archive", "-c", str(folder / "pyproject.toml")]
    run(python, "-m", "pip", "install", "-q", "--only-binary", ":all:", *TESTING, **variables)
    run(python, "-m", "pytest", *options, *(str(folder / name) for name in LIVE), **variables)


def try_out(python: str, wheel: Path) -> None:
    """In a new environment, without a compiler on the PATH."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        run(python, "-m", "venv", made)
        variables = bare(folder)
        own = str(folder / "bin/python")
        run(own, "-m", "pip", "install", "-q", str(wheel), **variables)
        run(own, str(ROOT / "tests/wheels/installed.py"), **variables)
        run(str(folder / "bin/leakhunt"), "demo", **variables)
        (folder / "suite").mkdir()
        run_live(own, folder / "suite", variables)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    pythons = sys.argv[2:] or [sys.executable]
    with tempfile.TemporaryDirectory() as made:
        sources = tree(Path(made))
        wheels = {python: build(python, sources, folder) for python in pythons}
        if importlib.util.find_spec("build") is None:
            print("no sdist: the module `build` is not installed")
        else:
            run(sys.executable, "-m", "build", "-s", "-o", str(folder), str(sources))
    check(sorted([*wheels.values(), *folder.glob("*.tar.gz")]))
    for python, wheel in wheels.items():
        try_out(python, wheel)


if __name__ == "__main__":
    main()
