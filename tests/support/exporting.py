"""Exports for tests: snapshots that hold every awkward thing, and files of them."""

from __future__ import annotations

import io
from pathlib import Path

from leakhunt.model.snapshot import Snapshot
from leakhunt.render.export.formats import write, write_diff
from leakhunt.snapshots.load import load
from tests.support.builders import snap
from tests.support.places import SNAPSHOTS

#: Names that some format takes for something else.
ODD = (
    "/srv/shop/a;b c.py", "/srv/shop/line\nend.py", "/srv/shop/\udc80raw.py", "/srv/shop/</script>.py",
    '/srv/shop/"quoted\'.py', "/srv/shop/\u202egnp.py", "=cmd|' /C calc'!A0", "<string>", "/srv/shop/tab\there.py",
    "/srv/shop/\x00nul.py", "C:\\shop\\tasks.py", "/srv/shop/雪.py", "/srv/shop/\u2028sep.py",
)  # fmt: skip


def odd(path: str = "odd.bin") -> Snapshot:
    """One stack a name, in and below it; one stack without frames."""
    lines = [f"{name}:{number} < /srv/shop/tasks.py:{number} {number * 100} x{number}"
             for number, name in enumerate(ODD, 1)]  # fmt: skip
    return snap(*lines, path=path)


def recorded() -> list[Path]:
    """Real files: leakhunt's own, and plain dumps of every Python."""
    return sorted(SNAPSHOTS.glob("*.bin"))


def read(path: Path, detail: bool = True) -> Snapshot:
    return load(path, detail=detail)


def exported(form: str, *snapshots: Snapshot) -> bytes:
    out = io.BytesIO()
    write(form, out, iter(snapshots))
    return out.getvalue()


def exported_diff(form: str, before: Snapshot, after: Snapshot) -> bytes:
    out = io.BytesIO()
    write_diff(form, out, before, after)
    return out.getvalue()
