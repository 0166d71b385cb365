"""What a part was built from is noted in it: another source is another digest."""

from __future__ import annotations

from pathlib import Path

import pytest

setuptools = pytest.importorskip("setuptools")

from leakhunt.cpython.build import BuildParts, digest  # noqa: E402


def test_another_content_or_another_order_is_another_digest(tmp_path: Path) -> None:
    one, other = tmp_path / "a.c", tmp_path / "b.h"
    one.write_text("int a;")
    other.write_text("int b;")
    first = digest([one, other])
    assert digest([one, other]) == first
    assert len(first) == 8
    assert digest([other, one]) != first
    other.write_text("int c;")
    assert digest([one, other]) != first


@pytest.mark.parametrize(("required", "optional"), [("", True), ("1", False)])
def test_a_wheel_for_everybody_has_all_parts(
    required: str, optional: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "part.c"
    source.write_text("int a;")
    monkeypatch.setenv("REQUIRE_LEAKHUNT_PARTS", required)
    built = []
    monkeypatch.setattr(
        "setuptools.command.build_ext.build_ext.build_extension",
        lambda self, ext: built.append(ext),
    )
    part = setuptools.Extension("part", [str(source)], depends=[], optional=True)
    command = BuildParts(setuptools.Distribution({"version": "9.9"}))
    command.build_extension(part)
    assert built == [part]
    assert part.optional is optional
    ((name, value),) = part.define_macros
    assert (name, value) == ("LEAKHUNT_BUILT", f'"9.9 {digest([source])} {source}"')
