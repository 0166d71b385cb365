/* Makes a capture's child, and takes the traces in it before anything is torn down.
 *
 * os.fork() runs PyOS_AfterFork_Child() first, which clears the states of all other
 * threads, and threading forgets their Thread objects: what they alone hold is freed
 * before the child can look, so a snapshot would miss it, and finalizers (a database
 * connection in a threading.local saying goodbye on the shared socket) would run in
 * the child. Here the child calls `read` (a C function: no bytecode may run while
 * threads that do not exist any more wait for the GIL), puts the other thread states
 * aside as they are, and only then lets CPython clean up.
 *
 * Nobody else's code runs for this, in the process or in the child: no handler of
 * pthread_atfork() (bare_fork.h) nor of os.register_at_fork(), one of which might wait for a lock that the
 * interrupted thread holds. PyOS_BeforeFork() is not called either: it waits for the import lock, and
 * gives the GIL away meanwhile; the child makes that lock anew.
 *
 * What the child may do: run Python code whose modules are imported; open, read and write files;
 * C code that asks Python or (in the libraries that cover.inc names) malloc for memory.
 * What it may not: import an extension (dlopen takes locks; capture.py forbids it), start a process or
 * thread, use stdio's shared streams, the resolver, the time zone, a library's own allocator (numpy),
 * switch greenlets, or take a Python lock that another thread may have had.
 *
 * See Modules/posixmodule.c (os_fork_impl, PyOS_BeforeFork, PyOS_AfterFork_Child) and
 * Python/pystate.c (PyThreadState_Clear) of CPython 3.9 to 3.15.
 */
#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE 1
#define Py_BUILD_CORE_MODULE 1
#include <Python.h>
#include "internal/pycore_interp.h"
#if PY_VERSION_HEX >= 0x030C0000
#include "internal/pycore_runtime.h"
#else
#include "internal/pycore_pymem.h"
#endif

#include <dlfcn.h>
#include <sched.h>
#ifdef __GLIBC__
#include <malloc.h>
#include <stdio.h>
#endif

#include "../../cpython/at_fork.h"
#include "../../cpython/bare_fork.h"
#include "../../cpython/built.h"
#include "../../cpython/state.h"

static int in_child; /* this process is a capture's */

#include "arena.inc"
#include "arenas.inc"
#include "cover.inc"
#include "guard.inc"
#include "traced.inc"

/* States of the threads that the process had beside this one. The interpreter does not list them any more, so
 * that nobody clears them: what they hold lives on, and the walk over the heap can ask their frames. */
static PyThreadState *others;

static void
put_others_aside(void)
{
    PyThreadState *own = PyThreadState_Get();
    PyInterpreterState *interpreter = PyThreadState_GetInterpreter(own);
#if PY_VERSION_HEX >= 0x030B0000
    PyThreadState **head = &interpreter->threads.head;
#else
    PyThreadState **head = &interpreter->tstate_head;
#endif
    others = *head == own ? own->next : *head;
    if (own->prev != NULL) {
        own->prev->next = own->next;
    }
    if (own->next != NULL) {
        own->next->prev = own->prev;
    }
    own->prev = own->next = NULL;
    *head = own;
}

PyDoc_STRVAR(others_doc,
"others()\n--\n\n"
"In the child of fork_and_read: the addresses of the states of the process's other threads, 64 bits each.\n"
"They are as they were at the fork. Elsewhere b''.");

static PyObject *
get_others(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_ssize_t number = 0;
    for (PyThreadState *state = others; state != NULL; state = state->next) {
        number++;
    }
    PyObject *told = PyBytes_FromStringAndSize(NULL, number * 8);
    char *at = told != NULL ? PyBytes_AS_STRING(told) : NULL;
    for (PyThreadState *state = others; at != NULL && state != NULL; state = state->next, at += 8) {
        uint64_t address = (uintptr_t)state;
        memcpy(at, &address, 8);
    }
    return told;
}

/* -- what the allocators say --------------------------------------------------------------- */

/* Taken in the child before anything is asked of them. */
static struct {
    int measured;
    int has_malloc;
    unsigned long long used, mapped, free;
    char pymalloc[16384];
    size_t length;
    PyMemAllocatorEx untraced;
} allocators;

/* Whose malloc() this process calls, by the library that it is found in. Asked when nobody forks: the
 * dynamic linker has locks. */
static const char *malloc_owner = "other";

static void
find_malloc(void)
{
    static const char *const names[][2] = {{"libc.", "glibc"}, {"libc-2", "glibc"}, {"ld-musl", "musl"},
                                           {"libc.musl", "musl"}, {"jemalloc", "jemalloc"},
                                           {"tcmalloc", "tcmalloc"}, {"mimalloc", "mimalloc"}};
    Dl_info where;
    void *found = dlsym(RTLD_DEFAULT, "malloc");
    if (found == NULL || !dladdr(found, &where) || where.dli_fname == NULL) {
        return;
    }
    const char *name = strrchr(where.dli_fname, '/');
    name = name != NULL ? name + 1 : where.dli_fname;
    for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
        if (strstr(name, names[at][0]) != NULL) {
            malloc_owner = names[at][1];
        }
    }
#ifndef __GLIBC__
    malloc_owner = strcmp(malloc_owner, "glibc") == 0 ? "musl" : malloc_owner;
#endif
}

static void
measure_malloc(void *Py_UNUSED(context))
{
    if (strcmp(malloc_owner, "glibc") != 0) {
        return; /* glibc's own would say that nobody uses it */
    }
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
    struct mallinfo2 now = mallinfo2(); /* takes the arenas' locks */
    allocators.used = now.uordblks;
    allocators.mapped = now.hblkhd;
    allocators.free = now.fordblks;
    allocators.has_malloc = 1;
#endif
#endif
}

#ifdef __GLIBC__
static ssize_t
keep_text(void *Py_UNUSED(cookie), const char *text, size_t length)
{
    size_t room = sizeof allocators.pymalloc - allocators.length;
    size_t kept = length < room ? length : room;
    memcpy(allocators.pymalloc + allocators.length, text, kept);
    allocators.length += kept;
    return (ssize_t)length;
}

/* Made when nobody forks: a stream of our own, whose lock no other thread ever has. */
static FILE *text_stream;

static void
open_text_stream(void)
{
    static char buffer[1024];
    cookie_io_functions_t keeps = {.write = keep_text};
    text_stream = fopencookie(NULL, "w", keeps);
    if (text_stream != NULL) {
        setvbuf(text_stream, buffer, _IOFBF, sizeof buffer);
    }
}

/* sys._debugmallocstats() writes to the C stderr: lend it ours. It is a C function that walks the
 * arenas, so it may run here; its text is parsed later. It does so only while the object domain is
 * pymalloc's itself, not a tracer's wrapper (_PyMem_PymallocEnabled in Objects/obmalloc.c): lend it
 * that as well. */
static void
measure_pymalloc(void *stats)
{
    FILE *others = stderr;
    stderr = text_stream;
    PyObject *done = PyObject_CallObject(stats, NULL);
    stderr = others;
    if (done == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(done);
    fflush(text_stream);
}
#endif

static void
measure_allocators(void)
{
    allocators.measured = 1;
    int waited = guarded(measure_malloc, NULL, 2.0);
#ifdef __GLIBC__
    if (allocators.has_malloc && !waited && arena_stream != NULL) {
        guarded(measure_arenas, NULL, 2.0);
    }
    PyObject *stats = PySys_GetObject("_debugmallocstats");
    if (stats != NULL && text_stream != NULL) {
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &allocators.untraced);
        guarded(measure_pymalloc, stats, 2.0);
        arena_enter();
    }
#endif
}

PyDoc_STRVAR(allocators_doc,
"allocators()\n--\n\n"
"In the child of fork_and_read: (bytes of malloc's arenas in use, bytes it mapped, bytes it\n"
"holds free, text of sys._debugmallocstats(), whose malloc it is, [(bytes from the kernel, free bytes)] by\n"
"arena), the first three and the last None where unknown. The figures are glibc's mallinfo2(3), of all\n"
"arenas, and malloc_info(3). None in any other process.");

static PyObject *
get_allocators(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    if (!allocators.measured) {
        Py_RETURN_NONE;
    }
    PyObject *text = PyUnicode_DecodeUTF8(allocators.pymalloc, (Py_ssize_t)allocators.length, "replace");
    if (text == NULL) {
        return NULL;
    }
    if (!allocators.has_malloc) {
        return Py_BuildValue("(OOONsO)", Py_None, Py_None, Py_None, text, malloc_owner, Py_None);
    }
    return Py_BuildValue("(KKKNsN)", allocators.used, allocators.mapped, allocators.free, text, malloc_owner,
                         told_arenas());
}

/* -- the fork ------------------------------------------------------------------------------ */

typedef struct {
    PyObject *function, *args, *result;
} Call;

static void
call(void *context)
{
    Call *it = context;
    it->result = PyObject_CallObject(it->function, it->args);
}

static int
is_c(PyObject *function)
{
    return PyCFunction_Check(function) || PyType_Check(function);
}

PyDoc_STRVAR(guarded_doc,
"guarded(function, args, seconds)\n--\n\n"
"In the child of fork_and_read: (function(*args), 0), or (None, signal) where a signal ended it.\n\n"
"A fault; SIGPROF where it took more than `seconds` of CPU time; SIGALRM where it hung. It must be\n"
"a C function that runs no Python code, and what it has allocated or locked stays so. Elsewhere\n"
"than in such a child it is called without a guard. Raises what the function raises.");

static PyObject *
call_guarded(PyObject *Py_UNUSED(module), PyObject *args)
{
    Call it = {NULL, NULL, NULL};
    double seconds;
    if (!PyArg_ParseTuple(args, "OO!d:guarded", &it.function, &PyTuple_Type, &it.args, &seconds)) {
        return NULL;
    }
    if (!is_c(it.function)) {
        PyErr_SetString(PyExc_TypeError, "guarded() needs a C function");
        return NULL;
    }
    int ended = 0;
    if (in_child) {
        ended = guarded(call, &it, seconds);
    }
    else {
        call(&it);
    }
    if (ended) {
        PyErr_Clear();
        return Py_BuildValue("(Oi)", Py_None, ended);
    }
    return it.result != NULL ? Py_BuildValue("(Ni)", it.result, 0) : NULL;
}

/* Standard streams go to /dev/null; all other descriptors are closed: they are copies, the process's
 * own stay open. A process that has run out of descriptors has one to open that with only then. */
static void
let_go_of_files(void)
{
    close(0);
    int null = open("/dev/null", O_RDWR); /* 0: the least that is free */
    for (int standard = 0; standard < 3; standard++) {
        if (null < 0) {
            close(standard);
        }
        else if (standard != null) {
            dup2(null, standard);
        }
    }
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0) {
        return;
    }
#endif
    struct rlimit most;
    long highest = getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur < 1 << 20 ? (long)most.rlim_cur
                                                                                   : 1 << 20;
    for (long file = 3; file < highest; file++) {
        close((int)file);
    }
}

/* Of all processes of its memory's limit, this one is to be killed first. */
static void
let_the_kernel_choose(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY);
    if (file >= 0) {
        ssize_t ignored = write(file, "1000", 4);
        (void)ignored;
        close(file);
    }
#ifdef SCHED_OTHER
    /* Nor has it the CPU before all others, as a worker may have that was given a real-time priority. */
    int policy = sched_getscheduler(0);
    if (policy == SCHED_FIFO || policy == SCHED_RR) {
        struct sched_param none = {.sched_priority = 0};
        sched_setscheduler(0, SCHED_OTHER, &none);
    }
#endif
}

/* Trace and profile functions, and since 3.12 what sys.monitoring calls, are other people's Python code: a debugger's
 * would wait for a thread that is not here. The references leak: nobody's finalizer may run. */
static void
forget_tracers(void)
{
    PyThreadState *own = PyThreadState_Get();
    if (own->c_tracefunc != NULL) {
        Py_XINCREF(own->c_traceobj);
        PyEval_SetTrace(NULL, NULL);
    }
    if (own->c_profilefunc != NULL) {
        Py_XINCREF(own->c_profileobj);
        PyEval_SetProfile(NULL, NULL);
    }
#if PY_VERSION_HEX >= 0x030C0000
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed */
    for (int tool = 0; monitoring != NULL && tool < 6; tool++) {
        PyObject *name = PyObject_CallMethod(monitoring, "get_tool", "i", tool);
        if (name != NULL && name != Py_None) {
            Py_XDECREF(PyObject_CallMethod(monitoring, "set_events", "ii", tool, 0));
        }
        Py_XDECREF(name);
    }
#endif
    PyErr_Clear();
}

/* Takes the lock of tracemalloc's tables, and does nothing. */
static void
touch_tracemalloc(void *Py_UNUSED(context))
{
    PyTraceMalloc_Untrack(0x6c656168u, 1);
}

/* In the child. Whether another thread, which frees without the GIL, had the lock of tracemalloc's tables at
 * the fork: it will not let go here, and each object that is made may ask for it. Whoever has not got a lock that
 * nobody is there for in a look or two never will. */
static int
tracemalloc_is_locked(void)
{
    if (tracing == NULL) {
        return 0;
    }
    stalled_guarded = 1;
    int ended = guarded(touch_tracemalloc, NULL, 5.0);
    stalled_guarded = STALLED_GUARDED;
    return ended != 0;
}

static void
forget_fork_hooks(void)
{
    PyInterpreterState *interpreter = PyThreadState_GetInterpreter(PyThreadState_Get());
    interpreter->before_forkers = NULL; /* the references leak: the child ends by _exit() */
    interpreter->after_forkers_parent = NULL;
    interpreter->after_forkers_child = NULL;
}

/* Since 3.13 PyOS_AfterFork_Child() lets go of the import lock, which PyOS_BeforeFork() has taken; and ends the
 * process where another thread has it. */
static void
take_import_lock(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyInterpreterState *interpreter = PyThreadState_GetInterpreter(PyThreadState_Get());
    memset(&interpreter->imports.lock, 0, sizeof interpreter->imports.lock);
    _PyRecursiveMutex_Lock(&interpreter->imports.lock);
#endif
}

static int bare; /* without anybody's handlers: malloc is covered in the child */

PyDoc_STRVAR(prepare_doc,
"prepare()\n--\n\n"
"Find where the interpreter and its extensions reach malloc; to be called after the imports of those\n"
"that a child will use, while the process is not in a hurry. Returns whether fork_and_read()\n"
"can do without the fork handlers of libraries here: else it uses fork().");

static PyObject *
prepare(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    bare = cover_find();
    return PyBool_FromLong(bare);
}

PyDoc_STRVAR(is_bare_doc,
"is_bare()\n--\n\nWhether fork_and_read() does without the fork handlers of libraries: see prepare().");

static PyObject *
is_bare(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(bare);
}

typedef struct {
    PyObject *read, *look, *census;
    AtFork *engine;
    double seconds;
    Py_ssize_t most;
    unsigned still, cpu, wall;
    size_t memory;
} Plan;

/* In the child. (0, raw, census, signal), or NULL with an error. */
static PyObject *
child_begins(const Plan *plan)
{
    in_child = 1;
    patience = (int)plan->still / TICK + 1;
    bound(plan->cpu, plan->wall);
    guard_open();
    let_go_of_files();
    let_the_kernel_choose();
    if (!arena_open(plan->memory) || (bare && !cover_enter())) {
        page_note[0] = NO_MEMORY;
        _exit(71);
    }
    arena_enter();
    if (tracemalloc_is_locked()) {
        page_note[0] = LOCKED;
        _exit(71);
    }
    forget_tracers();
    if (plan->engine != NULL) {
        plan->engine->let_go_in_child();
        arena.foreign_free = plan->engine->freed;
    }
    measure_allocators();
    /* CPython's cache of type attributes finds its slot by a name's address. Names that are made anew
     * for each look-up come back to the same address and replace each other, but for a sampled
     * one, which has its own: so it stays, and would count for all the others. */
    PyType_ClearCache();
    Call look = {plan->look, NULL, NULL}, census = {plan->census, NULL, NULL};
    int ended = 0;
    if (plan->look != Py_None) {
        page_note[1] = WALKING;
        look.args = Py_BuildValue("(n)", plan->most);
        ended = look.args != NULL ? guarded(call, &look, plan->seconds) : SIGABRT;
        PyErr_Clear();
    }
    page_note[1] = COPYING;
    PyObject *raw = PyObject_CallObject(plan->read, NULL);
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    if (raw == NULL) {
        PyErr_Fetch(&type, &value, &traceback);
    }
    arena.foreign_free = NULL;
    if (raw != NULL && ended == 0 && plan->look != Py_None) {
        page_note[1] = WALKING;
        ended = guarded(call, &census, plan->seconds);
        PyErr_Clear();
    }
    page_note[1] = WRITING;
    put_others_aside();
    forget_fork_hooks();
    take_import_lock();
    PyOS_AfterFork_Child();
    if (raw == NULL) {
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    if (census.result == NULL || ended) {
        census.result = Py_None;
        Py_INCREF(Py_None);
    }
    return Py_BuildValue("(iNNi)", 0, raw, census.result, ended);
}

static int
may_fork(void)
{
    if (PyInterpreterState_Next(PyInterpreterState_Head()) != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the process has subinterpreters");
        return 0;
    }
    return 1;
}

PyDoc_STRVAR(fork_and_read_doc,
"fork_and_read(read, engine, look, census, seconds, most, still, cpu, wall, memory, page)\n--\n\n"
"Fork; return (pid, None, None, 0) in the parent, (0, read(), census(), signal) in the child.\n\n"
"The child ends after `still` seconds without progress; the kernel ends it after `cpu` seconds of CPU\n"
"time or `wall` of the clock's; it can take `memory` bytes. `look(most)` is called before `read` and `census` after it, each guarded for\n"
"`seconds` of CPU time: `signal` tells what ended one of them, as guarded() does; without them\n"
"they are None. All of them are C functions, and the caller has disabled\n"
"the garbage collector. `engine` is a capsule (at_fork.h) or None.\n"
"`page` is shared with the child, which notes in its first byte why it ended itself (1: it hung,\n"
"2: no memory, 3: another thread had a lock that it needs: try again), in the second what it does (0: copying,\n"
"1: walking, 2: writing).\n"
"Raises OSError where the fork is refused, RuntimeError where a child would not live.");

static PyObject *
fork_and_read(PyObject *Py_UNUSED(module), PyObject *args)
{
    Plan plan;
    PyObject *capsule;
    Py_buffer page;
    memset(&plan, 0, sizeof plan);
    if (!PyArg_ParseTuple(args, "OOOOdnIIInw*:fork_and_read", &plan.read, &capsule, &plan.look,
                          &plan.census, &plan.seconds, &plan.most, &plan.still,
                          &plan.cpu, &plan.wall, &plan.memory, &page)) {
        return NULL;
    }
    PyObject *functions[] = {plan.read, plan.look, plan.census};
    for (int at = 0; at < 3; at++) {
        if (!is_c(functions[at]) && (at == 0 || functions[at] != Py_None)) {
            PyErr_SetString(PyExc_TypeError, "fork_and_read() needs C functions");
            PyBuffer_Release(&page);
            return NULL;
        }
    }
    plan.engine = capsule != Py_None ? PyCapsule_GetPointer(capsule, AT_FORK) : NULL;
    if ((plan.engine == NULL && capsule != Py_None) || page.len < 2 || !may_fork() || !find_tracing()) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "fork_and_read() needs a page");
        }
        PyBuffer_Release(&page);
        return NULL;
    }
    page_note = page.buf;
    sigset_t all, before;
    sigfillset(&all); /* no handler of the process's runs in the child */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (plan.engine != NULL) {
        plan.engine->hold();
    }
    pid_t pid = bare ? bare_fork() : fork();
    int refused = errno;
    if (pid == 0) {
        return child_begins(&plan);
    }
    if (plan.engine != NULL) {
        plan.engine->let_go();
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    PyBuffer_Release(&page);
    if (pid < 0) {
        errno = refused;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return Py_BuildValue("(iOOi)", (int)pid, Py_None, Py_None, 0);
}

PyDoc_STRVAR(alive_doc,
"alive()\n--\n\nIn the child: it waits, and does not hang.");

static PyObject *
alive(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    looks_without = 0;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(lay_over_doc,
"lay_over(page, descriptor)\n--\n\n"
"Have a mapping without a file (mmap.mmap(-1, n)) be the first n bytes of that file from now on, shared with\n"
"all who have it. The mapping's object keeps no descriptor. Raises OSError, ValueError.");

static PyObject *
lay_over(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer page;
    int descriptor;
    if (!PyArg_ParseTuple(args, "w*i:lay_over", &page, &descriptor)) {
        return NULL;
    }
    int fits = ((uintptr_t)page.buf & (uintptr_t)(sysconf(_SC_PAGESIZE) - 1)) == 0 && page.len > 0;
    void *got = MAP_FAILED;
    if (fits) {
        got = mmap(page.buf, (size_t)page.len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor, 0);
    }
    PyBuffer_Release(&page);
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "lay_over() needs a mapping");
        return NULL;
    }
    if (got == MAP_FAILED) { /* the old one may be gone: nobody may use it */
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"lay_over", lay_over, METH_VARARGS, lay_over_doc},
    {"allocators", get_allocators, METH_NOARGS, allocators_doc},
    {"alive", alive, METH_NOARGS, alive_doc},
    {"end_tracemalloc", end_tracemalloc, METH_NOARGS, end_tracemalloc_doc},
    {"guarded", call_guarded, METH_VARARGS, guarded_doc},
    {"others", get_others, METH_NOARGS, others_doc},
    {"is_bare", is_bare, METH_NOARGS, is_bare_doc},
    {"prepare", prepare, METH_NOARGS, prepare_doc},
    {"fork_and_read", fork_and_read, METH_VARARGS, fork_and_read_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakhunt.hook.capture._fork",
    .m_doc = "A fork that reads the traces before CPython tears the other threads down.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__fork(void)
{
    if (!is_known_state() || !ask_tracemalloc()) {
        return NULL;
    }
    /* Before anything is traced, in all but a few cases (PYTHONTRACEMALLOC). */
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &allocators.untraced);
    find_malloc();
#ifdef __GLIBC__
    open_text_stream();
    open_arena_stream();
#endif
    return with_built(PyModule_Create(&module));
}
