/* What differs between CPython's minor versions: where the frames of a thread are.
 *
 * Reads the interpreter's own structs and nothing else: no allocation, no reference
 * count, no call into the interpreter. The public frame API creates frame objects on
 * 3.11 and can run the garbage collector in the middle of a realloc.
 *
 * See Include/internal/pycore_frame.h and Include/cpython/pystate.h of 3.9 to 3.15
 * (since 3.14 pycore_interpframe.h),
 * and tracemalloc_get_frame / traceback_get_frames in Modules/_tracemalloc.c, which
 * walk the same structs at the same moments.
 */
#ifndef LEAKHUNT_FRAMES_H
#define LEAKHUNT_FRAMES_H

#if defined(PYPY_VERSION)
#define UNSUPPORTED "PyPy has no allocator hooks"
#elif defined(_WIN32)
#define UNSUPPORTED "the sampled engine needs fork() and pthreads"
#elif defined(Py_GIL_DISABLED)
#define UNSUPPORTED "free-threaded builds of Python are not supported by the sampled engine"
#elif PY_VERSION_HEX < 0x03090000 || PY_VERSION_HEX >= 0x03100000
#define UNSUPPORTED "the sampled engine does not know this version of Python"
#endif

#ifndef UNSUPPORTED

#include <stdbool.h>
#include <stdint.h>

#include <frameobject.h>
#if PY_VERSION_HEX >= 0x030B0000
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1 /* after Python.h: for this header alone */
#endif
#if PY_VERSION_HEX >= 0x030E0000
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* CPython's, not ours */
#include <internal/pycore_interpframe.h>
#pragma GCC diagnostic pop
#else
#include <internal/pycore_frame.h>
#endif
#endif
#include "layout.h"

/* The place where a frame stands: `lasti` is a byte offset, as PyCode_Addr2Line wants it. */
typedef struct {
    PyCodeObject *code;
    int lasti;
} Place;

/* This thread's state if it holds the GIL, else NULL. Safe in any thread. */
static inline PyThreadState *
holding_gil(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_GetUnchecked(); /* of this thread, NULL while detached */
#elif PY_VERSION_HEX >= 0x030C0000
    return _PyThreadState_UncheckedGet();
#else
    /* Of whichever thread holds the GIL: compared by address, followed only if ours. */
    PyThreadState *current = _PyThreadState_UncheckedGet();
    return current != NULL && current == PyGILState_GetThisThreadState() ? current : NULL;
#endif
}

/* This thread's state without the GIL, NULL where Python does not know the thread or ends. Only
 * this thread changes its frames, and it is here: they stand still. The state itself goes with
 * its thread, or when the interpreter ends.
 */
static inline PyThreadState *
own_state(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing() ? NULL : PyGILState_GetThisThreadState();
#else
    return _Py_IsFinalizing() ? NULL : PyGILState_GetThisThreadState();
#endif
}

/* Whether the line of an instruction can be told without the GIL: sys.monitoring keeps tables of
 * its own (PyCode_Addr2Line, Objects/codeobject.c), which others may change.
 */
static inline bool
has_plain_lines(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030C0000
    return code->_co_monitoring == NULL;
#else
    (void)code;
    return true;
#endif
}

/* Tells a code object from another that takes its address when it is gone: 3.12 numbers them; the
 * parts of earlier ones mostly lie elsewhere.
 */
static inline uint64_t
code_mark(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030C0000
    return code->co_version;
#else
    return (uint64_t)(uintptr_t)code->co_consts ^ ((uint64_t)(uintptr_t)code->co_names << 20) ^
           (uint64_t)(uint32_t)code->co_stacksize;
#endif
}

/* Whether code objects are numbered, so that none is taken for another. */
#if PY_VERSION_HEX >= 0x030C0000
enum { CODES_ARE_NUMBERED = 1 };
#else
enum { CODES_ARE_NUMBERED = 0 };
#endif

/* Whether a str has its letters: up to 3.11 one that was made by an old function may get them later. */
static inline bool
has_letters(PyObject *string)
{
#if PY_VERSION_HEX >= 0x030C0000
    (void)string;
    return true;
#else
    return PyUnicode_IS_READY(string);
#endif
}

/* Whether an object's first word says that it lives: it counts references, since 3.14 in its lower half alone, with an
 * overflow and flags above (Include/object.h). What a free list has is linked through that word since 3.14
 * (Include/internal/pycore_freelist.h): such an address reaches into the overflow, which is 0 in what lives, or, in
 * the heap of a program that stands low in memory, is a multiple of 8 above 16 million and below what is immortal.
 */
static inline bool
counts_references(uint64_t word)
{
#if PY_VERSION_HEX >= 0x030E0000
    uint32_t references = (uint32_t)word;
    bool is_low = references >= UINT32_C(1) << 24 && references < UINT32_C(1) << 31 && references % 8 == 0;
    return references != 0 && (uint16_t)(word >> 32) == 0 && !is_low;
#else
    return (int64_t)word > 0;
#endif
}

/* The frame that a thread with the GIL runs, and those around it: only to be told apart, and to
 * be asked for their code. A frame stays at its address for as long as its function runs.
 */
#if PY_VERSION_HEX < 0x030B0000
static inline const void *
top_frame(PyThreadState *state)
{
    return state->frame;
}

static inline const void *
outer_frame(const void *frame)
{
    return ((const PyFrameObject *)frame)->f_back;
}

static inline PyCodeObject *
frame_code(const void *frame)
{
    return ((const PyFrameObject *)frame)->f_code;
}
#else
static inline const void *
top_frame(PyThreadState *state)
{
#if PY_VERSION_HEX >= 0x030D0000
    return state->current_frame;
#else
    return state->cframe == NULL ? NULL : state->cframe->current_frame;
#endif
}

static inline const void *
outer_frame(const void *frame)
{
    return ((const _PyInterpreterFrame *)frame)->previous;
}

/* NULL where it is none of Python code. */
static inline PyCodeObject *
frame_code(const void *at)
{
    const _PyInterpreterFrame *frame = at;
#if PY_VERSION_HEX >= 0x030E0000
    if (frame->owner >= FRAME_OWNED_BY_INTERPRETER || PyStackRef_IsNull(frame->f_executable)) {
        return NULL;
    }
    PyObject *executable = PyStackRef_AsPyObjectBorrow(frame->f_executable);
#elif PY_VERSION_HEX >= 0x030D0000
    PyObject *executable = frame->owner == FRAME_OWNED_BY_CSTACK ? NULL : frame->f_executable;
#elif PY_VERSION_HEX >= 0x030C0000
    PyObject *executable = (PyObject *)(frame->owner == FRAME_OWNED_BY_CSTACK ? NULL : frame->f_code);
#else
    PyObject *executable = (PyObject *)frame->f_code;
#endif
    return executable != NULL && PyCode_Check(executable) ? (PyCodeObject *)executable : NULL;
}
#endif

/* Fetch what place_key() will read of a code object: in a real worker it is cold. */
static inline void
will_read(const PyCodeObject *code)
{
    __builtin_prefetch(&code->co_firstlineno);
    __builtin_prefetch(&code->co_filename);
}

/* The innermost `limit` frames of a thread that holds the GIL, most recent first. */
static inline int
walk_frames(PyThreadState *state, Place *places, int limit)
{
    int depth = 0;
#if PY_VERSION_HEX < 0x030B0000
    PyFrameObject *frame = state->frame;
    for (; frame != NULL && depth < limit; frame = frame->f_back) {
        if (frame->f_code == NULL || Py_REFCNT(frame->f_code) <= 0) {
            continue;
        }
        will_read(frame->f_code);
        places[depth].code = frame->f_code;
#if PY_VERSION_HEX >= 0x030A0000
        places[depth].lasti = frame->f_lasti * (int)sizeof(_Py_CODEUNIT);
#else
        places[depth].lasti = frame->f_lasti;
#endif
        depth++;
    }
#else
#if PY_VERSION_HEX >= 0x030D0000
    _PyInterpreterFrame *frame = state->current_frame;
#else
    if (state->cframe == NULL) {
        return 0;
    }
    _PyInterpreterFrame *frame = state->cframe->current_frame;
#endif
    for (; frame != NULL && depth < limit; frame = frame->previous) {
#if PY_VERSION_HEX >= 0x030E0000
        if (frame->owner >= FRAME_OWNED_BY_INTERPRETER || PyStackRef_IsNull(frame->f_executable)) {
            continue; /* the interpreter's own, or the C stack's */
        }
        PyObject *executable = PyStackRef_AsPyObjectBorrow(frame->f_executable);
        if (!PyCode_Check(executable)) {
            continue;
        }
        PyCodeObject *code = (PyCodeObject *)executable;
        _Py_CODEUNIT *at = frame->instr_ptr;
#else
#if PY_VERSION_HEX >= 0x030C0000
        if (frame->owner == FRAME_OWNED_BY_CSTACK) {
            continue;
        }
#endif
#if PY_VERSION_HEX >= 0x030D0000
        if (frame->f_executable == NULL || !PyCode_Check(frame->f_executable)) {
            continue;
        }
        PyCodeObject *code = (PyCodeObject *)frame->f_executable;
        _Py_CODEUNIT *at = frame->instr_ptr;
#else
        PyCodeObject *code = frame->f_code;
        _Py_CODEUNIT *at = frame->prev_instr;
#endif
#endif
        if (code == NULL) {
            continue;
        }
        will_read(code);
        /* On its way out: a weakref's callback may allocate when its texts are gone. */
        if (Py_REFCNT(code) <= 0) {
            continue;
        }
        /* Incomplete: still making its cells, or the generator that it will be. */
        ptrdiff_t index = at - _PyCode_CODE(code);
        if (frame->owner != FRAME_OWNED_BY_GENERATOR && index < code->_co_firsttraceable) {
            continue;
        }
        if (index < 0) {
            index = 0;
        }
        places[depth].code = code;
        places[depth].lasti = (int)(index * (ptrdiff_t)sizeof(_Py_CODEUNIT));
        depth++;
    }
#endif
    return depth;
}

static inline PyObject *
code_line_table(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030A0000
    return code->co_linetable;
#else
    return code->co_lnotab;
#endif
}

static inline PyObject *
code_function(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030B0000
    return code->co_qualname;
#else
    return code->co_name;
#endif
}

#endif /* UNSUPPORTED */
#endif
