"""Formats by name and by ending: each is found by the one or the other, and says what it carries."""

from __future__ import annotations

import io

import pytest

from leakhunt.render.export import formats
from leakhunt.render.export.formats import BY_NAME, FORMATS, by_ending


@pytest.mark.parametrize(
    ("output", "form"),
    [("heap.pb.gz", "pprof"), ("x.speedscope.json", "speedscope"), ("x.parquet", "parquet"), ("x.csv", "csv"),
     ("x.json", "json"), ("x.unheard", None), ("-", None)],
)  # fmt: skip
def test_the_ending_tells_the_format(output: str, form: str | None) -> None:
    assert by_ending(output) == form


def test_the_contracts_formats_are_there() -> None:
    assert set(FORMATS) == {
        "pprof",
        "speedscope",
        "collapsed",
        "csv",
        "json",
        "otlp",
        "parquet",
        "tracemalloc",
    }
    assert list(BY_NAME) == list(FORMATS)


@pytest.mark.parametrize("form", FORMATS)
def test_only_parquet_has_a_table_beside_it(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    class Writer:
        @staticmethod
        def write(*arguments: object) -> None:
            asked.append(arguments)

    monkeypatch.setattr(formats, "_module", lambda name: Writer)
    out, beside = io.BytesIO(), io.BytesIO()
    formats.write(form, out, [], beside)
    ((first, _, *more),) = asked
    assert first is out
    assert more == ([beside] if form == "parquet" else [])
