"""``leakhunt doctor`` as JSON."""

from __future__ import annotations

import json

from leakhunt.advice.doctor.case import ADVICE, NOTE, Finding
from leakhunt.render.json.doctor import doctor
from leakhunt.report.doctor import DoctorReport


def test_a_finding_has_what_the_contract_names() -> None:
    fixed = Finding(
        ADVICE, "rule-a", "w@h", "it is so", "because", "task_time_limit", 60, "https://x"
    )
    plain = Finding(NOTE, "rule-b", "w@h", "so it is", "because")
    document = json.loads(doctor(DoctorReport((fixed, plain), "7 processes", ("note",))))
    assert document["schema"] == "leakhunt/doctor@1"
    first, second = document["findings"]
    assert {"severity", "rule", "where", "what", "why", "fix", "source"} <= set(first)
    assert first["fix"] == {"setting": "task_time_limit", "value": 60}
    assert (second["fix"], second["source"], second["todo"]) == (None, None, None)
    assert (document["looked_at"], document["notes"]) == ("7 processes", ["note"])
