"""The messages of ``profile.proto``: numbers are told once, and a class of another's is no clash."""

from __future__ import annotations

import pytest

from leakhunt.render.export.profile_schema import MESSAGES, profile_class

pytest.importorskip("google.protobuf")


@pytest.mark.parametrize("message", MESSAGES)
def test_no_number_and_no_name_stands_twice(message: str) -> None:
    fields = MESSAGES[message]
    assert len({number for _, number, _, _ in fields}) == len(fields)
    assert len({name for name, _, _, _ in fields}) == len(fields)


def test_what_a_field_is_of_is_a_message_or_a_plain_type() -> None:
    kinds = {kind for fields in MESSAGES.values() for _, _, kind, _ in fields}
    assert kinds - set(MESSAGES) <= {"int64", "uint64", "string", "bool"}


def test_what_is_written_is_read_again() -> None:
    made = profile_class()()
    made.string_table.extend(["", "take"])
    made.sample.add(location_id=[1], value=[-3, 4])
    again = profile_class()()
    again.ParseFromString(made.SerializeToString())
    assert list(again.string_table) == ["", "take"]
    assert list(again.sample[0].value) == [-3, 4]
    assert profile_class() is profile_class()
