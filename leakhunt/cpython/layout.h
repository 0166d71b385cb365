/* Whether the running interpreter lays its structs out as this module was compiled for.
 *
 * A module that was built for one minor version is loaded by each of its releases, and what is internal
 * may move between two of them: 3.14 changed its collector in the middle. Since 3.14 the interpreter
 * says itself where its fields are (Include/internal/pycore_debug_offsets.h), for debuggers; here that
 * is compared with what the headers said. Include after Python.h, with Py_BUILD_CORE.
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

#if PY_VERSION_HEX >= 0x030E0000
#include <string.h>
#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"
#include "internal/pycore_debug_offsets.h"
#include "internal/pycore_interpframe.h"
#endif

#define LAID_OUT_OTHERWISE \
    "it was compiled for Python " PY_VERSION ", and this release lays its structs out otherwise: " \
    "install leakhunt anew with a compiler"

/* 1, or 0 with an ImportError.
 *
 * The interpreter's state ends with the state of its first thread, which is longer where the
 * interpreter was built with a JIT; nothing in the headers tells that. So sizes of what it is part of are
 * compared without it, and what lies beyond the last offset that is told by a field that has a getter.
 */
static inline int
is_known_layout(void)
{
#if PY_VERSION_HEX >= 0x030E0000
    const _Py_DebugOffsets *told = &_PyRuntime.debug_offsets;
    _Py_DebugOffsets own = _Py_DebugOffsets_INIT(_Py_Debug_Cookie);
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    PyObject *dict = PyInterpreterState_GetDict(interpreter); /* makes it, if need be */
    int fits = own.runtime_state.size - own.interpreter_state.size ==
               told->runtime_state.size - told->interpreter_state.size;
    own.version = told->version;
    own.runtime_state.size = told->runtime_state.size;
    own.interpreter_state.size = told->interpreter_state.size;
    if (!fits || memcmp(&own, told, sizeof own) != 0 ||
        interpreter->dict != dict) {
        PyErr_SetString(PyExc_ImportError, LAID_OUT_OTHERWISE);
        return 0;
    }
#endif
    return 1;
}

#endif
