"""Runs a script or module as ``__main__`` under the hook: what ``leakhunt run`` executes.

``python launch.py SETTINGS-JSON (script|module) TARGET ARGS...``, in a fresh interpreter, so that
the program shares its process with the hook only. ``sys.argv``, ``sys.path``, ``__main__``,
the exit status and tracebacks are as without it. Snapshots leave this file's frames out.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import io
import json
import os
import runpy
import sys
import types
from typing import Any


def main(root: str | None = None) -> None:
    """``sys.argv`` is as this module's docstring says; ``root`` is where leakhunt lies, if this did not
    start as a script: in an archive, which the interpreter cannot run a file of.
    """
    settings, kind, target = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    sys.argv[:] = [target, *sys.argv[4:]]
    root = root or os.path.dirname(os.path.dirname(sys.path[0]))
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.getcwd() if kind == "module" else os.path.dirname(os.path.abspath(target))
    # At the end: an uninstalled leakhunt must be found, and shadow nothing.
    sys.path.append(root)
    from leakhunt.cpython.interpreter import unfit

    why = unfit()
    if why is not None:
        sys.exit(f"leakhunt: {why}")
    from leakhunt.errors import LeakhuntError
    from leakhunt.hook import install

    sys.path.pop()
    try:
        install.program(settings)
        if kind == "module" and target.partition(".")[0] == "celery":
            install.connect(settings, None)
    except LeakhuntError as error:
        sys.exit(f"leakhunt: {error}")
    try:
        run_module(target) if kind == "module" else run_script(target)
    except SystemExit:
        raise
    except BaseException:
        shown, own = sys.excepthook, main.__code__.co_filename

        def without_launcher(kind: Any, error: Any, trace: Any) -> None:
            # Not __file__, which is gone from __main__ by then since 3.15.
            while trace is not None and trace.tb_frame.f_code.co_filename == own:
                trace = trace.tb_next
            shown(kind, error.with_traceback(trace), trace)

        sys.excepthook = without_launcher
        raise


def run_script(path: str) -> None:
    """``python path``: a source file, or a folder or archive with a ``__main__``."""
    if os.path.isdir(path) or (not path.endswith((".py", ".pyw")) and _is_archive(path)):
        sys.path[0] = os.path.abspath(path)
        _new_main()
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
        return
    full = os.path.abspath(path)
    try:
        with io.open_code(full) as opened:
            source = opened.read()
    except OSError as error:
        sys.exit(f"leakhunt: can't open file {path!r}: {error.strerror}")
    space = _new_main()
    space.update(
        __file__=full,
        __loader__=importlib.machinery.SourceFileLoader("__main__", full),
    )
    exec(compile(source, full, "exec", dont_inherit=True), space)


def run_module(name: str) -> None:
    """``python -m name``, through the function that the interpreter itself uses."""
    _new_main()
    sys.argv[0] = "-m"
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]


def _new_main() -> dict[str, Any]:
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    return module.__dict__


def _is_archive(path: str) -> bool:
    import zipfile

    return zipfile.is_zipfile(path)


if __name__ == "__main__":
    main()
