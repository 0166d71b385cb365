"""An app with one leak for each kind of holder. Its broker, and what it is told, are the shop's."""

import asyncio
import collections
import contextvars
import functools
import gc
import threading
import tracemalloc
import types
import weakref

from shop import app

SECRET = "jane.doe@example.org"
NUMBER = 3000


def texts():
    return [f"{SECRET} {number}" * 3 for number in range(NUMBER)]


class Service:
    registry = None

    def __init__(self):
        self.items = []

    def method(self):
        pass


class Slotted:
    __slots__ = ("items",)


class Node:
    pass


KEPT = KEYED = DEQUE = A_SET = ORDERED = NESTED = None
INSTANCE, SLOTTED, METHODS, LOCAL = Service(), Slotted(), [], threading.local()
VARIABLE = contextvars.ContextVar("request")
CLOSURE = GENERATOR = COROUTINE = ERROR = PARTIAL = FINALIZED = REFERENCE = CYCLE = ASYNC = None
SPACE = types.SimpleNamespace()
FILLS, DROPS, PATHS = {}, {}, {}


def kind(name, *path):
    """The way ends so: (kind, name) of each step to the container."""

    def registered(fill):
        FILLS[name], PATHS[name] = fill, path
        return fill

    return registered


def drop(name):
    def registered(function):
        DROPS[name] = function
        return function

    return registered


def sets(name, **values):
    """Dropped by setting globals."""
    DROPS[name] = lambda: globals().update(values)


@kind("global list", ("module", "kept"), ("attribute", "KEPT"))
def fill_global():
    global KEPT
    KEPT = texts()


@kind("global dict", ("module", "kept"), ("attribute", "KEYED"))
def fill_dict():
    global KEYED
    KEYED = dict.fromkeys(texts())


@kind("deque", ("module", "kept"), ("attribute", "DEQUE"))
def fill_deque():
    global DEQUE
    DEQUE = collections.deque(texts(), maxlen=NUMBER)


@kind("set", ("module", "kept"), ("attribute", "A_SET"))
def fill_set():
    global A_SET
    A_SET = set(texts())


@kind("ordered dict", ("module", "kept"), ("attribute", "ORDERED"))
def fill_ordered():
    global ORDERED
    ORDERED = collections.OrderedDict.fromkeys(texts())


@kind("nested", ("module", "kept"), ("attribute", "NESTED"), ("item", None))
def fill_nested():
    global NESTED
    NESTED = {SECRET: texts()}


for _kind, _name in zip(list(FILLS), ("KEPT", "KEYED", "DEQUE", "A_SET", "ORDERED", "NESTED")):
    sets(_kind, **{_name: None})


@kind("class attribute", ("class", "Service"), ("attribute", "registry"))
def fill_class():
    Service.registry = texts()


@drop("class attribute")
def drop_class():
    Service.registry = None


@kind("instance attribute", ("attribute", "INSTANCE"), ("attribute", "items"))
def fill_instance():
    INSTANCE.items = texts()


@drop("instance attribute")
def drop_instance():
    INSTANCE.items = None


@kind("slot", ("attribute", "SLOTTED"), ("attribute", "items"))
def fill_slot():
    SLOTTED.items = texts()


@drop("slot")
def drop_slot():
    SLOTTED.items = None


@kind("namespace", ("attribute", "SPACE"), ("attribute", "items"))
def fill_namespace():
    SPACE.items = texts()


@drop("namespace")
def drop_namespace():
    SPACE.items = None


@kind(
    "bound method",
    ("attribute", "METHODS"),
    ("item", None),
    ("attribute", "__self__"),
    ("attribute", "items"),
)
def fill_method():
    service = Service()
    service.items = texts()
    METHODS.append(service.method)


@drop("bound method")
def drop_method():
    METHODS[0].__self__.items = None


@functools.cache
def cached(text):
    return text


@kind("cache", ("attribute", "cached"))
def fill_cache():
    for text in texts():
        cached(text)


@drop("cache")
def drop_cache():
    cached.cache_clear()


@functools.lru_cache(maxsize=NUMBER)
def bounded(text):
    return text


@kind("bounded cache", ("attribute", "bounded"))
def fill_bounded():
    for text in texts():
        bounded(text)


@drop("bounded cache")
def drop_bounded():
    bounded.cache_clear()


@kind("closure", ("attribute", "CLOSURE"), ("closure", "held"))
def fill_closure():
    global CLOSURE
    held = texts()
    CLOSURE = lambda: held  # noqa: E731


sets("closure", CLOSURE=None)


def defaulted(items=None):
    return items


@kind("default", ("attribute", "defaulted"), ("default", "items"))
def fill_default():
    defaulted.__defaults__ = (texts(),)


@drop("default")
def drop_default():
    defaulted.__defaults__ = (None,)


def keyworded(*, items=None):
    return items


@kind("keyword default", ("attribute", "keyworded"), ("default", "items"))
def fill_keyword():
    keyworded.__kwdefaults__ = {"items": texts()}


@drop("keyword default")
def drop_keyword():
    keyworded.__kwdefaults__ = {"items": None}


def generate():
    waiting = texts()
    yield
    print(waiting)


@kind("generator", ("local", "waiting"))
def fill_generator():
    global GENERATOR
    GENERATOR = generate()
    next(GENERATOR)


sets("generator", GENERATOR=None)


class Never:
    def __await__(self):
        yield


async def wait():
    awaiting = texts()
    await Never()
    print(awaiting)


@kind("coroutine", ("local", "awaiting"))
def fill_coroutine():
    global COROUTINE
    COROUTINE = wait()
    COROUTINE.send(None)


@drop("coroutine")
def drop_coroutine():
    global COROUTINE
    COROUTINE.close()
    COROUTINE = None


@kind("thread local", ("attribute", "LOCAL"), ("attribute", "items"))
def fill_local():
    LOCAL.items = texts()


@drop("thread local")
def drop_local():
    LOCAL.items = None


def fail():
    failing = texts()
    raise ValueError(failing[0])


@kind("exception", ("local", "failing"))
def fill_exception():
    global ERROR
    try:
        fail()
    except ValueError as error:
        ERROR = error


sets("exception", ERROR=None)


@kind("partial", ("attribute", "PARTIAL"), ("attribute", "args"), ("item", None))
def fill_partial():
    global PARTIAL
    PARTIAL = functools.partial(len, texts())


sets("partial", PARTIAL=None)


@kind("finalizer", ("attribute", "args"), ("item", None))
def fill_finalizer():
    global FINALIZED
    FINALIZED = Node()
    weakref.finalize(FINALIZED, id, texts()).atexit = False


sets("finalizer", FINALIZED=None)


@kind("weakref callback", ("callback", "__callback__"), ("attribute", "args"), ("item", None))
def fill_callback():
    global REFERENCE
    REFERENCE = weakref.ref(INSTANCE, functools.partial(dict.fromkeys, texts()))


sets("weakref callback", REFERENCE=None)


@kind("cycle", ("attribute", "CYCLE"), ("attribute", "items"))
def fill_cycle():
    global CYCLE
    CYCLE = Node()
    CYCLE.items, CYCLE.me = texts(), CYCLE


sets("cycle", CYCLE=None)


@kind("asyncio task", ("local", "pending"))
def fill_async():
    global ASYNC

    async def sleeping():
        pending = texts()
        await asyncio.get_running_loop().create_future()
        print(pending)

    async def begin():
        task = asyncio.get_running_loop().create_task(sleeping())
        await asyncio.sleep(0)
        return task

    loop = asyncio.new_event_loop()
    ASYNC = (loop, loop.run_until_complete(begin()))


@drop("asyncio task")
def drop_async():
    ASYNC[1].get_coro().close()


BEGUN, ENDS = threading.Event(), threading.Event()


def serve(box):
    serving = box.pop()
    BEGUN.set()
    ENDS.wait()
    print(len(serving))


@kind("another thread's frame", ("local", "serving"))
def fill_thread():
    box = [texts()]
    threading.Thread(target=serve, args=(box,), daemon=True, name="serve").start()
    BEGUN.wait()


@drop("another thread's frame")
def drop_thread():
    ENDS.set()
    for thread in threading.enumerate():
        if thread.daemon and thread is not threading.current_thread() and "serve" in thread.name:
            thread.join()


# The last one: a task of asyncio keeps a copy of the context in which it was made.
@kind("context variable", ("context", "request"))
def fill_context():
    VARIABLE.set(texts())


@drop("context variable")
def drop_context():
    VARIABLE.set(None)


@app.task(name="fill")
def fill():
    for each in FILLS.values():
        each()
    gc.collect()


@app.task(name="drop")
def freed(name):
    """The bytes that tracemalloc sees freed."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    DROPS[name]()
    gc.collect()
    return before - tracemalloc.get_traced_memory()[0]
