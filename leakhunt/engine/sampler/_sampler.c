/* The sampled engine: live memory by line for about one per cent of the CPU.
 *
 * Blocks are sampled with a probability that grows with their size: a Poisson process
 * puts a point on average every `interval` bytes of what is allocated, and a block that a
 * point falls into is a sample. A block of `s` bytes is one with probability
 * p = 1 - exp(-s / interval), whatever else happens, so it stands for 1/p blocks.
 *
 * The free of a small block is not hooked. pymalloc serves requests of up to 512 bytes
 * itself and passes larger ones, and later their realloc and free, on to the RAW domain.
 * So a small block that is to be sampled is asked for with 513 bytes: its end is then seen
 * in RAW, where few calls are, and all other frees cost nothing. Where the allocator is
 * not pymalloc (PYTHONMALLOC=malloc or debug; found out at start, not assumed), the frees
 * of all domains are hooked instead.
 *
 * Rules, because a mistake here is a crash in somebody's worker:
 * - Nothing on the way allocates through Python, changes a reference count or can run
 *   the garbage collector. The tables use libc's malloc (_tables.c).
 * - RAW is called without the GIL: its countdown is the thread's own, the tables are
 *   behind a lock, and a thread reads its own stack only, which stands still meanwhile. When the
 *   interpreter ends, states of threads go: then only one with the GIL reads its own.
 * - All blocks are ordinary blocks of the allocator below. Hooks can vanish or stay at any
 *   moment; what is lost is then statistics.
 * - The saved allocators are stored before ours are set, with the same context, so a
 *   caller without the GIL that reads half of an old and half of a new struct is right.
 * - What looks inconsistent turns the engine off: hooks then only pass through.
 *
 * See Objects/obmalloc.c of CPython 3.9 to 3.15.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1 /* process_vm_readv */
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../../cpython/built.h"
#include "../../cpython/frames.h"
#include "../../cpython/numpy.h"

#ifdef UNSUPPORTED

PyMODINIT_FUNC
PyInit__sampler(void)
{
    PyErr_SetString(PyExc_ImportError, UNSUPPORTED);
    return NULL;
}

#else

#include "state.inc"
#include "stacks.inc"
#include "births.inc"
#include "graves.inc"
#include "samples.inc"
#include "hooks_raw.inc"
#include "hooks_small.inc"
#include "hooks_numpy.inc"
#include "life.inc"
#include "forks.inc"
#include "selftest.inc"
#include "reading.inc"

/* -- the module ------------------------------------------------------------------------------------ */

/* The self-test, once per process and its children; what is wrong, or NULL. */
static const char *
fit(void)
{
    static bool tested, registered, testing;
    static char said[512];
    if (!registered) {
        registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
        if (!registered) {
            return "its locks cannot be made safe for fork()";
        }
    }
    if (tested || active) {
        return NULL;
    }
    if (!only_interpreter()) {
        return "the process has subinterpreters";
    }
    if (testing) { /* the GIL is given away meanwhile */
        return "another thread is testing it";
    }
    testing = true;
    const char *problem = self_test(said, sizeof said);
    testing = false;
    tested = problem == NULL;
    return problem;
}

PyDoc_STRVAR(self_test_doc,
"self_test()\n--\n\n"
"Start, use and stop the engine in a forked child, once. None, or what is wrong.");

static PyObject *
self_test_now(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    const char *problem = fit();
    if (problem == NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(problem);
}

PyDoc_STRVAR(start_doc,
"start(nframe, interval, budget, seed=0)\n--\n\n"
"Begin sampling every `interval` bytes on average; 0: as often as `budget` (a share of\n"
"the CPU such as 0.01) allows. A `seed` makes the draws of this thread the same each time, for\n"
"tests. Raises RuntimeError with the reason where it cannot work.");

static PyObject *
start(PyObject *Py_UNUSED(module), PyObject *args)
{
    int nframe;
    double interval, share;
    unsigned long long seed = 0;
    if (!PyArg_ParseTuple(args, "idd|K:start", &nframe, &interval, &share, &seed)) {
        return NULL;
    }
    if (active) {
        Py_RETURN_NONE;
    }
    if (!(interval >= 0.0 && interval <= 1e12) || !(share >= 0.0 && share <= 1.0) ||
        (interval == 0.0 && share == 0.0)) {
        PyErr_SetString(PyExc_ValueError, "the interval or the budget is out of range");
        return NULL;
    }
    stop_engine(); /* what a fault may have left */
    const char *problem = fit();
    if (problem == NULL) {
        problem = start_engine(nframe, interval, share, seed);
    }
    if (problem != NULL) {
        PyErr_SetString(PyExc_RuntimeError, problem);
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stop_doc,
"stop()\n--\n\n"
"End sampling and forget the samples. Hooks with another tool's on top of them stay and\n"
"pass through.");

static PyObject *
stop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    stop_engine();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(end_doc,
"end()\n--\n\n"
"The interpreter ends: from now on threads without the GIL do not look at their stacks.");

static PyObject *
end(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    enter(); /* whoever is looking has finished */
    ending = true;
    leave();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(is_active_doc, "is_active()\n--\n\nWhether samples are being taken.");

static PyObject *
is_active(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(active);
}

PyDoc_STRVAR(check_doc,
"check()\n--\n\n"
"None if samples are being taken and all hooks are called; else the reason why not. Hooks\n"
"that another tool has removed turn the engine off: frees went unseen.");

static PyObject *
check(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    if (active && reached_now() != ALL_HOOKS) {
        fault("another tool has removed the allocator hooks");
    }
    if (active) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(fault_reason != NULL ? fault_reason : "it was not started");
}

PyDoc_STRVAR(problem_doc,
"problem()\n--\n\nWhat is inconsistent in the tables, or None. Walks them all: for tests.");

static PyObject *
problem(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    enter();
    const char *wrong = tables_problem(&tables);
    leave();
    if (wrong == NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(wrong);
}

PyDoc_STRVAR(counters_doc,
"counters()\n--\n\n"
"(estimated live bytes, their peak, bytes of the engine's own tables)");

static PyObject *
counters(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    enter();
    unsigned long long bytes = tables.bytes, most = peak;
    size_t own = tables_memory(&tables) + sizeof filter;
    leave();
    return Py_BuildValue("(KKn)", bytes, most, (Py_ssize_t)own);
}

PyDoc_STRVAR(stats_doc,
"stats()\n--\n\nThe engine's figures as a dict; see leakhunt.engine.sampled for their meaning.");

static PyObject *
stats(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    double cpu = (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    enter();
    double spent = cpu - cpu_at_start;
    double hooks = calls * pace.hook_cost, cost = cost_samples, credit = pace.credit;
    double debt = pace.debt;
    double share = spent > 1e6 ? (cost + hooks) / spent : 0.0;
    double interval = intervals[pace.step];
    unsigned samples = tables.used, stacks = tables.stacks.used;
    unsigned long long all = taken, dropped = tables.dropped, unplaced = tables.unplaced,
                       ghosts = tables.ghosts, astray = unrouted,
                       compactions = tables.compactions;
    leave();
    return Py_BuildValue(
        "{s:d,s:I,s:I,s:K,s:K,s:K,s:K,s:K,s:K,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:O,s:O,s:i,s:z}",
        "interval", interval, "samples", samples, "stacks", stacks, "taken", all,
        "dropped", dropped, "unplaced", unplaced, "ghosts", ghosts, "unrouted", astray,
        "compactions", compactions, "overhead", share, "sample_ns", cost, "hook_ns", hooks,
        "call_ns", pace.hook_cost, "cpu_ns", spent, "credit_ns", credit, "debt_ns", debt, "importing",
        pace.importing ? Py_True : Py_False, "routing", routing ? Py_True : Py_False,
        "nframe", nframe_limit, "fault", fault_reason);
}

static PyMethodDef methods[] = {
    {"self_test", self_test_now, METH_NOARGS, self_test_doc},
    {"start", start, METH_VARARGS, start_doc},
    {"stop", stop, METH_NOARGS, stop_doc},
    {"is_active", is_active, METH_NOARGS, is_active_doc},
    {"check", check, METH_NOARGS, check_doc},
    {"problem", problem, METH_NOARGS, problem_doc},
    {"counters", counters, METH_NOARGS, counters_doc},
    {"stats", stats, METH_NOARGS, stats_doc},
    {"end", end, METH_NOARGS, end_doc},
    {"live", live, METH_VARARGS, live_doc},
    {"let_go", let_go_there, METH_NOARGS, let_go_doc},
    {"begin_task", (PyCFunction)(void (*)(void))begin_task, METH_FASTCALL, begin_task_doc},
    {"end_task", (PyCFunction)(void (*)(void))end_task, METH_FASTCALL, end_task_doc},
    {"heads", heads, METH_VARARGS, heads_doc},
    {"read", read_tables, METH_NOARGS, read_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakhunt.engine._sampler",
    .m_doc = "Samples allocations with their stacks, and knows which are still alive.",
    .m_size = -1, /* one per process: the allocator hooks are */
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__sampler(void)
{
    if (!is_known_layout()) {
        return NULL;
    }
    PyObject *created = with_built(PyModule_Create(&module));
    PyObject *capsule = created != NULL ? PyCapsule_New(&at_fork, AT_FORK, NULL) : NULL;
    if (capsule == NULL || PyModule_AddObject(created, "at_fork", capsule) < 0) {
        Py_XDECREF(capsule);
        Py_XDECREF(created);
        return NULL;
    }
    return created;
}

#endif /* UNSUPPORTED */
