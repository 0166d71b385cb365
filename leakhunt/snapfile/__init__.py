"""The bytes of a snapshot file: what is written, what is read, and nothing else.

A leakhunt snapshot is a pickle that plain ``tracemalloc.Snapshot.load`` opens::

    tracemalloc.Snapshot
      .traceback_limit   int
      .leakhunt          dict of plain values, described below
      .traces            tracemalloc._Traces
        ._traces         list(chain(repeat(trace, n), repeat(trace, n), ...))

where ``trace`` is CPython's own 4-tuple ``(domain, size, frames, total_nframe)``
(``Modules/_tracemalloc.c``), ``frames`` is ``((filename, lineno), ...)`` with the
most recent call *first*, shared between traces, and ``n`` is the number of live
blocks with that domain, size and traceback. So the file holds one *run* per
distinct trace instead of one record per block; the standard library expands
it while unpickling, leakhunt's reader never does.

Only five names occur in it: ``tracemalloc.Snapshot``, ``tracemalloc._Traces``,
``builtins.list``, ``itertools.chain``, ``itertools.repeat``. A reader must resolve
no other, and these only to inert types: unpickling anything else runs code.

After the pickle's STOP opcode stands a trailer, which unpicklers ignore: the
``leakhunt`` dict without its long values (:data:`LONG`), as UTF-8 JSON, its CRC-32 as 4 bytes and
its length as 8 bytes little endian, and the 8 bytes :data:`TRAILER_MAGIC`. It lets a listing of thousands of
files read each one's facts without unpickling it. Between the pickle and the trailer stands the
index (:mod:`leakhunt.snapfile.index`): the sums per stack and the facts that the trailer
lacks, with a checksum of everything before. A reader needs the pickle only for
block sizes and domains, or where the index is missing or damaged.

The ``leakhunt`` dict (schema 1)
--------------------------------
Sizes are bytes, times are seconds since the epoch (float), durations are seconds.
A value that could not be found out is None. Keys may be added, never renamed, and so may
fields at the end of a record (:mod:`leakhunt.snapfile.records`).

who
    ``schema`` (1), ``host``, ``pid``, ``started_at`` (of the process), ``node`` (Celery's
    node name), ``pool`` (``prefork solo threads gevent eventlet``), ``role`` (``main`` and
    ``child`` of a prefork pool, ``worker`` of the others, ``program``, ``fork`` of one),
    ``parent`` (pid), ``python`` (``3.11.7``),
    ``implementation``, ``platform``, ``versions`` ({distribution: version}).
when
    ``taken_at``, ``monotonic`` (the same moment by ``CLOCK_MONOTONIC``), ``sequence`` (from 1 within the series), ``trigger`` (``signal tasks rss
    rss-step exit dump code``), ``baseline`` (bool: this snapshot was written by
    the trigger that armed the engine), ``pause`` (how long the process stood
    still), ``capture`` (from the trigger to the finished file), ``forked`` (bool),
    ``light`` (bool; True: written from a copy of the sampled engine's tables by a process beside. It
    has no ``holders heap retention handed garbage allocators``, types of the builtins alone, and of a process
    above 1 GiB no ``maps``; ``uss`` and the like are of a moment later. Missing: False),
    ``exact`` (bool; False: the fork ran without the C part, so a few blocks that
    fork hooks own may be off), ``walks`` ({what was not looked at, or not to the end: why}: ``all``,
    ``garbage``, ``holders``, ``types``; without the types of a light snapshot nobody knows either which
    blocks freelists have handed on: ``recycled`` is missing then, and 0 in ``births``).
engine
    ``engine`` (``exact sampled off``), ``nframe``, ``start`` (``signal boot``),
    ``armed_at``, ``armed_tasks`` (tasks done then), ``armed_rss``: what was
    allocated before is not seen; ``interval`` (mean bytes between samples now) and
    ``samples`` (None unless sampled). With ``sampled`` also ``budget`` (the share of the CPU
    that it may take, such as 0.01; None where the interval was fixed), ``overhead`` (the
    share that it took, by its own clock, since the process started or was forked), ``overhead_cpu`` (the
    CPU seconds of the process of which that is the share), ``lost``
    ({"dropped", "unplaced", "ghosts", "unrouted": ints}: samples without room, samples
    whose stack had no room, frees that went unseen, blocks that could not be followed)
    and ``estimates``.
work
    ``tasks_done``, ``tasks`` ({name: {"runs": int, "traced_runs": int, "kept": int, "kept_runs": int, "kept_every":
    int, "kept_pieces": (int, ...), "failed": int, "wall": seconds, "cpu": seconds, "rss_steps": int}};
    ``traced_runs``: since tracing began; ``kept`` is the growth of traced memory from where a run begins to
    where the next one does, summed over the ``kept_runs`` of them that one of the same task followed, None where
    none was, where tasks overlap or nothing is traced; ``kept_pieces``: what
    each ``kept_every`` of these runs came to, in order, the last piece with the runs left over), ``running``
    (list of names of the tasks running at that moment), ``resident`` (a list of (tasks done, RSS then in
    bytes), ascending: some dozens of moments, evenly spread over the process's work; not in the trailer).
memory
    ``rss uss pss shared swap rss_peak``, ``anonymous`` (resident and of no file), ``shared_dirty``
    (written, and other processes have the pages too: what a fork left shared, and shared memory),
    ``maps`` ({kind: [resident bytes, mappings]} of ``heap arenas stacks libraries files shared sysv
    anonymous special``, see :mod:`leakhunt.hook.process.maps`; a moment after the rest), ``traced``
    (as the engine counts it, leakhunt's own part included), ``traced_peak``, ``live`` (the sum of the traces in the
    file), ``tracer`` (the engine's own tables), ``allocators`` ({"malloc_used", "malloc_mapped",
    "malloc_free", "pymalloc_used", "pymalloc_free"}: bytes that glibc's malloc (mallinfo2(3)) and
    pymalloc have handed out and hold free; "malloc_arenas": [(bytes from the kernel, bytes of these that are
    free)], malloc_info(3) of each of glibc's arenas; and "malloc": ``glibc jemalloc tcmalloc mimalloc musl`` or
    ``other``, whose figures are not known but for glibc's; as many of them as are known, else None),
    ``limits`` ({"max_memory_per_child": bytes, "cgroup": bytes}; those that are set).
garbage
    ``garbage`` ({"objects": how many objects only wait for the garbage collector,
    "stacks": [(traceback, how many), ...]}: by the traceback that allocated them, most recent
    call first, the most objects first), None where it was not looked at.
process
    ``open_files sockets threads`` (counts), ``resources`` ([(kind, name, port, state, number)]: how many
    descriptors of each kind, sockets by port and state, threads by the code that they run, subprocesses
    by program, named semaphores; no path, address or content), ``gc`` ({"enabled": bool, "counts":
    [3 ints], "stats": [3 dicts of gc.get_stats()], "garbage": objects in gc.garbage, "frozen": objects that
    gc.freeze() has put aside}).
heap
    What the heap was, by a walk over all objects in the child (``LEAKHUNT_WALK``); None where none was
    made. Names are of modules, classes, functions and attributes, never keys of ordinary dicts or
    contents. ``whole`` (bool; False: the walk was ``late``, its memory ``full``, or a type's traversal
    ``crashed``, the type's name: then what is told is a part), ``objects``, ``tracked`` (of these by
    the collector), ``seconds`` and ``memory`` that it took, ``types`` ([(name, number, bytes)], the
    largest) and ``types_rest`` ((types, objects, bytes)), ``garbage`` and ``garbage_rest`` (the same of
    objects that only wait for the collector; None: not known), ``wanted`` and ``tied`` (blocks whose
    holders were looked for, and found), ``paths`` ([(parent, kind, name, type, length, bound, again)]:
    a path is a step and those before it by ``parent``, a lower number; 0 is none; ``length`` is of the
    one object that has this path, None where many have; ``bound`` (``maxlen``, ``maxsize``) is its own,
    or what each of many has, None where they differ; ``again``: the step may occur many times in a
    row), ``containers`` (those above 1,000 entries), ``points`` (where most memory piles up) and
    ``holders``, all three [(path, type, length, bound, mark, retained, size)]: ``mark`` stands for the
    object in all snapshots of the process, ``retained`` is what would be freed without it (dominators;
    None: not known), ``size`` its own bytes. ``arrivals``: when entries of a container came that keeps them in order, a
    list of ``(path, holder, objects, bytes, ((unit, place), ...), ((unit, place), ...))``: of the container of that number (from 1), all of whose
    ``objects`` with that path have so many ``bytes``, the entry at that place (from 1) came in that unit, counted as
    the calendar's edges are; the last are entries whose blocks a freelist may have handed on: they came then, or later.
retention
    A list of ``(frames, ((path, objects, bytes, holder, objects, bytes), ...))``: how many objects of a
    stack are held alike, by the container of that number (from 1) in ``heap``'s ``holders``, 0: none in
    particular. Estimates with a sampled engine, and where not all of the blocks were looked at; the last two
    are the same as put right by what the walk has counted of all objects that are held alike, whoever asked for
    them. ``counted``: a list of ``(frames, bytes, stderr)``: a stack's size, put right like that, and its
    standard error in bytes. It is not in ``traces``, whose sizes come from the samples alone.
estimates
    A sampled engine's block counts are estimates without bias. ``estimates`` is a list of
    ``(frames, samples, stderr)``, one for each of its stacks: ``frames`` is the very tuple
    that the traces share, ``samples`` (int) how many live samples the size comes from,
    ``stderr`` (float) the standard error of that size in bytes: the root of the sum of
    s^2 (1 - p) / p^2 over the samples, s the sample's size and p the probability with
    which it was drawn. Stacks are independent: variances add up. A stack may occur twice.
types
    A sampled engine's guess at what the blocks hold: a list of ``(frames, ((name, bytes),
    ...))`` with the largest five types of a stack and the estimated bytes of the blocks
    that are such objects (``collections.deque``, ``dict``; not an object's other blocks, such
    as a list's items). ``recycled``: a list of ``(frames, bytes)``, the estimated bytes of a
    stack's objects that another line may keep: dicts, tuples, floats and lists, of which CPython
    reuses freed ones without asking for memory. ``holders``: who keeps them, where it was found
    (not in a snapshot that was taken in the process itself): a list of ``(frames, grower, type,
    mark, samples, stderr, ((size, number), ...))``, the largest first: of the stack ``frames`` so many
    blocks of so many bytes each, estimated from ``samples`` with the standard error ``stderr``, are
    held, directly or by others in between, by an object of that ``type``, in which the stack
    ``grower`` made room last (its table is a sample too; None: it is not). ``mark`` is an
    arbitrary number that stands for that one object in all snapshots of the process.
births
    When and in which task the live blocks were asked for, as a sampled engine knows it.
    ``calendar``: {"unit": ``task`` or ``second``, "edges": ascending ints, "moments": wall clock at
    each edge or None, "intervals": per period the mean bytes between two samples that were born
    there, or None, "armed": the unit at which tracking began, "tasks": [names]}: period i goes
    from edge i, included, to edge i + 1, excluded, in tasks done by the process (where it has done
    any) or seconds that it has lived. ``births``: a list of ``(frames, ((period, task, runs,
    samples, size, root, blocks, recycled, waiting, free), ...))``, one for each stack: of ``samples`` live samples, which
    stand for ``size`` bytes in so many ``blocks``, born in that ``period`` (-1: before the process
    was forked) while the task of that number ran (index into the names plus 1; 0: none), in
    ``runs`` distinct units; ``root`` is the root of the sum of the squares of the bytes born in
    each unit; ``recycled``, ``waiting`` and ``free`` are of ``size`` what a freelist may have handed on, what only waits
    for the garbage collector (0 where nobody walked), and what lies in a freelist. Sizes and blocks are whole, and add up to the stack's in ``traces`` exactly: each
    stack's are scaled to its total, by what rounding to whole blocks has changed, and rounded
    from sum to sum. The record with ``frames`` () stands for all stacks that have none: the
    smallest ones, where there are thousands; its runs and roots are upper bounds.
    ``gone``: what has died, a list of ``(frames, (size, ...), (root, ...))``: so many bytes that this
    stack had asked for were alive at the end of each period but the last, and are not now; ``root`` is
    the root of the sum of the squares of the bytes that each sample stood for. What has lived for less
    than a sixty-fourth of the process's life by then is left out.
handed
    Which births are of blocks that a freelist may have handed on, by the container that keeps them: a
    list of ``(frames, grower, holder, births)``, the largest first. ``holder`` is a number among
    ``heap``'s ``holders``, from 1; ``grower`` the stack that asked for the newest sample of that
    container's own table, or None; ``births`` as above, all of it recycled: for each period and task of
    a stack never more, over all containers, than its own record of births says is recycled.
explaining
    ``prefixes`` ({"stdlib": [dir], "site": [dir], "app": [dir], "leakhunt": [dir]}:
    a path is classified by its longest matching prefix), ``frames``
    ({file: {line: (function, source line)}} for the frames of the stacks that
    matter; either may be None), ``scopes`` ({file: {function: (decorators and ``def``
    line, [names of the module that it uses])}} for the application's functions among
    them; not in the trailer either).
"""

from __future__ import annotations

SCHEMA = 1
SUFFIX = ".bin"
#: Ends a file whose trailer has a checksum; files from before it end with the other.
TRAILER_MAGIC = b"LKHUNT\x02\n"
UNCHECKED_MAGIC = b"LKHUNT\x01\n"

#: Facts that grow with the snapshot: not in the trailer.
LONG = frozenset(
    {
        "frames", "scopes", "estimates", "types", "recycled", "holders", "garbage",
        "births", "calendar", "counted", "gone", "handed", "heap", "retention", "resources", "resident",
    }
)  # fmt: skip

#: The only globals that may occur in a snapshot.
NAMES = frozenset(
    {
        ("tracemalloc", "Snapshot"),
        ("tracemalloc", "_Traces"),
        ("builtins", "list"),
        ("itertools", "chain"),
        ("itertools", "repeat"),
    }
)
