"""What the tests' process and the judge say to each other beside orders and answers: JSON lines."""

from __future__ import annotations

import json
from typing import Any

#: The beginning of a check, of a block, and the judge's last word.
BEGIN, BLOCK, RESULT = "begin", "block", "result"


def line(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode() + b"\n"
