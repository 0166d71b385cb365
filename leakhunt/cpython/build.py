"""Builds the compiled parts, each with a note of what it was built from (see ``parts.py``).

For setuptools alone, which loads this file by itself while it builds: nothing of leakhunt is imported.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

from setuptools.command.build_ext import build_ext


def digest(files: list[Path]) -> str:
    """Tells one state of files from another."""
    checksum = 0
    for file in files:
        checksum = zlib.crc32(file.read_bytes(), checksum)
    return f"{checksum:08x}"


class BuildParts(build_ext):  # type: ignore[misc, unused-ignore]
    """``BUILT`` is the version, the digest and the names of the sources and headers.

    A part that does not build is left out, unless ``REQUIRE_LEAKHUNT_PARTS`` is set: a wheel for
    everybody has them all.
    """

    def build_extension(self, ext: Any) -> None:
        if os.environ.get("REQUIRE_LEAKHUNT_PARTS"):
            ext.optional = False
        names = [*ext.sources, *ext.depends]
        built = " ".join(
            [self.distribution.get_version(), digest([Path(name) for name in names]), *names]
        )
        ext.define_macros = [*ext.define_macros, ("LEAKHUNT_BUILT", f'"{built}"')]
        super().build_extension(ext)
