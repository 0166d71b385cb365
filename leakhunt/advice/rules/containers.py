"""Known leaks: containers and caches of the application itself, seen in its source lines."""

from __future__ import annotations

from dataclasses import replace

from leakhunt.advice.rule import SHAPE, Rule, Sign

#: A name that lives longer than a call: a constant, a module's private name, or one that
#: says what it is for. Attributes of self and cls have rules of their own.
_WORDS = "cache|regist|memo|seen|histor|pending|backlog|archive|leak|global|journal|audit|lookup"
_LASTING = (
    r"(?<![\w.\])])(?!self\b|cls\b|[A-Z]+[a-z]\w*\.|cache\.add\()(?:[A-Za-z_]\w*\.)*"
    rf"(?:[A-Z][A-Z0-9_]+|_[a-z]\w*|\w*(?:{_WORDS})\w*)(?:\.[a-z_]\w*)*?"
)
_ADD = r"(?:\.(?:append|appendleft|extend|insert|add|push)\(|\s*\+=)"
_SET = r"(?:\[.+\]\s*=(?!=)|\.(?:setdefault|update|__setitem__)\()"
_KEYED = r"(?:\[.+\]|\.setdefault\(.+\))(?:\.(?:append|extend|add|update|insert)\(|\s*\+=)"
#: Any name, where it is known to be the module's.
_SHARED = r"(?<![\w.\])])(?P<name>[A-Za-z_]\w*)(?:\.[a-z_]\w*)*?"
_ANY = rf"(?:{_KEYED}|{_ADD}|{_SET})"

#: A line that puts something into a container that outlives the call.
STORED, STORED_SHARED = _LASTING + _ANY, _SHARED + _ANY
#: Containers that have a bound of their own, by the name of the variable and of the type.
_BOUNDED = r"(?i:(?<![a-z])(?:lru|ttl|lfu|bounded|limited|recent|weak)|ring_?buffer)"
_BOUNDED_TYPE = r"(?i)lru|ttl|lfu|weak"


def _unbounded(storing: str) -> tuple[Sign, Sign]:
    """A line that stores so into a container that outlives the call, by its name or because the module has it."""
    lasting = Sign(
        line=_LASTING + storing, never_line=_BOUNDED, never_holder=_BOUNDED_TYPE, stores=True
    )
    return lasting, replace(lasting, line=_SHARED + storing, shared=True)


_CACHING = r"@(?:\w+\.)*(?:lru_cache|cache)\b"

CACHES = (
    Rule(
        "lru-cache-on-method",
        "a method under lru_cache",
        "The cache belongs to the class, its keys contain self: every instance that was ever asked "
        "stays alive, with all it holds.",
        "Cache per instance (functools.cached_property, or a dict in __init__), or cache a plain "
        "function of the values that matter.",
        "https://docs.python.org/3/faq/programming.html#how-do-i-cache-method-calls",
        (Sign(head=_CACHING + r"(?s:.*)\bdef \w+\(\s*(?:self|cls)\b", stores=True),),
    ),
    Rule(
        "lru-cache-unbounded",
        "functools.cache or lru_cache(maxsize=None)",
        "The cache never evicts: each new argument keeps its key and its result until the process "
        "ends.",
        "Give it a bound, lru_cache(maxsize=1024), and leave ids, timestamps and whole objects out "
        "of the arguments.",
        "https://docs.python.org/3/library/functools.html#functools.lru_cache",
        (
            Sign(
                head=r"@(?:\w+\.)*(?:cache\b(?!\w)|lru_cache\(\s*(?:maxsize\s*=\s*)?None)",
                stores=True,
            ),
            Sign(
                line=r"\blru_cache\(\s*(?:maxsize\s*=\s*)?None|\bfunctools\.cache\b|^@cache\b",
            ),
        ),
    ),
    Rule(
        "mutable-default-argument",
        "a mutable default argument that collects",
        "A default value is made once, at the def: every call appends to the same object.",
        "Default to None and make the container inside the function.",
        "https://docs.python.org/3/faq/programming.html#why-are-default-values-shared-between-objects",
        (
            Sign(
                head=r"\bdef \w+\((?s:.*?)\b(\w+)\s*(?::[^=,]+)?=\s*(?:\[\]|\{\}|"
                r"(?:list|dict|set|deque|defaultdict|OrderedDict|Counter)\([^()]*\))(?s:.*)\n"
                rf".*(?<![\w.])\1{_ANY}",
                stores=True,
            ),
        ),
    ),
)

RULES = (
    Rule(
        "threading-local",
        "values left in a threading.local",
        "A pool's threads outlive the task, so what it leaves in the local stays until the same "
        "thread overwrites it.",
        "Clear it when the task ends: in finally, or in a task_postrun handler "
        "(local.__dict__.clear()).",
        "https://docs.python.org/3/library/threading.html#thread-local-data",
        (
            Sign(
                line=r"(?i)(?<![\w.])(?:[a-z_]\w*\.)*\w*(?:thread_?locals?|tls|locals?|local_\w+)\.\w+"
                r"(?:\[.+\]|\.\w+)*?(?:\s*\+?=(?!=)|\.(?:append|add|extend|update|setdefault)\()",
                never_line=rf"\blocals\(\)|{_BOUNDED}",
                never_holder=_BOUNDED_TYPE,
                stores=True,
            ),
            Sign(line=r"\bsetattr\(\s*\w*(?i:local|tls)\w*\s*,", stores=True),
        ),
    ),
    Rule(
        "task-instance-state",
        "state kept on the task object",
        "A task is instantiated once per process, not once per call: what is put on self stays for "
        "the next call, and the next.",
        "Keep it in local variables; what must be shared belongs in a bounded cache.",
        "https://docs.celeryq.dev/en/stable/userguide/tasks.html#instantiation",
        (
            # A function outside any class that has a self is a bound task.
            Sign(
                line=rf"(?<![\w.])self\.[\w.]+{_ANY}",
                function=r"[^.]+|.*\.(?:run|__call__|before_start|on_success|on_failure|on_retry"
                r"|after_return)",
                never_line=_BOUNDED,
                never_holder=_BOUNDED_TYPE,
                stores=True,
            ),
        ),
        SHAPE,
    ),
    Rule(
        "callbacks-never-removed",
        "callbacks that are registered and never removed",
        "Whoever calls back keeps the callback, and a closure or bound method keeps all that it "
        "refers to: one more with each task.",
        "Register once at import, remove it in finally, or keep weak references "
        "(weakref.WeakSet, weakref.WeakMethod).",
        "https://docs.python.org/3/library/weakref.html#weakref.WeakMethod",
        (
            Sign(
                line=r"(?i)(?:listener|observer|callback|(?<!web)hook)s?\w*"
                r"(?:\[.+\])?(?:\.(?:append|add|insert|extend)\(|\s*\+=|\[.+\]\s*=(?!=))",
                stores=True,
            ),
            Sign(
                line=r"\.(?:add_|register_|on_|subscribe)\w*(?:listener|observer|callback|handler|hook)s?\("
            ),
        ),
        SHAPE,
    ),
    Rule(
        "class-attribute",
        "a container on the class",
        "An attribute of the class is shared by all instances and lives as long as the module.",
        "Make it in __init__, so that it dies with the instance; else bound it "
        "(collections.deque(maxlen=...)).",
        "https://docs.python.org/3/tutorial/classes.html#class-and-instance-variables",
        (
            Sign(
                line=rf"(?<![\w.])(?:cls|type\(self\)|self\.__class__|[A-Z]+[a-z]\w*)\.[\w.]+{_ANY}",
                never_line=rf"\.(?:objects|query|session)\b|{_BOUNDED}",
                never_holder=_BOUNDED_TYPE,
                stores=True,
            ),
        ),
        SHAPE,
    ),
    Rule(
        "deque-without-maxlen",
        "a deque that gets more than it loses",
        "Without maxlen a deque grows like a list.",
        "Say how many to keep: collections.deque(maxlen=1000) drops the oldest by itself.",
        "https://docs.python.org/3/library/collections.html#collections.deque",
        (Sign(line=r"\b\w+\.(?:appendleft|extendleft)\(", stores=True),),
        SHAPE,
    ),
    Rule(
        "keyed-container",
        "a dict that collects per key",
        "More is added per key than is taken out; a defaultdict makes the entry on a mere read.",
        "Delete the key when its work is done (pop, in finally), or bound both: an LRU dict of "
        "collections.deque(maxlen=...).",
        "https://docs.python.org/3/library/collections.html#collections.defaultdict",
        _unbounded(_KEYED),
        SHAPE,
    ),
    Rule(
        "unbounded-dict-cache",
        "a dict that gets more keys than it loses",
        "A dict of the module lives as long as the process; over these snapshots more was put into it "
        "than was taken out.",
        "Delete the key when its work is done, in finally; or bound it: "
        "functools.lru_cache(maxsize=1024), cachetools.TTLCache(maxsize=1024, ttl=300).",
        "https://docs.python.org/3/library/functools.html#functools.lru_cache",
        _unbounded(_SET),
        SHAPE,
    ),
    Rule(
        "global-container",
        "a module-level container that gets more than it loses",
        "A module's list or set lives as long as the process; over these snapshots more was added to it "
        "than was taken out.",
        "Take out what is done, in finally, where a failing task does it too; or keep the last ones "
        "only, collections.deque(maxlen=1000).",
        "https://docs.python.org/3/library/collections.html#collections.deque",
        _unbounded(_ADD),
        SHAPE,
    ),
    Rule(
        "instance-container",
        "a container on an object that outlives the task",
        "The object is shared (a singleton, a client, a registry), so what it collects stays.",
        "Bound the container (collections.deque(maxlen=...), an LRU dict), clear it after the task, "
        "or make the object per task.",
        "https://docs.python.org/3/library/collections.html#collections.deque",
        (
            Sign(
                line=rf"(?<![\w.])self\.[\w.]+{_ANY}",
                never_line=_BOUNDED,
                never_holder=_BOUNDED_TYPE,
                stores=True,
            ),
        ),
        SHAPE,
    ),
)
