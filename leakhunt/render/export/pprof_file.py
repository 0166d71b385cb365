"""pprof: a gzipped ``profile.proto`` of what is alive, or with signed values of what changed.

The values of a sample are ``inuse_space`` (bytes) and ``inuse_objects`` (blocks), as in Go's heap
profiles, bytes first and by default.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from typing import IO, Any

from leakhunt.model.paths import visible
from leakhunt.model.snapshot import NOTHING, Frame, Snapshot, Stack, Tally
from leakhunt.render.export.formats import PPROF, missing
from leakhunt.render.export.names import Names, frames
from leakhunt.report.labels import Labels
from leakhunt.report.words import exported
from leakhunt.report.words.places import who
from leakhunt.snapshots.facts import number_of

SPACE, OBJECTS = "inuse_space", "inuse_objects"


def write(out: IO[bytes], snapshots: Iterator[Snapshot]) -> None:
    """What is alive in the one snapshot. Raises ExportError without protobuf."""
    (snapshot,) = snapshots
    _write(out, snapshot.tallies.items(), snapshot, Labels(snapshot), ())


def write_diff(out: IO[bytes], before: Snapshot, after: Snapshot) -> None:
    """What changed, stack by stack; those that did not are left out. Raises ExportError."""
    old, new = before.tallies, after.tallies
    stacks = [*new, *(stack for stack in old if stack not in new)]
    changes = ((stack, new.get(stack, NOTHING).minus(old.get(stack, NOTHING))) for stack in stacks)
    _write(
        out,
        ((stack, change) for stack, change in changes if change != NOTHING),
        after,
        Labels(after, before),
        (exported.changed(before, after),),
    )


def _write(
    out: IO[bytes],
    tallies: Iterable[tuple[Stack, Tally]],
    snapshot: Snapshot,
    labels: Labels,
    comments: tuple[str, ...],
) -> None:
    try:
        from leakhunt.render.export.profile_schema import profile_class

        profile = profile_class()()
    except ImportError as error:
        raise missing("protobuf", PPROF, "export") from error
    _Profile(profile, Names(labels)).fill(tallies, snapshot, comments)
    # No time and no name in the header: the same snapshot gives the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as packed:
        packed.write(profile.SerializeToString(deterministic=True))


class _Profile:
    """Fills a profile; strings, functions and locations each once."""

    def __init__(self, profile: Any, names: Names) -> None:
        self.profile = profile
        self.names = names
        self._strings = {"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[Frame, int] = {}
        profile.string_table.append("")

    def fill(
        self, tallies: Iterable[tuple[Stack, Tally]], snapshot: Snapshot, comments: tuple[str, ...]
    ) -> None:
        profile, meta = self.profile, snapshot.meta
        for kind, unit in ((SPACE, "bytes"), (OBJECTS, "count")):
            profile.sample_type.add(type=self._string(kind), unit=self._string(unit))
        profile.default_sample_type = self._string(SPACE)
        # With a mapping that has everything, no tool goes looking for symbols in a binary.
        profile.mapping.add(
            id=1, filename=self._string(f"python{meta.python or ''}"),
            has_functions=True, has_filenames=True, has_line_numbers=True,
        )  # fmt: skip
        if meta.taken_at is not None:
            profile.time_nanos = round(meta.taken_at * 1e9)
        interval = number_of(meta.facts.get("interval"))
        if interval:
            profile.period_type.type = self._string("space")
            profile.period_type.unit = self._string("bytes")
            profile.period = int(interval)
        for comment in (visible(who(snapshot)), *comments):
            profile.comment.append(self._string(comment))
        for stack, tally in tallies:
            sample = profile.sample.add()
            sample.location_id.extend([self._location(frame) for frame in reversed(frames(stack))])
            sample.value.extend(tally)

    def _string(self, text: str) -> int:
        number = self._strings.get(text)
        if number is None:
            number = self._strings[text] = len(self._strings)
            self.profile.string_table.append(text)
        return number

    def _location(self, frame: Frame) -> int:
        number = self._locations.get(frame)
        if number is None:
            number = self._locations[frame] = len(self._locations) + 1
            location = self.profile.location.add(id=number, mapping_id=1)
            location.line.add(function_id=self._function(frame), line=frame.line)
        return number

    def _function(self, frame: Frame) -> int:
        name, file = self.names.function(frame), self.names.file(frame.file)
        number = self._functions.get((name, file))
        if number is None:
            number = self._functions[name, file] = len(self._functions) + 1
            text = self._string(name)
            self.profile.function.add(
                id=number, name=text, system_name=text, filename=self._string(file)
            )
        return number
