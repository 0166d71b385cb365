"""OTLP profiles: OpenTelemetry's ``ProfilesData`` of what is alive, or with signed values of what changed.

For each snapshot a resource (the process) with two profiles, ``inuse_space`` in bytes and ``inuse_objects`` in
blocks; stacks, places and texts stand once in a dictionary for all. The messages are those of the
``opentelemetry-proto`` that is installed: the signal is in development, and its fields have moved.

A protobuf message may be written in pieces one after the other (repeated fields add up), so each snapshot
is written and forgotten before the next is read; the dictionary, which only then is whole, comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from importlib import import_module
from typing import IO, Any

from leakhunt import __version__
from leakhunt.errors import ExportError
from leakhunt.model.meta import Meta
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import NOTHING, Frame, Snapshot, Stack, Tally
from leakhunt.render.export.formats import OTLP, missing
from leakhunt.render.export.names import Names, frames
from leakhunt.report.labels import Labels
from leakhunt.snapshots.facts import number_of

#: Name and unit of each value of a tally, in its order.
VALUES = (("inuse_space", "bytes"), ("inuse_objects", "count"))
#: What this module fills in. Earlier schemas had no table of stacks, or other names.
_FIELDS = {
    "ProfilesDictionary": ("stack_table", "location_table", "function_table", "attribute_table"),
    "Profile": ("sample_type", "samples", "time_unix_nano", "profile_id", "period_type"),
    "Sample": ("stack_index", "values"),
    "Location": ("mapping_index", "lines", "attribute_indices"),
    "KeyValueAndUnit": ("key_strindex", "value"),
}  # fmt: skip


def write(out: IO[bytes], snapshots: Iterator[Snapshot]) -> None:
    """All of them. Raises ExportError without opentelemetry-proto, or with one of another schema."""
    dictionary = _Dictionary(_schema())
    for snapshot in snapshots:
        tallies = snapshot.tallies.items()
        dictionary.add(out, snapshot, tallies, Names(Labels(snapshot)))
    dictionary.end(out)


def write_diff(out: IO[bytes], before: Snapshot, after: Snapshot) -> None:
    """What changed, stack by stack; those that did not are left out. Raises ExportError."""
    old, new = before.tallies, after.tallies
    stacks = [*new, *(stack for stack in old if stack not in new)]
    changes = ((stack, new.get(stack, NOTHING).minus(old.get(stack, NOTHING))) for stack in stacks)
    dictionary = _Dictionary(_schema())
    dictionary.add(out, after, changes, Names(Labels(after, before)))
    dictionary.end(out)


def _schema() -> Any:
    """The installed module with the messages."""
    try:
        module = import_module("opentelemetry.proto.profiles.v1development.profiles_pb2")
    except ImportError as error:
        raise missing("opentelemetry-proto with profiles", OTLP, "otlp") from error
    for message, fields in _FIELDS.items():
        fields_of = module.DESCRIPTOR.message_types_by_name.get(message)
        lacks = [
            name for name in fields if fields_of is None or name not in fields_of.fields_by_name
        ]
        if lacks:
            raise ExportError(
                f"{OTLP}: the installed opentelemetry-proto has profiles of another schema "
                f"({message} without {', '.join(lacks)}): pip install -U opentelemetry-proto"
            )
    return module


class _Dictionary:
    """What profiles refer to by number, each once; 0 is nothing in every table."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        made = self._made = schema.ProfilesDictionary()
        made.string_table.append("")
        for table in (made.mapping_table, made.location_table, made.function_table,
                      made.link_table, made.attribute_table, made.stack_table):  # fmt: skip
            table.add()
        self._strings = {"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[tuple[int, int], int] = {}
        self._stacks: dict[tuple[int, ...], int] = {}
        kind = made.attribute_table.add(key_strindex=self._string("profile.frame.type"))
        kind.value.string_value = "cpython"

    def add(
        self,
        out: IO[bytes],
        snapshot: Snapshot,
        tallies: Iterable[tuple[Stack, Tally]],
        names: Names,
    ) -> None:
        """Write one process at one moment."""
        whole = self._schema.ProfilesData()
        resource = whole.resource_profiles.add()
        for key, value in _attributes(snapshot.meta):
            told = resource.resource.attributes.add(key=key)
            if isinstance(value, int):
                told.value.int_value = value
            else:
                told.value.string_value = value
        scope = resource.scope_profiles.add()
        scope.scope.name, scope.scope.version = "leakhunt", __version__
        profiles = [self._profile(scope, snapshot, *value) for value in VALUES]
        local: dict[Frame, int] = {}
        for stack, tally in tallies:
            number = 0
            for profile, amount in zip(profiles, tally):
                if amount:
                    number = number or self._stack(stack, names, local)
                    profile.samples.add(stack_index=number, values=[amount])
        out.write(whole.SerializeToString(deterministic=True))

    def end(self, out: IO[bytes]) -> None:
        """Write the tables."""
        whole = self._schema.ProfilesData(dictionary=self._made)
        out.write(whole.SerializeToString(deterministic=True))

    def _profile(self, scope: Any, snapshot: Snapshot, kind: str, unit: str) -> Any:
        meta = snapshot.meta
        profile = scope.profiles.add()
        profile.sample_type.type_strindex = self._string(kind)
        profile.sample_type.unit_strindex = self._string(unit)
        if meta.taken_at is not None:
            profile.time_unix_nano = round(meta.taken_at * 1e9)
        interval = number_of(meta.facts.get("interval"))
        if interval:
            profile.period_type.type_strindex = self._string("space")
            profile.period_type.unit_strindex = self._string("bytes")
            profile.period = int(interval)
        # The same profile of the same file has the same, so that receivers know it again.
        told = f"{snapshot.path}\0{meta.host}\0{meta.pid}\0{meta.taken_at}\0{kind}"
        profile.profile_id = blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return profile

    def _stack(self, stack: Stack, names: Names, local: dict[Frame, int]) -> int:
        """The innermost frame first."""
        places = []
        for frame in reversed(frames(stack)):
            place = local.get(frame)
            if place is None:
                place = local[frame] = self._location(frame, names)
            places.append(place)
        key = tuple(places)
        number = self._stacks.get(key)
        if number is None:
            number = self._stacks[key] = len(self._stacks) + 1
            self._made.stack_table.add(location_indices=places)
        return number

    def _location(self, frame: Frame, names: Names) -> int:
        key = self._function(names.function(frame), names.file(frame.file)), frame.line
        number = self._locations.get(key)
        if number is None:
            number = self._locations[key] = len(self._locations) + 1
            place = self._made.location_table.add(attribute_indices=[1])
            place.lines.add(function_index=key[0], line=frame.line)
        return number

    def _function(self, name: str, file: str) -> int:
        number = self._functions.get((name, file))
        if number is None:
            number = self._functions[name, file] = len(self._functions) + 1
            self._made.function_table.add(
                name_strindex=self._string(name), filename_strindex=self._string(file)
            )
        return number

    def _string(self, text: str) -> int:
        number = self._strings.get(text)
        if number is None:
            number = self._strings[text] = len(self._strings)
            self._made.string_table.append(text)
        return number


def _attributes(meta: Meta) -> Iterator[tuple[str, str | int]]:
    """What OpenTelemetry calls the facts of a process (semantic conventions: resource)."""
    for key, value in (
        ("host.name", meta.host),
        ("service.instance.id", meta.node),
        ("process.pid", meta.pid),
        ("process.runtime.name", "cpython" if meta.python else None),
        ("process.runtime.version", meta.python),
    ):
        if value is not None:
            yield key, value if isinstance(value, int) else visible(value, longest=0)
