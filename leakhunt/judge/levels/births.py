"""What the ages of what lives must show, in one snapshot (``judge/births/``)."""

from __future__ import annotations

from dataclasses import dataclass


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
    """beside what is young and will go, as the work at hand is (a warm-up likewise),"""
    coarser: int = 3
    """Of the scales of a warm-up beside which something turns over each third is tried: they are two at a time."""
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
    unordered: float = 1 / 35
    """Chance that a leak's list, deque or dict has its entries in no order: of 33 lists that leaked in the collection none
    had (by Laplace's rule of succession). What is replaced where it is, and a heap, hardly ever has another."""
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
