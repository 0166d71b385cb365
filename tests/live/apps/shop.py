"""The app of the live tests. Its behaviour is set by SHOP_* variables."""

import ctypes
import datetime
import os
import signal
import sys
import time
import uuid

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import worker_process_init
from kombu.transport import filesystem

FOLDER = os.environ["SHOP_FOLDER"]


class Channel(filesystem.Channel):
    """Kombu's opens a message under its last name and writes it then: who reads between gets half of it, and
    ends. Here it has a name that nobody looks for until it is whole.
    """

    def _put(self, queue, payload, **options):
        part = f"{queue}.{uuid.uuid4().hex}"
        super()._put(part, payload, **options)
        folder = self.data_folder_out
        for name in os.listdir(folder):
            if name.endswith(f".{part}.msg"):
                os.rename(f"{folder}/{name}", f"{folder}/{name.replace(part, queue)}")


filesystem.Transport.Channel = Channel
app = Celery(
    "shop",
    broker=os.environ.get("SHOP_BROKER", "filesystem://"),
    backend=os.environ.get("SHOP_BACKEND", f"file://{FOLDER}/results"),
)
app.conf.update(
    broker_transport_options=(
        {
            "data_folder_in": f"{FOLDER}/queue",
            "data_folder_out": f"{FOLDER}/queue",
            "control_folder": f"{FOLDER}/control",
            "polling_interval": 0.05,
        }
        if "SHOP_BROKER" not in os.environ
        else {}
    ),
    worker_prefetch_multiplier=8,
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=True,
)
if os.environ.get("SHOP_SOFT"):
    app.conf.task_soft_time_limit = float(os.environ["SHOP_SOFT"])

KEPT = []


def note(word):
    with open(f"{FOLDER}/notes", "a") as notes:
        notes.write(f"{word}\n")


@app.task(name="leak")
def leak(size):
    KEPT.append(bytearray(size))
    return size


@app.task(name="native")
def native(size):
    """Memory that no Python allocator has handed out, used and never given back."""
    malloc = ctypes.CDLL(None).malloc
    malloc.argtypes, malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    ctypes.memset(malloc(size), 1, size)


@app.task(name="pid")
def pid():
    return os.getpid()


def released():
    """Whether the test has said that tasks under way may end; they give up after minutes."""
    return os.path.exists(f"{FOLDER}/released")


@app.task(name="asleep")
def asleep():
    """Sleeps until the test lets it go."""
    note("asleep")
    while not released():
        time.sleep(0.5)
    return "woke up"


@app.task(name="reckon")
def reckon(seconds):
    """Computes until its thread has had that much of the CPU."""
    end = time.thread_time() + seconds
    turns = 0
    while time.thread_time() < end:
        turns += 1
    return turns > 0


@app.task(name="spinning")
def spinning():
    """Runs Python code until the test lets it go."""
    note("spinning")
    turns = 0
    while not released():
        turns += 1
    return turns > 0


@app.task(name="listening")
def listening():
    """Blocks in a system call until the test lets it go."""
    note("listening")
    with open(f"{FOLDER}/pipe", "rb", buffering=0) as pipe:  # a FIFO: blocks until somebody writes
        return pipe.read(1).decode()


class Zone(datetime.tzinfo):
    """Asked for by names that C code makes anew each time."""

    def utcoffset(self, _):
        return None


@app.task(name="names")
def names(times):
    """Keeps nothing; CPython's cache of attributes keeps the names."""
    moment = datetime.datetime(2020, 1, 1, tzinfo=Zone())
    for _ in range(times):
        moment.utcoffset()


@app.task(name="nap")
def nap(seconds):
    note("nap")
    time.sleep(seconds)
    return seconds


@app.task(name="swell")
def swell(size):
    """Keeps that much in this child, all of it touched."""
    KEPT.append(b"x" * size)
    return os.getpid()


@app.task(name="stubborn")
def stubborn(seconds):
    """Hears no SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("stubborn")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
    return "done"


@app.task(name="crash")
def crash():
    os.kill(os.getpid(), signal.SIGKILL)


def outlive(end, seconds):
    """Counts how often the limit strikes until then, and for so long after it has struck."""
    note("limited")
    struck = 0
    while time.monotonic() < end:
        try:
            time.sleep(max(0.0, end - time.monotonic()))
        except SoftTimeLimitExceeded:
            struck += 1
            end = time.monotonic() + seconds
    return struck


def limited(seconds):
    """For tasks whose limit will strike, when the busy machine comes to it."""
    return outlive(time.monotonic() + 100, seconds)


app.task(name="limited", soft_time_limit=1)(limited)
app.task(name="limited_by_others")(limited)


@app.task(name="unlimited")
def unlimited(seconds):
    return outlive(time.monotonic() + seconds, seconds)


@app.task(name="strict", soft_time_limit=1)
def strict(seconds):
    note("strict")
    time.sleep(seconds)
    return "too late"


@app.task(name="children")
def children():
    """Children and descriptors of the pool process, as the kernel sees them."""
    me = os.getpid()
    with open(f"/proc/{me}/task/{me}/children") as listed:
        return [listed.read().split(), len(os.listdir("/proc/self/fd"))]


if os.environ.get("SHOP_INSTALL"):
    import leakhunt

    leakhunt.install(app, every=int(os.environ["SHOP_INSTALL"]))

if os.environ.get("SHOP_NO_REAL_TIME"):
    import leakhunt.hook.signals

    leakhunt.hook.signals.REAL_TIME = range(0)

if os.environ.get("SHOP_HANG"):
    import leakhunt.hook.capture.capture

    def hang(*_, **__):
        time.sleep(60)

    leakhunt.hook.capture.capture.written = hang
    leakhunt.hook.capture.capture.PATIENCE = 1

if os.environ.get("SHOP_SLOW"):
    import leakhunt.snapfile.write as writing

    original = writing.dump

    def slow(file, *rest):
        original(file, *rest)
        file.flush()
        time.sleep(float(os.environ["SHOP_SLOW"]))

    writing.dump = slow

claimed = os.environ.get("SHOP_CLAIM")


def claim(signum, frame):
    note("claimed")


if claimed == "module":
    signal.signal(signal.SIGUSR2, claim)
elif claimed == "process_init":

    @worker_process_init.connect
    def on_init(**_):
        signal.signal(signal.SIGUSR1, claim)


@app.task(name="claim")
def claim_in_task():
    signal.signal(signal.SIGUSR1, claim)


if os.environ.get("SHOP_ORPHANS"):
    # Celery has its children killed with their main process; they lose that wish when they
    # change their user, or to a library that calls prctl.
    import ctypes

    @worker_process_init.connect
    def outlive(**_):
        ctypes.CDLL(None).prctl(1, 0)  # PR_SET_PDEATHSIG


if os.environ.get("SHOP_FILE_LIMIT"):
    import resource

    import leakhunt.hook.capture.fork

    settle = leakhunt.hook.capture.fork.settle

    def settle_and_limit(signum):
        settle(signum)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["SHOP_FILE_LIMIT"]),) * 2)

    leakhunt.hook.capture.fork.settle = settle_and_limit


if __name__ == "__main__":
    sys.exit("run me with celery -A shop worker")

#: What all children of a pool have of their parent, and leave as it is.
SHARED = b"x" * (int(os.environ.get("SHOP_SHARED_MIB", "0")) << 20)
