"""OTLP profiles, parsed back as a receiver parses them."""

from __future__ import annotations

import pytest

from leakhunt.errors import ExportError
from tests.render.export.test_sums import of_kind, otlp
from tests.support.builders import snap
from tests.support.exporting import ODD, exported, exported_diff, odd, read
from tests.support.places import SNAPSHOTS

pytest.importorskip("opentelemetry.proto.profiles.v1development.profiles_pb2")

AFTER = SNAPSHOTS / "leakhunt-after.bin"


def test_otlp_has_every_snapshot_over_one_dictionary() -> None:
    made = otlp(exported("otlp", odd("one.bin"), odd("other.bin")))
    tables = made.dictionary
    assert [profile.samples[0].values[0] for profile in of_kind(made, "inuse_space")] == [100, 100]
    assert len(of_kind(made, "inuse_objects")) == 2
    assert len({each.profile_id for each in of_kind(made, "inuse_space")}) == 2
    for table in (tables.mapping_table, tables.location_table, tables.function_table,
                  tables.link_table, tables.attribute_table, tables.stack_table):  # fmt: skip
        assert table[0].ByteSize() == 0
    assert tables.string_table[0] == ""
    assert len(tables.stack_table) == len(ODD) + 1
    assert len(set(tables.string_table)) == len(tables.string_table)
    for profile, unit in zip(of_kind(made, "inuse_objects"), ("count", "count")):
        assert tables.string_table[profile.sample_type.unit_strindex] == unit
        for sample in profile.samples:
            inner, outer = (
                tables.location_table[at].lines[0]
                for at in tables.stack_table[sample.stack_index].location_indices
            )
            file = tables.string_table[
                tables.function_table[outer.function_index].filename_strindex
            ]
            assert file == "/srv/shop/tasks.py"
            assert list(sample.values) == [outer.line] == [inner.line]


def test_otlp_says_which_process_it_was() -> None:
    made = otlp(exported("otlp", read(AFTER)))
    known = read(AFTER).meta
    (resource,) = made.resource_profiles
    told = {each.key: each.value for each in resource.resource.attributes}
    assert told["process.pid"].int_value == known.pid
    assert told["host.name"].string_value == known.host
    assert resource.scope_profiles[0].scope.name == "leakhunt"
    assert of_kind(made, "inuse_space")[0].time_unix_nano == round((known.taken_at or 0) * 1e9)


def test_otlp_of_a_difference_is_signed() -> None:
    sides = (
        snap("/a.py:1 1KiB x1", "/b.py:2 4KiB x4", "/c.py:3 1KiB x1"),
        snap("/a.py:1 3KiB x3", "/b.py:2 4KiB x4"),
    )
    made = otlp(exported_diff("otlp", *sides))
    sizes = [sample.values[0] for sample in of_kind(made, "inuse_space")[0].samples]
    assert sorted(sizes) == [-1024, 2048]


def test_another_schema_is_told_by_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    from leakhunt.render.export import otlp_file

    monkeypatch.setitem(otlp_file._FIELDS, "Sample", ("location_indices_of_long_ago",))
    with pytest.raises(
        ExportError, match=r"Sample without location_indices_of_long_ago.*pip install -U"
    ):
        exported("otlp", odd())
