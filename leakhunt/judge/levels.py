"""Every threshold of the judgement, in one frozen value, each with its reason.

A threshold decides; what merely bounds the work (points of which every pair is looked at, snapshots
that are read whole) stands where the work is done. Sizes are bytes, rates bytes per unit, chances
probabilities. What a threshold was derived from stands in its docstring: a test's level, a
simulation, a figure of CPython's or Celery's, or that it is a convention.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Chances:
    """How likely an accident may be, for each thing that is decided."""

    leak: float = 0.0075
    """No growth is called a leak that is likelier than this to be chance: seven rises in a row are
    not enough for the sign test (2**-7 = 0.0078), eight are."""
    part: float = 0.001
    """The same for a single stack within an owner that does not leak as a whole: there are some ten
    stacks to an owner, and none is looked at because of what it does."""
    pooled: float = 0.001
    """The same for a growth that is sure in no process alone, but in several together."""
    false_discoveries: float = 0.05
    """Among the growths called leaks, at most this part may be chance (Benjamini and Hochberg)."""
    outside: float = 0.01
    """Of such a growth of the resident set where nothing grows,"""
    outside_of_few: float = 0.05
    """and where so few moments are known that the test cannot say as much: the level of convention."""
    edge: float = 0.975
    """Below the upper edge of an interval of 95 %, which is what every interval here is."""
    accident: float = 0.05
    """What is likelier than this to be an accident of sampling is not taken for a change of pace."""
    falters: float = 0.02
    """Of a last third that much slower where the pace has not changed: stricter, since the third is
    looked at because it is slow."""
    late: float = 0.1
    """Of samples that come as late where a cache fills: a leak is not excused by a doubt."""
    late_again: float = 0.025
    """The same where a faster rise went before, which a filling cache is likelier to have."""
    rises: float = 0.05
    """Of Mann and Kendall's test where the part rises not at all."""
    rises_after_falls: float = 0.005
    """The same of a part that also falls back: ten times surer."""
    stands: float = 0.3
    """Where the newest part of a long series rises no more surely than this, nothing rises to the end."""
    declines: float = 0.01
    """Of a slope of the rates themselves where the rate is constant."""
    valleys: float = 0.05
    """Of Mann and Kendall's test on the valleys of a sawtooth."""
    rising: float = 0.1
    """Of the same test on a series that is no leak yet: then more snapshots are asked for."""


@dataclass(frozen=True)
class Shapes:
    """What a series of sizes must look like, as parts of its range or rate."""

    jump: float = 0.7
    """One increment with more than this part of the rise is a jump."""
    largest: dict[int, float] = field(default_factory=lambda: {3: 0.7, 4: 0.6})
    """The part of the rise that the largest increment of a leak may carry, by snapshots: even
    increments would carry a half and a third, and one task more or less is no jump."""
    largest_of_many: float = 0.5
    """The same of five snapshots and more."""
    small_step: float = 0.05
    """An increment below this part of the rise is none, where a step is looked for."""
    fall: float = 0.3
    """A series that loses more than this part of its range again falls back."""
    regained: float = 0.5
    """A rise after a fall must get this part of itself beyond what it fell from."""
    slowing: float = 0.72
    """A late slope below this part of the early one is a slowing down: a cache that fills
    exponentially, and has filled for a third of its time constant, has fallen to that."""
    beyond_scatter: float = 1.5
    """Standard errors by which early and late must differ then."""
    declined: float = 0.75
    """A rate that has fallen below this part of its first value has declined."""
    level: float = 0.25
    """A tail that rises less than this part of the mean rise has levelled off."""
    within: float = 0.1
    """A series stands still from where it stays within this part of its range."""
    many: int = 12
    """So many snapshots show at a glance that nothing rises."""
    valleys: int = 5
    """Valleys of a sawtooth that are worth a look of their own."""
    plain: float = 1e-6
    """With a p-value this small there is no need to look for a smaller one further on."""
    whole: float = 0.05
    """Blocks per unit are a whole number where no interval is off by more than this part."""
    axis: float = 0.8
    """A task's runs are the axis where the misfit falls below this part of that of all units."""
    surely: float = 3.84
    """Twice the logarithm of a likelihood ratio that tells: chi squared, one degree of freedom, 5 %."""
    decisive: float = 20.0
    """Schwarz's criterions that differ by so much: "very strong" is 10 (Kass and Raftery 1995), and
    two curves of many are compared."""


@dataclass(frozen=True)
class Samples:
    """What estimates from samples must have behind them."""

    fewest: int = 5
    """No growth is called a leak that fewer samples stand for: with five, the chance that all fell on
    one side of a series' middle is one in sixteen."""
    enough: int = 30
    """With so many a steady leak is told from chance, in eight snapshots, more often than not."""
    late: float = 5.0
    """So many samples of the second half are wanted to show that a growth goes on."""
    suspicious: int = 3
    """Fewer samples than these are not even a suspicion: any long-lived object may have been hit."""
    farthest: float = 3.0
    """Standard errors by which an estimate and a count may differ and still be of the same objects."""
    shown: int = 60
    """A steady leak that so many samples stand for is found in three cases of four, and else said to want
    for more, by simulation (eight snapshots): what has not shown then is none that Python would see."""
    faltering: float = 0.5
    """A last third that rises less than this part of the pace before, surely, slows down."""
    fills: float = 1.0
    """Time constant, in lengths of the series, of a cache that must be told from a leak."""
    small: float = 0.75
    """A rise of which small blocks make no more than this part is looked at by blocks, too."""
    certain: float = 1e-18
    """Growth that counts as more samples than the inverse of this has no error that a float could hold."""


@dataclass(frozen=True)
class Lives:
    """What the ages of survivors must show (``births/ages.py`` has the model)."""

    shortest: float = 0.001
    """Scales of a warm-up or a turnover, as parts of the life, are log-uniform from here,"""
    longest: float = 1.5
    """to here: what lasts longer cannot be told from a leak in this life."""
    per_decade: int = 8
    """Scales to a factor of ten: the likelihood hardly changes from one to the next."""
    short: float = 0.15
    """Scales of the warm-up that may go before a leak, and of the turnover beside it."""
    burdens: tuple[float, ...] = (0.05, 0.2, 0.8)
    """Sizes of these, as parts of the leak's whole growth."""
    from_the_start: float = 0.4
    """Prior belief, of a leak: even from the start,"""
    after_warming_up: float = 0.2
    """after a warm-up,"""
    beside_turnover: float = 0.1
    """beside what is young and will go, as the work at hand is,"""
    later: float = 0.3
    """or with an onset. The four add up to one."""
    settled: float = 3.0
    """Time constants after which a warm-up is over: a twentieth of it is left (e**-3)."""
    rarer: float = 1.2
    """Exponent of a cache whose keys are drawn by Zipf's law: new ones come ever more slowly."""
    believed: float = 2 / 3
    """A kind is said where it is believed in at two to one."""
    doubt: float = 0.1
    """Belief in a leak that keeps the question open, though a warm-up is believed in: what came late may
    not have been sampled. What is young in turnover is so common that it leaves no such doubt."""
    fewest: float = 5.0
    """No growth is called a leak that fewer independent events stand for."""
    at_once: float = 0.7
    """What one period has brought more of than this was one event, where few events are in all."""
    outweighs: float = 0.5
    """A birth with more than this part of all squares is an event of its own, and no part of a rate,"""
    one_block: float = 2.0
    """where it is one block, not a sample that stands for so many."""
    doubtful: float = 0.5
    """Where no more than this part of what lives may have come through a freelist, the ages of the rest
    decide alone; and so they do where they are births enough."""
    turnovers: tuple[tuple[float, float, float], ...] = (
        (0.0, 0.5, 0.25),
        (0.03, 0.0625, 0.0625),
        (0.1, 0.0625, 0.0625),
    )
    """Of a turnover: the part of what lives that was kept all along, as the most popular entries of a
    cache are, with the prior beliefs in a queue and in entries that die at random. They add up to one."""
    made: float = 0.9
    """Whose objects are so many of the entries of a container makes them all; and so many must be in order."""
    kept: float = 2 / 3
    """Of so much of a line it must be known what keeps it, before all of it is taken to come as the entries do."""
    in_order: int = 4
    """Entries that are in order, up or down, by chance alone once in twelve times; and few containers have none."""
    in_order_handed: int = 6
    """The same of entries whose blocks freelists deal out, in any order where they are not kept: once in 360 times."""
    uneven: float = 1 / 8
    """What entries weigh is a mean of what may weigh more or less: a list is enlarged by an eighth at a time
    (``list_resize`` of Objects/listobject.c), a dict by more, and is between two such steps at any time."""
    agree: float = 2 / 3
    """Kendall's tau of places and births where what freelists hand on is kept; so many pairs more are in order than not."""
    periods: int = 3
    """Fewer periods than these say as little as so many snapshots."""
    task: float = 0.8
    """A task that has brought so much of a growth is named."""
    snapshots: int = 3
    """Snapshots that a series needs to be judged as one."""
    refuted: float = 0.95
    """Belief in another kind of life that refutes a leak which the series shows; and belief that
    processes must have together where none has enough alone."""
    least: float = 1e-3
    """No process's births speak more surely than this against a kind: its code may not be the others'."""
    stays: float = 0.5
    """Growth between the snapshots, as a part of what was born meanwhile, below which some of it has gone."""
    beyond: float = 2.0
    """Standard errors by which it must fall short."""
    replaced: float = 0.25
    """Where deaths are known: prior belief in a container that replaces entries of any age, as a part of that in
    a leak, whose ages look alike. Queues and caches, which the ages tell, are three times as many. One half of it
    stands for what was full for long, the other for what became full at some moment."""
    quartile: float = 0.25
    """The part of the time at which more was alive than at the moment that the present is compared with;"""
    surest: float = 12.0
    """no likelihood of a gain is less than e to minus this part of another's: errors are not normal so far out."""
    steps: int = 6
    """A block that grows by an eighth has doubled with so many steps; fewer are no staircase."""
    stair: float = 0.16
    """An eighth, and half a thirtieth of the life for each end: as far may a staircase lie from its chord."""
    told: float = 1 / 8
    """What has lived for less than 1/64 of a life when it dies is not told of; whoever asks what went
    asks over so large a part of the life at least, eight times as long."""
    block: int = 16
    """Bytes of the smallest block (``ALIGNMENT`` of Objects/obmalloc.c): what is less is left by rounding."""
    died: float = 0.5
    """Of what was there, the part that has gone where a container turns over."""


@dataclass(frozen=True)
class Worth:
    """What is worth a look, a line of the report, or the name of an answer."""

    floor: int = 1024
    """Growth below this, from end to end, is not looked at."""
    rate: float = 12.0
    """Bytes per task below which a steady growth is no finding: 12 MB in a million tasks."""
    share: float = 0.05
    """Findings that are no leaks are shown from this part of the traced growth on,"""
    size: int = 64 << 10
    """or from this size on;"""
    greater: float = 0.5
    """where less has grown, from this part of it on: two such lines are all of it."""
    unsettled: float = 0.25
    """What may still be a leak keeps the question open where it is so much of what the lines have grown by."""
    snapshots: int = 8
    """Snapshots with which a steady leak is told from chance in a busy worker."""
    answer: float = 0.2
    """Leaks that explain less of the growth of the resident set than this are not the answer."""
    mostly: float = 0.8
    """Leaks that explain so much of a wider growth stand for it."""
    falls: int = 3
    """Falls from which on the time between them is told."""


@dataclass(frozen=True)
class Resident:
    """What the resident set must show to be a growth outside Python."""

    least: int = 2 << 20
    """Growth that is looked at: an allocator takes memory by the MiB,"""
    least_part: float = 0.01
    """and this part of the first resident set."""
    moments: int = 8
    """Of one snapshot: so many moments of the process's work must be known, as many as a series has snapshots."""
    explained: float = 0.5
    """A growth is outside when traced memory and the tracer explain less of it, and of one kind when it is
    so much of it."""
    accounted: float = 0.3
    """Where the allocators know of less than this part of it, it was mapped beside them."""
    newest: float = 0.25
    """The part of the work at whose end a growth has to go on, where many moments of it are known,"""
    slower: float = 0.5
    """and the part of its pace that it may not surely fall short of there: by half it has not gone on."""
    far_out: float = 3.0
    """Quartile distances above the upper quartile from which on a step is a jump: Tukey's outer fence
    (Exploratory Data Analysis, 1977, ch. 2)."""
    alike: float = 2.0
    """Stairs are of one kind where none is higher than so many times another: a doubling table's are not;"""
    held: int = 24 << 20
    """Free memory that an allocator does not return is worth a verdict from this size on,"""
    held_part: float = 0.3
    """and is the answer from this part of the first resident set on."""
    pumped: int = 8 << 20
    """Jumps of the resident set leave fragments behind where they go so far beyond any peak of what is traced:
    an arena of glibc's grows by the MiB, and each of some threads has one;"""
    pumped_part: float = 0.1
    """and by this part of the first resident set."""
    stays: int = 16 << 20
    """Memory that nothing explains and that does not grow is worth a remark, not a verdict, from this size on,"""
    stays_part: float = 0.2
    """and from this part of the first resident set on: both two thirds of the above, by convention."""
    private: int = 4 << 20
    """So much suffices where it surely stands and is of no file: libraries' pages are read in by and by, and
    are some MiB;"""
    private_part: float = 0.1
    """and this part of the first resident set."""
    still: float = 0.2
    """It stands where its newest third has added no more than this part of it to the middle third's,"""
    still_moments: int = 6
    """which takes so many moments."""


@dataclass(frozen=True)
class Blames:
    """Which line answers for a growth, and which lines are one leak."""

    caller: float = 0.8
    """A caller of whom so much of a growth comes answers for it; stacks of which so many pass
    a line are called from there."""
    near: int = 20
    """Lines of one file that are so near are taken for one function's, where functions are not known."""
    in_step: float = 0.05
    """Series that differ nowhere by more than this part of their range go in step; added to what
    chance explains where they are estimates,"""
    in_step_tables: float = 0.2
    """where a table alone stands for a line, which grows in jumps,"""
    in_step_cut: float = 0.1
    """where the stack ends in a library, and is all that is known,"""
    in_step_holder: float = 0.15
    """and where a line that may keep what strangers leak is looked for."""
    few_frames: int = 3
    """With fewer recorded frames than this a library's own lines may stand for the application's: a task's
    call of ``json.loads`` takes as many (``loads``, ``decode``, ``raw_decode``)."""
    table: int = 128
    """The least table, in bytes, that a block is taken for: a list's of sixteen entries,"""
    per_entry: float = 4.0
    """which has so many bytes for each entry at least: half a pointer, since it grew with what was known last;"""
    entries: float = 8.0
    """and so many entries: a dict has room for as many at first (``PyDict_MINSIZE``)."""
    moves: float = 0.5
    """What leaks in some stacks of a line, and goes from others at this part of the pace, only moves."""
    leads: float = 0.5
    """The line with so much of the growth gives a finding of several lines its name."""


@dataclass(frozen=True)
class Excuses:
    """What must be so before a growth is called no leak after all."""

    framework_tasks: int = 3000
    """Celery's own bounded tables fill until about task 1,700 (``celery/worker/state.py``,
    ``celery/utils/collections.py``: 1,000 task ids among them); nearly twice that is left,"""
    framework_bytes: int = 320 << 10
    """and take about 280 KiB in all,"""
    framework_per_task: float = 320.0
    """which is less than this for each of the first thousand tasks."""
    framework_held: float = 0.5
    """The holder decides where it is known of so much."""
    garbage: float = 0.5
    """A growth of which so many objects are unreachable is the collector's business."""
    bounded: float = 0.6
    """So much of what is tied of a growth must be held alike."""
    tied: float = 0.5
    """Most of a growth must have a holder that is known before anything is said of all holders,"""
    scattered: float = 1 / 3
    """and the place that holds most of it must hold less than this: two others hold as much as it then."""
    overrated: float = 2.0
    """Standard errors by which an estimate must exceed what the allocators say."""
    others: float = 0.5
    """Objects of a type that free lists do not serve, as a part of what is alive, that rule them out."""
    one_size: float = 0.95
    """The part of a growth that blocks of one size make where a free list explains it."""


@dataclass(frozen=True)
class Accounts:
    """What the account of the resident memory calls a cause."""

    least: int = 2 << 20
    """A growth of less than this is none: the resident set of a worker that does nothing varies by a
    MiB or so, with what its capture asks for."""
    mostly: float = 0.5
    """A part is the answer where it is more than half of the whole: no other can be as large."""


@dataclass(frozen=True)
class Opened:
    """What must be so before descriptors, threads or processes are said to leak."""

    snapshots: int = 3
    """As of memory: two tell no rate."""
    least: int = 8
    """A pool of connections opens so many at once, and then no more (``broker_pool_limit`` is 10)."""
    told: int = 3
    """Between two snapshots one or two more are what a task under way has open."""


@dataclass(frozen=True)
class Levels:
    """All of them."""

    chances: Chances = Chances()
    shapes: Shapes = field(default_factory=Shapes)
    samples: Samples = Samples()
    lives: Lives = Lives()
    worth: Worth = Worth()
    resident: Resident = Resident()
    blames: Blames = Blames()
    excuses: Excuses = Excuses()
    accounts: Accounts = Accounts()
    resources: Opened = Opened()


LEVELS = Levels()
