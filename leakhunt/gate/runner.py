"""The process that runs the target: ``python runner.py SETTINGS-JSON``, started by ``leakhunt check``.

A fresh interpreter, in which the target shares its process with as little as can be. Orders come
and answers go over two inherited descriptors (:mod:`leakhunt.gate.orders`), so that what the target
prints is nobody's concern.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    """``SETTINGS-JSON``: ``{"target", "args", "eager", "engine", "nframe", "dir", "orders", "answers"}``,
    of which the last two are descriptors.
    """
    settings = json.loads(sys.argv[1])
    target = settings["target"]
    root = os.path.dirname(os.path.dirname(sys.path[0]))  # noqa: PTH120 - the launcher knows no pathlib
    sys.argv[:] = [target]
    sys.path[0] = os.getcwd()  # noqa: PTH109 - as python -m has it
    # At the end: an uninstalled leakhunt must be found, and shadow nothing.
    sys.path.append(root)
    from leakhunt.gate import run

    sys.path.pop()
    run.serve(settings)


def settings_of(**settings: Any) -> str:
    """What stands in the command line."""
    return json.dumps(settings)


if __name__ == "__main__":
    main()
