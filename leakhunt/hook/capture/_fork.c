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

#include <dlfcn.h>
#include <sched.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#include <stdio.h>
#endif

#include "../../cpython/at_fork.h"
#include "../../cpython/bare_fork.h"
#include "../../cpython/built.h"
#include "../../cpython/state.h"
#include "../../cpython/tracemalloc.h"
#include "../../cpython/tracers.h"

static int in_child; /* this process is a capture's */

/* In the page shared with the parent: what ended the child, and what it was doing. */
static volatile unsigned char *page_note;
enum { NOT_YET, HUNG, NO_MEMORY, LOCKED, FORBIDDEN };
enum { COPYING, WALKING, WRITING };

#include "arena.inc"
#include "arenas.inc"
#include "cover.inc"
#include "guard.inc"
#include "calls.inc"
#include "traced.inc"
#include "others.inc"
#include "allocators.inc"
#include "belongings.inc"
#include "shared.inc"

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

#ifdef IS_SLOT
/* CPython calls exit() where it cannot go on, as after a fork without memory. That would call what libraries have
 * registered with atexit(3), and write out what stdio holds: both are the process's. */
static void
end_of_child(int status)
{
    if (arena.refused && page_note[0] == NOT_YET) {
        page_note[0] = NO_MEMORY;
    }
    _exit(status);
}
#endif

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
    take_its_name();
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
    pause_tracing();
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
    answer_only();
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
    take_import_lock(PyThreadState_GetInterpreter(PyThreadState_Get()));
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
"2: no memory, 3: another thread had a lock that it needs: try again, 4: a sandbox lets it copy nothing), in the second what it does (0: copying,\n"
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

static PyMethodDef methods[] = {
    {"lay_over", lay_over, METH_VARARGS, lay_over_doc},
    {"allocators", get_allocators, METH_NOARGS, allocators_doc},
    {"alive", alive, METH_NOARGS, alive_doc},
    {"end_tracemalloc", end_tracemalloc, METH_NOARGS, end_tracemalloc_doc},
    {"guarded", call_guarded, METH_VARARGS, guarded_doc},
    {"others", get_others, METH_NOARGS, others_doc},
    {"is_forbidden", is_forbidden, METH_NOARGS, is_forbidden_doc},
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
