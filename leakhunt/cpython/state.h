/* The interpreter's own state, where this module was compiled to find it.
 *
 * A module that was built for one minor version is loaded by each of its releases, and what is internal may
 * move between two of them: 3.13 moved the collector's lists by four bytes when it declared how objects are
 * aligned, and 3.14 changed its collector in the middle. So what is read of the state is compared with what
 * public functions say of it, beside what layout.h compares. Include after Python.h, with
 * Py_BUILD_CORE_MODULE from before it.
 */
#ifndef LEAKHUNT_STATE_H
#define LEAKHUNT_STATE_H

#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#include "layout.h"

#include <stdint.h>
#include <string.h>

enum { GENERATIONS = 3 };

/* What is collected, from the youngest on. Up to 3.13 the interpreter keeps the address of the youngest beside
 * the array, which says where that begins, however it is aligned. 3.14 named the same three otherwise at
 * first. */
static inline struct gc_generation *
generations_of(struct _gc_runtime_state *state)
{
#if PY_VERSION_HEX >= 0x030E0000
    return &state->permanent_generation - GENERATIONS;
#else
    return (struct gc_generation *)state->generation0;
#endif
}

/* Where the list of threads' states begins: the newest is first, and each has the `next` older one. */
static inline PyThreadState **
threads_of(PyInterpreterState *interpreter)
{
#if PY_VERSION_HEX >= 0x030B0000
    return &interpreter->threads.head;
#else
    return &interpreter->tstate_head;
#endif
}

/* Have the import lock, for the calling thread of a child in which there is no other, whoever had it at the fork:
 * since 3.13 PyOS_AfterFork_Child() lets go of it, as PyOS_BeforeFork() has taken it, and ends the process where
 * another thread has it. Before, it makes the lock anew itself. */
static inline void
take_import_lock(PyInterpreterState *interpreter)
{
#if PY_VERSION_HEX >= 0x030D0000
    memset(&interpreter->imports.lock, 0, sizeof interpreter->imports.lock);
    _PyRecursiveMutex_Lock(&interpreter->imports.lock);
#else
    (void)interpreter;
#endif
}

/* 1, or 0 with an ImportError. Since 3.14 the interpreter says where its fields are: layout.h. Before, those that
 * are read first and last have a getter, and the address of the collector's lists must lie in front of
 * where it is kept. What the forked child of a capture sets to NULL behind them (before_forkers) has none. */
static inline int
is_known_state(void)
{
#if PY_VERSION_HEX < 0x030E0000
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    PyObject *dict = PyInterpreterState_GetDict(interpreter); /* makes it, if need be */
    uintptr_t lists = (uintptr_t)interpreter->gc.generation0;
    PyThreadState *newest = *threads_of(interpreter);
    if (newest != PyInterpreterState_ThreadHead(interpreter) || interpreter->dict != dict ||
        lists < (uintptr_t)&interpreter->gc || lists >= (uintptr_t)&interpreter->gc.generation0) {
        PyErr_SetString(PyExc_ImportError, LAID_OUT_OTHERWISE);
        return 0;
    }
#endif
    return is_known_layout();
}

#endif
