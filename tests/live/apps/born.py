"""Tasks with names of their own, each of which keeps something at a line of its own."""

import threading
import time

from shop import app, note

KEPT = {name: [] for name in ("ship", "bill", "outer", "after", "inner", "again", "thread", "late")}
STEPS = 60


def keep(name):
    KEPT[name].append(bytearray(9000))


def ship():
    keep("ship")


def bill():
    keep("bill")


def outer():
    keep("outer")


def after():
    keep("after")


def inner():
    keep("inner")


def again():
    keep("again")


def thread():
    for _ in range(STEPS):
        keep("thread")
        time.sleep(0.0005)


@app.task(name="orders.ship")
def ship_task():
    for _ in range(STEPS):
        ship()
        time.sleep(0.0005)
    note("shipped")


@app.task(name="orders.bill")
def bill_task():
    for _ in range(STEPS):
        bill()
        time.sleep(0.0005)


@app.task(name="orders.inner")
def inner_task():
    for _ in range(STEPS):
        inner()


@app.task(name="orders.outer")
def outer_task():
    for _ in range(STEPS):
        outer()
    inner_task.apply()
    for _ in range(STEPS):
        after()


# Celery sends a retry before it stores that there is one: among threads the second run may store its result
# first, and is then written over. Nobody asks for this result.
@app.task(name="orders.again", bind=True, max_retries=3, ignore_result=True)
def again_task(self):
    for _ in range(STEPS):
        again()
    if self.request.retries < 1:
        raise self.retry(countdown=0)
    note("again")


@app.task(name="orders.thread")
def thread_task():
    other = threading.Thread(target=thread)
    other.start()
    other.join()
