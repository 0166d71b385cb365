"""The process that judges: a line in, a line out, and what cannot be judged is an answer too."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from leakhunt.plugin import judging
from leakhunt.plugin.words import BEGIN, BLOCK, PROBLEM, RESULT, line
from tests.support.console import store
from tests.support.places import ROOT

BEGINS = {"do": BEGIN, "name": "a", "root": "/", "baseline": None, "limit": None, "at_most": 9.0,
          "runs": None, "warm_up": None}  # fmt: skip


def answers(*said: dict[str, Any]) -> list[dict[str, Any]]:
    out = io.BytesIO()
    judging.main(io.BytesIO(b"".join(map(line, said))), out)
    return [json.loads(text) for text in out.getvalue().splitlines()]


def test_each_line_has_one_answer_and_a_check_begins_anew() -> None:
    ran = {"kind": "ran", "runs": 1, "seconds": 0.001, "elapsed": 0.001}
    told = answers(BEGINS, ran, BEGINS, ran)
    assert [each["do"] for each in told] == ["run"] * 4
    assert told[0] == told[2]
    assert told[1] == told[3]


def test_a_block_between_checks_is_judged_by_itself(tmp_path: Path) -> None:
    looks = [str(store(tmp_path / f"{n}.bin", 10 + 100 * n, sequence=n + 1)) for n in (0, 1)]
    told = answers({"do": BLOCK, "name": "a", "looks": looks, "most": 4096}, BEGINS)
    assert told[0]["do"] == RESULT
    assert told[0]["failure"]
    assert told[1]["do"] == "run"


def test_what_cannot_be_judged_is_a_problem_and_the_next_line_is_answered(tmp_path: Path) -> None:
    none = str(tmp_path / "none.bin")
    told = answers({"do": BLOCK, "name": "a", "looks": [none, none], "most": 0}, BEGINS)
    assert told[0]["do"] == PROBLEM
    assert "none.bin" in told[0]["message"]
    assert told[1]["do"] == "run"


def test_as_a_process_it_answers_on_what_was_its_output_and_shadows_nothing(tmp_path: Path) -> None:
    """It is found by its path; a folder of that name before it must not be taken for the package's."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "leakhunt" / "plugin" / "judging.py")],
        input=line(BEGINS), capture_output=True, cwd=tmp_path, timeout=300, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["do"] == "run"
    assert done.stderr == b""
