/* The objects that the collector knows, walked without touching one.
 *
 * Shared by _garbage.c and _holders.c, each of which includes it once. No reference count
 * changes and no Python memory is allocated, so that a forked child copies no page.
 *
 * CPython 3.9 to 3.15 with the default build: the list heads are internal. 3.14 began with an
 * incremental collector and went back to three generations at the same places.
 */
#ifndef LEAKHUNT_TRACKED_H
#define LEAKHUNT_TRACKED_H

#define PY_SSIZE_T_CLEAN
#define Py_BUILD_CORE_MODULE 1
#include <Python.h>
#include "state.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* -- a hash of addresses ---------------------------------------------------------------- */

typedef struct {
    uintptr_t *keys;
    uint32_t *values;
    size_t mask;
    size_t used;
} Table;

static inline int
table_init(Table *table, size_t expected)
{
    size_t size = 64;
    while (size < expected * 2) {
        size *= 2;
    }
    table->keys = calloc(size, sizeof(uintptr_t));
    table->values = malloc(size * sizeof(uint32_t));
    table->mask = size - 1;
    table->used = 0;
    return table->keys != NULL && table->values != NULL;
}

static inline void
table_free(Table *table)
{
    free(table->keys);
    free(table->values);
}

static inline uint64_t
scattered(uintptr_t address)
{
    return (uint64_t)(address >> 4) * UINT64_C(0x9E3779B97F4A7C15);
}

/* Where an address is, or would be. */
static inline size_t
slot_of(const Table *table, uintptr_t key)
{
    size_t at = (size_t)scattered(key) & table->mask;
    while (table->keys[at] != 0 && table->keys[at] != key) {
        at = (at + 1) & table->mask;
    }
    return at;
}

/* -- objects ------------------------------------------------------------------------------ */

/* Where an object's memory begins: what stands before it are the collector's header, and since
 * 3.11 two pointers for a dict and weak references (_PyType_PreHeaderSize; 3.11's own
 * get_object_traceback forgets these). */
static inline uintptr_t
block_of(PyObject *object)
{
    size_t before = PyObject_IS_GC(object) ? sizeof(PyGC_Head) : 0;
#if PY_VERSION_HEX >= 0x030C0000
    before += PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_PREHEADER) ? 2 * sizeof(void *) : 0;
#elif PY_VERSION_HEX >= 0x030B0000
    before += PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_MANAGED_DICT) ? 2 * sizeof(void *) : 0;
#endif
    return (uintptr_t)object - before;
}

typedef int (*Seen)(PyObject *, void *);

/* The lowest bits are flags: during a collection, and in the first releases of 3.14 at all times. */
static inline PyGC_Head *
next_of(const PyGC_Head *gc)
{
    return (PyGC_Head *)(gc->_gc_next & ~(uintptr_t)3);
}

/* Call `seen` for each tracked object of a list until it returns nonzero; that, or 0. */
static int
each_of(PyGC_Head *head, Seen seen, void *context)
{
    for (PyGC_Head *gc = next_of(head); gc != head; gc = next_of(gc)) {
        int stop = seen((PyObject *)(gc + 1), context);
        if (stop) {
            return stop;
        }
    }
    return 0;
}

/* A dict, or since 3.15 a frozendict, which is laid out alike. */
static inline int
is_dict(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030F0000
    return PyAnyDict_Check(object);
#else
    return PyDict_Check(object);
#endif
}

/* Whether the collector may not list an object though it holds others: it leaves out what can be in no
 * cycle, such as a tuple of strings; since 3.15 a frozenset as well. */
static inline int
may_be_unlisted(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030F0000
    if (type == &PyFrozenSet_Type || type == &PyFrozenDict_Type) {
        return 1;
    }
#endif
    return type == &PyTuple_Type || type == &PyDict_Type;
}

static int
each_tracked(Seen seen, void *context)
{
    struct _gc_runtime_state *state = &PyThreadState_Get()->interp->gc;
    int stop = 0;
    for (int generation = 0; generation < GENERATIONS && !stop; generation++) {
        stop = each_of(&generations_of(state)[generation].head, seen, context);
    }
    return stop;
}

/* About how many objects are listed, by what the collector counts itself; -1: since 3.14 it does not count the old
 * ones. long_lived_total and long_lived_pending are of the oldest generation (gc_collect_main), the count
 * of the youngest is of its objects; the middle one holds what some collections of that have left. */
static inline Py_ssize_t
tracked_as_counted(void)
{
#if PY_VERSION_HEX >= 0x030E0000
    return -1;
#else
    struct _gc_runtime_state *state = &PyThreadState_Get()->interp->gc;
    struct gc_generation *generations = generations_of(state);
    Py_ssize_t young = generations[0].count, middle = generations[1].count;
    Py_ssize_t each = generations[0].threshold;
    return state->long_lived_total + state->long_lived_pending + (young > 0 ? young : 0) +
           (middle > 0 ? middle * each : 0);
#endif
}

#endif
