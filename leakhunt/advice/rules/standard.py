"""Known leaks: what the standard library and the interpreter keep."""

from __future__ import annotations

from leakhunt.advice.rule import FACTS, Grows, Look, Rule, Sign

_NO_WITH = r"^(?:async )?with\b|\benter_context\("

RULES = (
    Rule(
        "tempfile-never-closed",
        "temporary files that are never closed",
        "A temporary file stays open, and a TemporaryDirectory registered with weakref.finalize, "
        "until it is closed or cleaned up.",
        "with tempfile.NamedTemporaryFile() as file, with tempfile.TemporaryDirectory() as folder.",
        "https://docs.python.org/3/library/tempfile.html",
        (
            Sign(
                inside=(
                    Look(
                        "tempfile",
                        r"NamedTemporaryFile|TemporaryFile|TemporaryDirectory\.__init__"
                        r"|SpooledTemporaryFile\.\w+|_TemporaryFile\w+\.__init__",
                    ),
                )
            ),
            Sign(line=r"\b(?:Named|Spooled)?Temporary(?:File|Directory)\(", never_line=_NO_WITH),
        ),
        counted="open_files",
    ),
    Rule(
        "file-never-closed",
        "files that are opened and never closed",
        "A file object that is kept keeps its descriptor and a buffer of 8 KiB or more.",
        "with open(path) as file; python -X dev warns at the line that forgot.",
        "https://docs.python.org/3/tutorial/inputoutput.html#reading-and-writing-files",
        (
            Sign(
                line=r"(?<![\w.])(?:io\.|codecs\.|gzip\.|bz2\.|lzma\.)?open\([^()]*(?:\([^()]*\)[^()]*)*\)[)\]}]*\s*(?:#.*)?$",
                never_line=_NO_WITH,
            ),
            Sign(
                inside=(
                    Look(
                        "pathlib|pathlib.*|codecs|gzip|bz2|lzma|zipfile|zipfile.*|tarfile|wave|shelve|dbm.*",
                        r"Path\.open|open|GzipFile\.__init__|(?:BZ2|LZMA)File\.__init__"
                        r"|ZipFile\.__init__|TarFile\.(?:__init__|open|\w+open)|Shelf\.\w+",
                    ),
                ),
            ),
        ),
        counted="open_files",
    ),
    Rule(
        "weakref-finalize",
        "finalizers that keep what they were given",
        "weakref.finalize keeps the callback and its arguments until the object dies; if they refer "
        "to the object, that is at exit.",
        "Give it plain values (a path, a descriptor), never the object or a bound method; detach() "
        "when done.",
        "https://docs.python.org/3/library/weakref.html#weakref.finalize",
        (
            Sign(inside=(Look("weakref", r"finalize\.__init__"),)),
            Sign(line=r"\bfinalize\("),
        ),
    ),
    Rule(
        "atexit-per-task",
        "atexit callbacks registered in each task",
        "atexit keeps every callback and its arguments until the process ends; registering twice "
        "keeps two.",
        "Register once at import, clean up in finally, or atexit.unregister().",
        "https://docs.python.org/3/library/atexit.html#atexit.register",
        (
            Sign(line=r"\batexit\.register\(", itself=True),
            Sign(inside=(Look("multiprocessing.util|billiard.util", r"Finalize\.__init__"),)),
        ),
    ),
    Rule(
        "sys-state-grows",
        "entries or hooks put into sys in each task",
        "sys.path and its relatives are never emptied; a hook that wraps the previous one makes a "
        "chain that keeps every closure.",
        "Set them once at import; else restore what was there in finally.",
        "https://docs.python.org/3/library/sys.html#sys.path",
        (
            Sign(
                line=r"^sys\.(?:excepthook|stdout|stderr|displayhook|unraisablehook)\s*=|\bsys\.(?:meta_path|path|path_hooks)\.(?:append|insert)\(",
                itself=True,
            ),
        ),
    ),
    Rule(
        "contextvars-kept",
        "context variables and contexts that are kept",
        "A ContextVar made in a function is never collected with its values; a copied context keeps "
        "all values of that moment.",
        "Make ContextVars at module level, and var.reset(token) in finally.",
        "https://docs.python.org/3/library/contextvars.html#contextvars.ContextVar",
        (
            Sign(line=r"(?<!\w)(?:contextvars\.)?(?:ContextVar|copy_context)\(", itself=True),
            Sign(
                line=r"(?i)(?<![\w.])\w*(?:_ctx|ctx_?var|_var|context_?var|_context|_ctxvar)\.set\(",
                itself=True,
            ),
            Sign(
                inside=(
                    Look(
                        "asgiref.local|werkzeug.local",
                        r"(?:Local|LocalStack|_CVar)\.(?:__setattr__|push)",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "regex-per-id",
        "regular expressions made from changing text",
        "re keeps 512 compiled patterns; with a pattern per id, whoever keeps them keeps a compiled "
        "program each.",
        "Compile constants at module level; match ids with ==, in or str methods, or one pattern "
        "with a group.",
        "https://docs.python.org/3/library/re.html#re.compile",
        (
            Sign(
                inside=(
                    Look(
                        "re|sre_compile|sre_parse|re._compiler|re._parser|regex|regex.*",
                        r"_?compile|parse|_parse\w*",
                    ),
                )
            ),
            Sign(
                line=r"\bre\.(?:compile|match|search|fullmatch|sub|subn|findall|finditer|split)\(\s*"
                r"(?:rf|fr|f)[\"']"
            ),
        ),
    ),
    Rule(
        "code-per-task",
        "code compiled or modules imported in each task",
        "exec, eval and imports under new names make code objects and modules; sys.modules, "
        "linecache and whatever the code registered keep them.",
        "Compile once and cache by a small key; import at module level; remove sys.modules entries "
        "made for one task.",
        "https://docs.python.org/3/library/sys.html#sys.modules",
        (
            Sign(line=r"(?<![\w.])(?:exec|eval|compile)\(", itself=True),
            Sign(
                line=r"\b(?:__import__|import_module|spec_from_file_location|module_from_spec|exec_module"
                r"|importlib\.reload|runpy\.run_\w+|types\.FunctionType|ModuleType)\(|\bsys\.modules\["
            ),
            Sign(
                inside=(
                    Look("runpy|imp|importlib", r"run_\w+|_run_\w+|reload|load_\w+|import_module"),
                )
            ),
        ),
    ),
    Rule(
        "linecache-lines",
        "source lines that linecache keeps",
        "Formatting a traceback caches the whole source of each file it names; generated files "
        "under new names never end.",
        "Give generated code one file name, or linecache.clearcache() now and then.",
        "https://docs.python.org/3/library/linecache.html#linecache.clearcache",
        (
            Sign(
                inside=(Look("linecache", r"updatecache|lazycache|_register_code"),),
            ),
            Sign(innermost=Look("linecache")),
        ),
    ),
    Rule(
        "traceback-objects-kept",
        "traceback reports that are kept",
        "A TracebackException or StackSummary keeps a FrameSummary per frame, with locals if they "
        "were captured.",
        "Keep the formatted text, with limit=; capture_locals=False.",
        "https://docs.python.org/3/library/traceback.html#traceback.TracebackException",
        (
            Sign(
                inside=(
                    Look(
                        "traceback",
                        r"TracebackException\.\w+|StackSummary\.\w+|FrameSummary\.\w+|extract_\w+|walk_\w+",
                    ),
                ),
                never=(Look("linecache"),),
            ),
        ),
    ),
    Rule(
        "frames-kept",
        "stack frames that are kept",
        "A frame keeps all its locals and its callers; a local that refers to its own frame is a "
        "cycle.",
        "Take what is needed (f_lineno, function names) and `del frame` in finally.",
        "https://docs.python.org/3/library/inspect.html#the-interpreter-stack",
        (
            Sign(
                inside=(
                    Look(
                        "inspect",
                        r"stack|trace|getouterframes|getinnerframes|getframeinfo|currentframe",
                    ),
                ),
                never=(Look("linecache"),),
            ),
            Sign(line=r"\bsys\._getframe\(|\binspect\.(?:stack|currentframe|trace)\("),
        ),
    ),
    Rule(
        "mock-call-history",
        "a mock that records every call",
        "A Mock keeps each call with its arguments in mock_calls, and child mocks for each "
        "attribute.",
        "Use a plain stub outside tests; else mock.reset_mock() between batches.",
        "https://docs.python.org/3/library/unittest.mock.html#unittest.mock.Mock.reset_mock",
        (Sign(inside=(Look("unittest.mock|mock|mock.mock"),)),),
    ),
    Rule(
        "pickler-memo",
        "a Pickler that is used again and again",
        "A Pickler remembers every object it has written, and keeps it alive, until clear_memo().",
        "pickle.dumps() or a new Pickler for each message, or pickler.clear_memo().",
        "https://docs.python.org/3/library/pickle.html#pickle.Pickler",
        (
            Sign(line=r"\b\w*[pP]ickler\w*\.dump\(", itself=True),
            Sign(innermost=Look("pickle|cloudpickle.*|dill.*", r"_?Pickler\.memoize")),
        ),
    ),
    Rule(
        "buffer-never-emptied",
        "an in-memory buffer that is written and never emptied",
        "StringIO, BytesIO and csv writers on them keep all that was written until close() or "
        "truncate().",
        "Make the buffer per task (with io.StringIO() as buffer), or write to a file.",
        "https://docs.python.org/3/library/io.html#io.StringIO",
        (
            Sign(line=r"\.(?:write|writelines|writerow|writerows|writestr)\(", itself=True),
            Sign(inside=(Look("csv", r"DictWriter\.\w+"),)),
        ),
    ),
    Rule(
        "itertools-tee",
        "an iterator that was teed",
        "tee() keeps every item that one of its iterators has taken and another has not.",
        "Consume them together, or make a list once if all of it is needed.",
        "https://docs.python.org/3/library/itertools.html#itertools.tee",
        (Sign(line=r"(?<!\w)(?:itertools\.)?tee\(", itself=True),),
    ),
    Rule(
        "interned-strings",
        "strings interned without end",
        "The table of interned strings grows with each new one; where interned strings are "
        "immortal, none is ever freed.",
        "Intern only names from a closed set; ids and user input stay plain strings.",
        "https://docs.python.org/3/library/sys.html#sys.intern",
        (Sign(line=r"(?<!\w)(?:sys\.)?intern\(", itself=True),),
    ),
    Rule(
        "ctypes-types",
        "ctypes types made at run time",
        "POINTER() and CFUNCTYPE() cache each type for ever, and c_char * n is a new type for each "
        "size.",
        "Make types at module level; create_string_buffer(n) or byref() for varying sizes; round "
        "sizes up.",
        "https://github.com/python/cpython/issues/100926",
        (
            Sign(
                inside=(
                    Look(
                        "ctypes|ctypes.*",
                        r"POINTER|CFUNCTYPE|PYFUNCTYPE|WINFUNCTYPE|CFunctionType|create_\w+_buffer",
                    ),
                )
            ),
            Sign(line=r"\b(?:ctypes\.)?c_\w+\s*\*\s*(?!\d)\w|\bPOINTER\(|\bCFUNCTYPE\("),
        ),
    ),
    Rule(
        "singledispatch-cache",
        "a singledispatch or cached property that is asked with new classes",
        "functools keeps what it was asked: a dispatch cache entry per class, a cached_property "
        "value per instance.",
        "Make classes once at module level; del instance.attribute for large cached values.",
        "https://docs.python.org/3/library/functools.html#functools.cached_property",
        (
            Sign(
                innermost=Look(
                    "functools",
                    r"cached_property\.__get__|singledispatch\.(?:dispatch|register)|_find_impl|_compose_mro|_c3_m\w+",
                )
            ),
        ),
    ),
    Rule(
        "translations-per-task",
        "translations or locale data loaded in each task",
        "gettext and babel keep each catalogue they load by path and locale.",
        "Load the catalogues once, and pass normalised locale names.",
        "https://docs.python.org/3/library/gettext.html#gettext.translation",
        (
            Sign(
                inside=(
                    Look(
                        "gettext|babel.support|babel.localedata|babel.core",
                        r"translation|\w*Translations\.\w+|load|Locale\.\w+",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "tracemalloc-snapshots",
        "snapshots of memory that are kept",
        "A tracemalloc Snapshot is a record of every live block: hundreds of MiB in a large "
        "process.",
        "Dump it to a file and drop it.",
        "https://docs.python.org/3/library/tracemalloc.html#tracemalloc.Snapshot.dump",
        (Sign(line=r"\btake_snapshot\("),),
    ),
    Rule(
        "profiler-never-disabled",
        "a profiler that is never disabled",
        "A profiler keeps an entry per function and caller until it is cleared, and code objects "
        "with them.",
        "with cProfile.Profile() as profile around one task; sample with py-spy instead.",
        "https://docs.python.org/3/library/profile.html#profile.Profile",
        (
            Sign(
                inside=(Look("cProfile|profile|pyinstrument.*|line_profiler.*|coverage.*|yappi"),)
            ),
            Sign(line=r"\b(?:cProfile|profile)\.Profile\(", never_line=r"^with\b"),
        ),
    ),
    Rule(
        "gc-disabled",
        "reference cycles while the garbage collector is off",
        "gc.disable() leaves cycles (exceptions, closures, parent links) where they are, and "
        "objects pile up in the youngest generation.",
        "gc.enable(), or gc.collect() every so many tasks (task_postrun).",
        "https://docs.python.org/3/library/gc.html#gc.disable",
        (Sign(gc_enabled=False, grows=(Grows("gc", 0.5),)),),
        FACTS,
    ),
)
