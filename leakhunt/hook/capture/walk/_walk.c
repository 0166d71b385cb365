/* Walks the whole heap: what there is, what holds it, and what would be freed without it.
 *
 * One call in a capture's forked child. All memory is its own and is given back; no reference count
 * changes, no code of the user's runs (no __repr__, property, descriptor, hash or comparison), and
 * a tp_traverse that crashes costs the objects of its type. Names of code go into the answer, and
 * never keys of ordinary dicts or contents.
 *
 * CPython 3.9 to 3.15.
 */
#include "../../../cpython/gc.h"
#include "../../../cpython/containers.h"
#include "../../../cpython/calls.h"
#include "../../../cpython/objects.h"
#include "../../../cpython/modules.h"
#include "../../../cpython/numpy.h"
#include "../../../cpython/built.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#include "memory.inc"
#include "arrays.inc"
#include "graph.inc"
#include "roots.inc"
#include "order.inc"
#include "dominators.inc"
#include "texts.inc"
#include "names.inc"
#include "bounds.inc"
#include "shapes.inc"
#include "weights.inc"
#include "counts.inc"
#include "places.inc"
#include "answers.inc"

/* -- crashes ---------------------------------------------------------------------------------- */

#define MOST_CRASHES 16
#define SIGNAL_STACK 65536

static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGVTALRM};
#define DEADLY (sizeof deadly / sizeof *deadly)
static sigjmp_buf back;

static void
jump_back(int number)
{
    siglongjmp(back, number);
}

typedef struct {
    struct sigaction actions[DEADLY];
    stack_t stack;
    Row room;
} Guard;

static int
guard_begin(Guard *guard, double seconds)
{
    memset(guard, 0, sizeof *guard);
    if (!row_reserve(&guard->room, SIGNAL_STACK)) {
        return 0;
    }
    stack_t stack = {.ss_sp = guard->room.at, .ss_size = guard->room.room};
    struct sigaction action = {.sa_handler = jump_back, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaltstack(&stack, &guard->stack);
    for (size_t at = 0; at < DEADLY; at++) {
        sigaction(deadly[at], &action, &guard->actions[at]);
    }
    /* For one that never returns: user time, after everything else should have ended. */
    struct itimerval timer = {{0, 0}, {(time_t)(seconds * 2) + 1, 0}};
    setitimer(ITIMER_VIRTUAL, &timer, NULL);
    return 1;
}

static void
guard_end(Guard *guard)
{
    struct itimerval none = {{0, 0}, {0, 0}};
    setitimer(ITIMER_VIRTUAL, &none, NULL);
    for (size_t at = 0; at < DEADLY; at++) {
        sigaction(deadly[at], &guard->actions[at], NULL);
    }
    if (!(guard->stack.ss_flags & SS_ONSTACK)) {
        sigaltstack(&guard->stack, NULL);
    }
    row_free(&guard->room);
}

/* -- the walk --------------------------------------------------------------------------------- */

static void
forget_all(void)
{
    Row *rows[] = {
        &graph.objects, &graph.flags, &graph.refs, &graph.firsts, &graph.targets, &graph.roots,
        &graph.unsure, &graph.index.pairs, &graph.types.pairs, &ways.costs, &ways.parents, &ways.whys,
        &tree.number, &tree.node, &tree.parent, &tree.semi, &tree.ancestor, &tree.label, &tree.idom,
        &tree.first, &tree.from, &tree.bucket, &tree.next, &tree.retained, &names.letters,
        &names.texts, &names.shapes, &names.by_node, &names.chain, &names.known_texts.pairs,
        &names.known_shapes.pairs, &names.known_types.pairs, &sizes, &tied.wanted.pairs, &tied.ties,
        &tied.nodes, &tied.holders, &tied.held.pairs, &tied.by_node, &counted.places.pairs, &counted.counts,
        &counted.uses, &placed.wanted.pairs, &placed.seen.pairs, &placed.containers, &placed.entries,
        &placed.places, &traced.seen, &bounds.trusted.pairs,
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        row_free(rows[at]);
    }
    for (int at = 0; at < RING; at++) {
        row_free(&ways.buckets[at]);
    }
}

/* The graph, within the budget. What crashes is left out. */
static void
build(void)
{
    volatile int listed = 0;
    int number = sigsetjmp(back, 1);
    if (number == SIGVTALRM) {
        graph.late = 1;
    }
    else if (number != 0) {
        PyTypeObject *type = graph.current;
        graph.crashed++;
        if (type != NULL) {
            graph.crashed_in = type;
            map_add(&graph.types, (uintptr_t)type);
        }
        graph.late |= graph.crashed >= MOST_CRASHES || type == NULL;
        if (graph.crashed > MOST_CRASHES) { /* where nothing of anybody's is traversed any more */
            graph.expanded = 0;
            return;
        }
    }
    if (!listed) {
        listed = 1;
        begin_graph();
    }
    if (NODES == 0 || graph.types.pairs.at == NULL) {
        graph.full = 1; /* no room for as much as a beginning */
        return;
    }
    if (!graph.late && !graph.full) {
        expand_all(); /* first what the roots lead to, so that a walk cut short has whole ways */
        if (listed == 1) {
            listed = 2;
            each_anywhere(add_tracked);
        }
        expand_all();
    }
    uint32_t *end = row_add(&graph.firsts, sizeof(uint32_t));
    if (end == NULL) {
        graph.expanded -= graph.expanded > 0;
        graph.full = 1;
    }
    if (NUMBER(graph.firsts, uint32_t) <= graph.expanded) {
        graph.expanded = 0; /* not even for one: nothing is known */
        return;
    }
    ITEMS(graph.firsts, uint32_t)[graph.expanded] = (uint32_t)NUMBER(graph.targets, uint32_t);
}

PyDoc_STRVAR(walk_doc,
"walk(blocks, seconds, memory, own, traced, threads=b'')\n--\n\n"
"The heap of this process: a dict of counts, names and sizes, all of them plain values.\n\n"
"`blocks`: addresses of 64 bits each, of which it is told what holds the objects in them. It takes\n"
"at most about `seconds` of CPU time and `memory` bytes; what was not reached then is missing, and\n"
"`whole` is False. `own`: the beginning of the file names of the caller's own code, which is left out.\n"
"`traced`: of so many blocks that tracemalloc knows, about, it is told the same by traceback; 0: of none.\n"
"`threads`: addresses of thread states besides those that the interpreter lists (fork_and_read puts them aside).\n"
"To be called with the collector off, while no other thread runs. Raises TypeError, MemoryError.");

static PyObject *
answers(const char *blocks, Py_ssize_t length, unsigned long long most, double deadline)
{
    int full = graph.full, whole = !graph.late && !full && !graph.crashed;
    graph.full = 0;
    if (whole) {
        add_others();
    }
    if (!find_ways()) {
        return PyErr_NoMemory();
    }
    mark_own();
    if (!weigh_all() || !begin_names() || !map_init(&tied.held, 1024)) {
        return PyErr_NoMemory();
    }
    if (whole && (!find_dominators() || !add_up(ITEMS(sizes, uint64_t)))) {
        row_free(&tree.retained);
    }
    tied.whole = whole;
    if (!tie_wanted(blocks, (size_t)length / 8)) {
        return PyErr_NoMemory();
    }
    PyObject *crashed = text_for(graph.crashed_in != NULL ? text_of_type(graph.crashed_in) : 0);
    PyObject *by_traceback = most ? told_traced(most) : Py_BuildValue("");
    PyObject *types = told_types(ALIVE, whole), *garbage = told_types(GARBAGE, whole);
    PyObject *containers = told_containers(whole), *points = told_points();
    PyObject *holders = told_nodes(&tied.holders);
    if (!crashed || !by_traceback || !types || !garbage || !containers || !points || !holders) {
        return NULL; /* the child ends soon: nothing is given back */
    }
    PyObject *shapes = told_shapes(), *ties = told_row(&tied.ties), *counts = told_counts(whole, deadline);
    PyObject *places = counts != NULL && counts != Py_None ? told_places(deadline) : Py_BuildValue("");
    if (!counts || !places) {
        return NULL;
    }
    return Py_BuildValue(
        "{s:N,s:N,s:N,s:N,s:N,s:N,s:N,s:N,s:N,s:N,s:N,s:O,s:O,s:O,s:I,s:n,s:n}", "crashed", crashed, "traced",
        by_traceback, "counts", counts, "places", places, "types", types, "garbage", garbage, "containers", containers, "points", points,
        "holders", holders, "shapes", shapes, "ties", ties, "whole",
        whole ? Py_True : Py_False, "late", graph.late ? Py_True : Py_False, "full",
        full ? Py_True : Py_False, "objects", NODES - 1, "tracked", (Py_ssize_t)graph.tracked,
        "memory", (Py_ssize_t)memory_taken);
}

static PyObject *
walk(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *blocks, *own, *threads = "";
    Py_ssize_t length, own_length, threads_length = 0;
    double seconds;
    unsigned long long memory, most;
    if (!PyArg_ParseTuple(args, "y#dKs#K|y#:walk", &blocks, &length, &seconds, &memory, &own, &own_length,
                          &most, &threads, &threads_length)) {
        return NULL;
    }
    if (length % 8 || threads_length % 8) {
        PyErr_SetString(PyExc_TypeError, "walk() needs addresses of 8 bytes each");
        return NULL;
    }
    forget_all();
    memset(&graph, 0, sizeof graph);
    graph.own = own;
    graph.own_length = (size_t)own_length;
    graph.threads = threads;
    graph.threads_number = (size_t)threads_length / 8;
    graph.left = STRIDE;
    double began = cpu_seconds();
    graph.deadline = began + seconds * 0.6; /* the rest is for what follows from the graph */
    memory_most = (size_t)(memory / 100 * 50);
    numpy_array = numpy_array_type();
    Guard guard;
    if (!guard_begin(&guard, seconds)) {
        return PyErr_NoMemory();
    }
    build();
    memory_most = (size_t)memory;
    PyObject *volatile result = NULL;
    int number = sigsetjmp(back, 1);
    if (number == 0) {
        result = NODES > 1 && graph.expanded > 0 ? answers(blocks, length, most, began + seconds) : PyErr_NoMemory();
    }
    else {
        PyErr_Format(PyExc_RuntimeError, "reading what was found ended by signal %d", number);
    }
    guard_end(&guard);
    forget_all();
    if (result != NULL) {
        PyObject *took = PyFloat_FromDouble(cpu_seconds() - began);
        if (took == NULL || PyDict_SetItemString(result, "seconds", took) < 0) {
            Py_CLEAR(result);
        }
        Py_XDECREF(took);
    }
    return result;
}

/* -- the module ---------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"walk", walk, METH_VARARGS, walk_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakhunt.hook.capture.walk._walk",
    .m_doc = "What the heap is, and what holds it.",
    .m_size = 0,
    .m_methods = methods,
};

static int
see_dict(PyObject *object, void *context)
{
    if (PyDict_CheckExact(object)) {
        *(PyObject **)context = object;
    }
    return 0;
}

/* Where a functools.lru_cache has its bound and its results: looked for in one that is made for it. */
static void
learn_lru(void)
{
    enum { BOUND = 0x5A5A1 };
    PyObject *function = PyDict_GetItemString(PyEval_GetBuiltins(), "len"), *cache = NULL;
    PyObject *made = lru_type != NULL && function != NULL
                         ? PyObject_CallFunction((PyObject *)lru_type, "OiiO", function, BOUND, 0, Py_None)
                         : NULL;
    if (made == NULL) {
        PyErr_Clear();
        return;
    }
    lru_type->tp_traverse(made, see_dict, &cache);
    lru_has_ring = (size_t)lru_type->tp_basicsize > sizeof(LruLink) && ((LruLink *)made)->next == (void *)made &&
                   ((LruLink *)made)->previous == (void *)made;
    for (size_t at = sizeof(PyObject); at + 8 <= (size_t)lru_type->tp_basicsize; at += 8) {
        void *word = *(void **)((char *)made + at);
        if ((uintptr_t)word == BOUND) {
            lru_bound_at = at;
        }
        if (cache != NULL && word == cache && cache != dict_of(made)) {
            lru_cache_at = at;
        }
    }
    Py_DECREF(made);
}

/* Whether an OrderedDict is laid out as told in modules.h: seen in one of a single key. */
static void
learn_ordered(void)
{
    PyObject *made = PyODict_New();
    if (made != NULL && PyODict_SetItem(made, Py_None, Py_None) == 0 &&
        (size_t)Py_TYPE(made)->tp_basicsize >= sizeof(Ordered)) {
        const Ordered *ordered = (Ordered *)made;
        const OrderNode *only = ordered->first;
        int places = 0;
        ordered_is_known = only != NULL && only == ordered->last && ordered->slots == 8 && ordered->table != NULL &&
                           only->key == Py_None && only->next == NULL && only->previous == NULL;
        for (int at = 0; ordered_is_known && at < 8; at++) {
            places += ordered->table[at] == only;
        }
        ordered_is_known &= places == 1;
    }
    PyErr_Clear();
    Py_XDECREF(made);
}

PyMODINIT_FUNC
PyInit__walk(void)
{
    if (!is_known_state()) {
        return NULL;
    }
    deque_type = type_in("_collections", "deque");
    lru_type = type_in("_functools", "_lru_cache_wrapper");
    local_type = type_in("_thread", "_local");
    array_type = type_in("array", "array");
    learn_lru();
    learn_ordered();
    return with_built(PyModule_Create(&module));
}
