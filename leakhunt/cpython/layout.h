/* Whether the running interpreter lays its structs out as this module was compiled for.
 *
 * A module that was built for one minor version is loaded by each of its releases, and what is internal
 * may move between two of them: 3.13 moved the collector's lists by four bytes when it declared how objects
 * are aligned, and 3.14 changed its collector in the middle. Since 3.14 the interpreter says itself where
 * its fields are (Include/internal/pycore_debug_offsets.h), for debuggers; here that is compared with what
 * the headers said. Before, what is read is compared with what public functions say. Of the structs that
 * other extensions are compiled against (objects, frames: greenlet, Cython) no release has moved one.
 * Include after Python.h, with Py_BUILD_CORE.
 */
#ifndef LEAKHUNT_LAYOUT_H
#define LEAKHUNT_LAYOUT_H

#if defined(PYPY_VERSION)
#define NO_PLACE "PyPy has no such structs"
#elif defined(Py_GIL_DISABLED)
#define NO_PLACE "free-threaded builds of Python lay objects out in another way"
#elif PY_VERSION_HEX < 0x03090000 || PY_VERSION_HEX >= 0x03100000
#define NO_PLACE "it does not know this version of Python"
#endif

#ifdef NO_PLACE
#define STRINGIFIED(text) #text
#error NO_PLACE
#endif

#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#if PY_VERSION_HEX >= 0x030E0000
#include <string.h>
#include "internal/pycore_runtime.h"
#include "internal/pycore_debug_offsets.h"
#include "internal/pycore_interpframe.h"
#endif

#if PY_VERSION_HEX < 0x030E0000
/* The list of the youngest generation, the first of the array; the interpreter keeps its address beside the
 * array, which says where that begins, however it is aligned. */
static inline struct gc_generation *
generations_of(struct _gc_runtime_state *state)
{
    return (struct gc_generation *)state->generation0;
}

static inline int
is_within(const void *address, const void *whole, size_t size)
{
    return (uintptr_t)address >= (uintptr_t)whole && (uintptr_t)address < (uintptr_t)whole + size;
}

/* The fields from the beginning to the end of what is used of the state, where they have a getter. */
static inline int
tells_the_same(PyInterpreterState *interpreter)
{
    struct _gc_runtime_state *state = &interpreter->gc;
    PyObject *dict = PyInterpreterState_GetDict(interpreter); /* makes it, if need be */
#if PY_VERSION_HEX >= 0x030B0000
    PyThreadState *newest = interpreter->threads.head;
#else
    PyThreadState *newest = interpreter->tstate_head;
#endif
    _PyFrameEvalFunction evaluates = interpreter->eval_frame; /* NULL since 3.11, where nobody has set one */
    evaluates = evaluates != NULL ? evaluates : _PyEval_EvalFrameDefault;
    return newest == PyInterpreterState_ThreadHead(interpreter) && interpreter->dict == dict &&
           evaluates == _PyInterpreterState_GetEvalFrameFunc(interpreter) &&
           is_within(state->generation0, state, (size_t)((char *)&state->generation0 - (char *)state));
}
#else
/* What is collected, from the youngest on; 3.14 named the same three otherwise at first. */
static inline struct gc_generation *
generations_of(struct _gc_runtime_state *state)
{
    return &state->permanent_generation - 3;
}
#endif

/* 1, or 0 with an ImportError.
 *
 * The interpreter's state ends with the state of its first thread, which is longer where the
 * interpreter was built with a JIT; nothing in the headers tells that. So sizes of what it is part of are
 * compared without it, and what lies beyond the last offset that is told by a field that has a getter.
 */
static inline int
is_known_layout(void)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();
#if PY_VERSION_HEX >= 0x030E0000
    const _Py_DebugOffsets *told = &_PyRuntime.debug_offsets;
    _Py_DebugOffsets known = _Py_DebugOffsets_INIT(_Py_Debug_Cookie);
    PyObject *dict = PyInterpreterState_GetDict(interpreter); /* makes it, if need be */
    int fits = known.runtime_state.size - known.interpreter_state.size ==
               told->runtime_state.size - told->interpreter_state.size;
    known.version = told->version;
    known.runtime_state.size = told->runtime_state.size;
    known.interpreter_state.size = told->interpreter_state.size;
    fits = fits && memcmp(&known, told, sizeof known) == 0 && interpreter->dict == dict;
#else
    int fits = tells_the_same(interpreter);
#endif
    if (!fits) {
        PyErr_Format(PyExc_ImportError,
                     "it was compiled for Python " PY_VERSION ", and this release lays its structs out "
                     "otherwise: install leakhunt anew with a compiler");
    }
    return fits;
}

#endif
