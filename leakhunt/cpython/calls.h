/* What a call holds: variables and values of running threads, suspended generators and frame objects.
 *
 * Reads structs and calls nothing that allocates, changes a reference count or runs code of the
 * user's. Include after gc.h.
 *
 * See Include/internal/pycore_frame.h, pycore_interpframe.h and pycore_stackref.h, Objects/frameobject.c and
 * genobject.c of CPython 3.9 to 3.15.
 */
#ifndef LEAKHUNT_CALLS_H
#define LEAKHUNT_CALLS_H

#include <frameobject.h>
#if PY_VERSION_HEX >= 0x030B0000
#if PY_VERSION_HEX >= 0x030E0000
#include "internal/pycore_interpframe.h"
#endif
#include "internal/pycore_frame.h"
#endif

/* A place of a frame for a variable or a value. Since 3.14 it has flags in its lowest bits
 * (_PyStackRef): both of them mark a number that is no object, the lowest a reference that is borrowed from
 * another place, so that nobody has counted it. */
#if PY_VERSION_HEX >= 0x030E0000
typedef _PyStackRef Slot;
enum { IS_BORROWED = 1, IS_NUMBER = 3 };

static inline PyObject *
in_slot(Slot slot)
{
    return (slot.bits & IS_NUMBER) == IS_NUMBER ? NULL : (PyObject *)(slot.bits & ~(uintptr_t)IS_NUMBER);
}

static inline int
is_counted(Slot slot)
{
    return (slot.bits & IS_BORROWED) == 0;
}
#else
typedef PyObject *Slot;

static inline PyObject *
in_slot(Slot slot)
{
    return slot;
}

static inline int
is_counted(Slot slot)
{
    (void)slot;
    return 1;
}
#endif

/* What one call holds: of a running thread, a suspended generator or a frame object. */
typedef struct {
    PyCodeObject *code;
    Slot *slots;
    int locals;   /* slots of named variables, cells included */
    int depth;    /* slots in use, with the stack of values; -1: not known how many of `most` */
    int most;
    int lasti;    /* as PyCode_Addr2Line wants it */
    PyObject *others[4];
    unsigned borrowed; /* which of these nobody has counted: bits */
} Call;

#if PY_VERSION_HEX < 0x030B0000
static int
call_of_frame(PyFrameObject *frame, Call *call)
{
    PyCodeObject *code = frame->f_code;
    memset(call, 0, sizeof *call);
    if (code == NULL) {
        return 0;
    }
    call->code = code;
    call->slots = frame->f_localsplus;
    call->locals = (int)(frame->f_valuestack - frame->f_localsplus);
    call->most = call->locals + code->co_stacksize;
#if PY_VERSION_HEX >= 0x030A0000
    call->depth = frame->f_state == FRAME_EXECUTING ? -1 : call->locals + frame->f_stackdepth;
    call->lasti = frame->f_lasti * (int)sizeof(_Py_CODEUNIT);
#else
    call->depth = frame->f_stacktop == NULL ? -1 : (int)(frame->f_stacktop - frame->f_localsplus);
    call->lasti = frame->f_lasti;
#endif
    return 1;
}

/* The name of a slot, borrowed; NULL: it has none. */
static PyObject *
name_of_slot(PyCodeObject *code, int at)
{
    PyObject *parts[3] = {code->co_varnames, code->co_cellvars, code->co_freevars};
    for (int part = 0; part < 3; part++) {
        Py_ssize_t number = PyTuple_GET_SIZE(parts[part]);
        if (part == 0 && number > code->co_nlocals) {
            number = code->co_nlocals;
        }
        if (at < number) {
            return PyTuple_GET_ITEM(parts[part], at);
        }
        at -= (int)number;
    }
    return NULL;
}

static PyObject *
name_of_free(PyCodeObject *code, Py_ssize_t at)
{
    return at < PyTuple_GET_SIZE(code->co_freevars) ? PyTuple_GET_ITEM(code->co_freevars, at) : NULL;
}

static inline PyObject *
name_of_code(PyCodeObject *code)
{
    return code->co_name;
}
#else
#if PY_VERSION_HEX >= 0x030E0000
#define CODE_OF(frame) in_slot((frame)->f_executable)
#define FUNCTION_OF(frame) in_slot((frame)->f_funcobj)
#define BORROWED_IN(frame) \
    ((unsigned)!is_counted((frame)->f_executable) | (unsigned)!is_counted((frame)->f_funcobj) << 1)
#define PLACE_OF(frame) ((frame)->instr_ptr)
#define IS_FOREIGN(frame) ((frame)->owner >= FRAME_OWNED_BY_INTERPRETER)
#else
#define BORROWED_IN(frame) 0
#define PLACE_OF(frame) ((frame)->instr_ptr)
#define CODE_OF(frame) ((frame)->f_executable)
#define FUNCTION_OF(frame) ((PyObject *)(frame)->f_funcobj)
#define IS_FOREIGN(frame) ((frame)->owner == FRAME_OWNED_BY_CSTACK)
#if PY_VERSION_HEX < 0x030D0000
#undef PLACE_OF
#undef CODE_OF
#define PLACE_OF(frame) ((frame)->prev_instr)
#define CODE_OF(frame) ((PyObject *)(frame)->f_code)
#endif
#if PY_VERSION_HEX < 0x030C0000
#undef FUNCTION_OF
#undef IS_FOREIGN
#define FUNCTION_OF(frame) ((PyObject *)(frame)->f_func)
#define IS_FOREIGN(frame) 0
#endif
#endif

/* Slots in use; -1: not known. Up to 3.13 that is known of suspended frames alone. Since 3.14 each
 * frame has it: whoever waits for a call or for the GIL has put it down before (_PyFrame_SetStackPointer,
 * and the release build leaves it there). */
static inline int
depth_of(_PyInterpreterFrame *frame, int most)
{
#if PY_VERSION_HEX >= 0x030E0000
    ptrdiff_t depth = frame->stackpointer != NULL ? frame->stackpointer - frame->localsplus : -1;
    return depth >= 0 && depth <= most ? (int)depth : -1;
#else
    (void)most;
    return frame->stacktop;
#endif
}

/* Whether a frame of a thread is visited by no object: a generator visits what it holds itself, up to
 * 3.13 while its depth is known. */
static inline int
is_on_thread(_PyInterpreterFrame *frame)
{
#if PY_VERSION_HEX >= 0x030E0000
    return frame->owner == FRAME_OWNED_BY_THREAD;
#else
    return frame->owner == FRAME_OWNED_BY_THREAD || frame->stacktop < 0;
#endif
}

static int
call_of_inner(_PyInterpreterFrame *frame, Call *call)
{
    memset(call, 0, sizeof *call);
    PyObject *code = IS_FOREIGN(frame) ? NULL : CODE_OF(frame);
    if (code == NULL || !PyCode_Check(code)) {
        return 0;
    }
    call->code = (PyCodeObject *)code;
    call->slots = frame->localsplus;
    call->locals = call->code->co_nlocalsplus;
    call->most = call->locals + call->code->co_stacksize;
    call->depth = depth_of(frame, call->most);
    ptrdiff_t at = PLACE_OF(frame) - _PyCode_CODE(call->code);
    if (frame->owner != FRAME_OWNED_BY_GENERATOR && at < call->code->_co_firsttraceable) {
        return 0; /* not begun: its slots may hold anything */
    }
    call->lasti = (int)((at < 0 ? 0 : at) * (ptrdiff_t)sizeof(_Py_CODEUNIT));
    call->others[0] = code;
    call->others[1] = FUNCTION_OF(frame);
    call->others[2] = frame->f_locals;
    call->others[3] = (PyObject *)frame->frame_obj;
    call->borrowed = BORROWED_IN(frame);
    return 1;
}

static int
call_of_frame(PyFrameObject *frame, Call *call)
{
    return frame->f_frame != NULL && call_of_inner(frame->f_frame, call);
}

static PyObject *
name_of_slot(PyCodeObject *code, int at)
{
    return at < code->co_nlocalsplus ? PyTuple_GET_ITEM(code->co_localsplusnames, at) : NULL;
}

static PyObject *
name_of_free(PyCodeObject *code, Py_ssize_t at)
{
    return name_of_slot(code, code->co_nlocalsplus - code->co_nfreevars + (int)at);
}

static inline PyObject *
name_of_code(PyCodeObject *code)
{
    return code->co_qualname;
}
#endif

static inline int
is_generator(PyObject *object)
{
    return PyGen_CheckExact(object) || PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object);
}

#if PY_VERSION_HEX >= 0x030E0000
#define INNER_OF(generator) (&(generator)->gi_iframe)
#elif PY_VERSION_HEX >= 0x030B0000
#define INNER_OF(generator) ((_PyInterpreterFrame *)(generator)->gi_iframe)
#endif

/* What a suspended generator or coroutine holds; 0: it has ended. */
static int
call_of_generator(PyObject *object, Call *call)
{
    PyGenObject *generator = (PyGenObject *)object;
#if PY_VERSION_HEX < 0x030B0000
    return generator->gi_frame != NULL && call_of_frame(generator->gi_frame, call);
#else
#if PY_VERSION_HEX >= 0x030E0000
    int ended = FRAME_STATE_FINISHED(generator->gi_frame_state);
#else
    int ended = generator->gi_frame_state >= FRAME_COMPLETED;
#endif
    return !ended && call_of_inner(INNER_OF(generator), call);
#endif
}

/* What each_call() tells of a call: a frame object, or since 3.11 a frame that is none, and that only
 * call_at() understands. */
#if PY_VERSION_HEX < 0x030B0000
enum { CALLS_ARE_OBJECTS = 1 };

static inline int
call_at(void *frame, Call *call)
{
    return call_of_frame(frame, call);
}
#else
enum { CALLS_ARE_OBJECTS = 0 };

static inline int
call_at(void *frame, Call *call)
{
    return call_of_inner(frame, call);
}
#endif

typedef int (*SeenCall)(void *frame, Call *, void *context);

/* Call `seen` for each call that a thread is in and that no object visits; nonzero ends it. */
static int
each_call(PyThreadState *state, SeenCall seen, void *context)
{
    Call call;
    int stop = 0;
#if PY_VERSION_HEX < 0x030B0000
    for (PyFrameObject *frame = state->frame; frame != NULL && !stop; frame = frame->f_back) {
        stop = call_of_frame(frame, &call) ? seen(frame, &call, context) : 0;
    }
#else
#if PY_VERSION_HEX >= 0x030D0000
    _PyInterpreterFrame *frame = state->current_frame;
#else
    _PyInterpreterFrame *frame = state->cframe != NULL ? state->cframe->current_frame : NULL;
#endif
    for (; frame != NULL && !stop; frame = frame->previous) {
        if (call_of_inner(frame, &call) && is_on_thread(frame)) {
            stop = seen(frame, &call, context);
        }
    }
#endif
    return stop;
}

#endif
