"""Targets of ``leakhunt check``: each leaks, or does not, in a way of its own."""

import asyncio
import collections
import ctypes
import functools
import itertools
import os
import random
import sys
import time

NUMBERS = itertools.count()
DICE = random.Random(3)
KEPT = []
CACHE = {}
PAGES = collections.OrderedDict()


class Order:
    def __init__(self, number):
        self.number = number
        self.lines = [f"{number}-{line}" for line in range(5)]


def healthy():
    return len([Order(number) for number in range(20)])


def leaks():
    KEPT.append(bytearray(1000))  # LEAK


def leaks_with(order, priority=0):
    KEPT.append(Order(order))


def unbounded():
    """A cache with ever new keys."""
    key = next(NUMBERS)
    CACHE[key] = f"page {key}" * 20


@functools.lru_cache(maxsize=100_000)
def page(number):
    return f"page {number}" * 20


def bounded():
    """An lru_cache that is far from full: its bound says that it will not go on."""
    page(next(NUMBERS))


DESK = collections.deque(maxlen=24)


def desk():
    """Reports of any size, each of which stays for the next 24: most are longer than what bounds them."""
    rows = DICE.choice((2, 5, 10, 20, 60))
    DESK.append([{"id": row, "price": DICE.random(), "tags": [str(row)]} for row in range(rows)])


def turns_over():
    """A cache of its own making, full before the warm-up is over; the pages are of all sizes."""
    PAGES[next(NUMBERS)] = bytes(DICE.randrange(100, 4000))
    if len(PAGES) > 300:
        PAGES.popitem(last=False)


def in_cycles():
    """Garbage that only the collector frees."""
    order = Order(1)
    order.myself = order


def sometimes():
    """Keeps something in one run of seven, of any size."""
    if DICE.random() < 1 / 7:
        KEPT.append(bytes(DICE.randrange(100, 3000)))


def imports():
    import xml.dom.minidom

    return xml.dom.minidom.Document()


async def in_a_loop():
    await asyncio.sleep(0)
    KEPT.append(bytearray(500))


def raises():
    raise ValueError("no such order")


def raises_later():
    if next(NUMBERS) == 700:
        raise ValueError("no such order")


def leaves():
    sys.exit("enough")


def ends():
    print("the end is near", flush=True)
    os._exit(9)


def hangs():
    time.sleep(3600)


def forks():
    child = os.fork()
    if child:
        os.waitpid(child, 0)


def native():
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    ctypes.memset(libc.malloc(4000), 1, 4000)


def orders():
    for number in itertools.count():
        yield number, number % 3


NOT_CALLABLE = 7
