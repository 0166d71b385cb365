"""The process that judges for the tests' process: lines in, lines out, until its input ends."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO


def main(lines: BinaryIO, says: BinaryIO) -> None:
    """Answer each line with one."""
    from leakhunt.errors import LeakhuntError
    from leakhunt.plugin.words import PROBLEM, line

    check = None
    for text in lines:
        said: dict[str, Any] = json.loads(text)
        try:
            check, answer = answered(check, said)
        except LeakhuntError as error:
            answer = {"do": PROBLEM, "message": str(error)}
        says.write(line(answer))
        says.flush()


def answered(check: Any, said: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """(the check that is under way, the answer). Raises LeakhuntError."""
    from leakhunt.plugin import verdicts
    from leakhunt.plugin.words import BEGIN, BLOCK

    if said.get("do") == BEGIN:
        check = verdicts.Check(said)
        return check, check.first()
    if said.get("do") == BLOCK:
        return None, verdicts.block(said["name"], said["looks"], said["most"])
    return check, check.next(said)


if __name__ == "__main__":
    # At the end: an uninstalled leakhunt must be found, and shadow nothing.
    sys.path.append(str(Path(sys.path.pop(0)).parents[1]))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anybody prints by mistake is no answer
    main(sys.stdin.buffer, out)
