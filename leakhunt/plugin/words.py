"""What the tests' process and the judge say to each other beside orders and answers: JSON lines."""

from __future__ import annotations

import json
from typing import Any

#: The beginning of a check, of a block; the judge's last word, and what keeps it from having one.
BEGIN, BLOCK, RESULT, PROBLEM = "begin", "block", "result", "problem"


def line(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode() + b"\n"
