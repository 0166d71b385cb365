/* What an object owns beside itself, where its attributes are, and what a frame holds.
 *
 * Reads structs and calls nothing that allocates, changes a reference count or runs code of the
 * user's: no attribute lookup, no hash, no comparison. Include after gc.h.
 *
 * See Objects/dictobject.c, listobject.c, setobject.c, unicodeobject.c, longobject.c, typeobject.c
 * and Include/internal/pycore_dict.h, pycore_object.h, pycore_frame.h, pycore_stackref.h of
 * CPython 3.9 to 3.15.
 */
#ifndef LEAKHUNT_OBJECTS_H
#define LEAKHUNT_OBJECTS_H

#include <frameobject.h>
#include <stddef.h>
#include <structmember.h>
#include "internal/pycore_context.h"
#if PY_VERSION_HEX >= 0x030B0000
#include "internal/pycore_dict.h"
#include "internal/pycore_object.h"
#if PY_VERSION_HEX >= 0x030E0000
#include "internal/pycore_interpframe.h"
#endif
#include "internal/pycore_frame.h"
#else
/* Objects/dict-common.h */
typedef struct {
    Py_ssize_t dk_refcnt, dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable, dk_nentries;
    char dk_indices[];
} OldKeys;
#endif

/* Nobody counts the references to it: it stays for as long as the interpreter. */
static inline int
is_eternal(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030C0000
    return _Py_IsImmortal(object);
#else
    return Py_REFCNT(object) > (Py_ssize_t)1 << 40;
#endif
}

/* Small and everywhere: nobody keeps them alive, and nothing would be freed. */
static inline int
is_shared_by_all(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030C0000
    return _Py_IsImmortal(object) && !PyObject_IS_GC(object);
#else
    return object == Py_None || object == Py_True || object == Py_False || is_eternal(object);
#endif
}

/* -- dicts ------------------------------------------------------------------------------ */

/* A dict's own table of keys, with its bytes; 0: shared with others, or the empty dict's. */
static uintptr_t
own_keys(PyObject *object, size_t *size)
{
    PyDictObject *dict = (PyDictObject *)object;
    if (dict->ma_values != NULL) {
        return 0;
    }
#if PY_VERSION_HEX >= 0x030B0000
    PyDictKeysObject *keys = dict->ma_keys;
    if (keys->dk_log2_size < 3) {
        return 0;
    }
    size_t slots = (size_t)1 << keys->dk_log2_size;
    size_t entry = keys->dk_kind == DICT_KEYS_GENERAL ? 24 : 16;
    *size = sizeof(PyDictKeysObject) + ((size_t)1 << keys->dk_log2_index_bytes) +
            (slots << 1) / 3 * entry;
#else
    OldKeys *keys = (OldKeys *)dict->ma_keys;
    if (keys->dk_size < 8) {
        return 0;
    }
    size_t slots = (size_t)keys->dk_size;
    size_t index = slots <= 0xff ? 1 : slots <= 0xffff ? 2 : slots <= 0xffffffff ? 4 : 8;
    *size = sizeof(OldKeys) + index * slots + (slots << 1) / 3 * 24;
#endif
    return (uintptr_t)dict->ma_keys;
}

#if PY_VERSION_HEX >= 0x030B0000
static inline size_t
slots_for_values(PyDictKeysObject *keys)
{
    return (size_t)keys->dk_nentries + (size_t)keys->dk_usable;
}
#endif

/* The block of values of a dict that shares its keys, with its bytes; 0: it has none of its own. */
static uintptr_t
own_values_of_dict(PyObject *object, size_t *size)
{
    PyDictObject *dict = (PyDictObject *)object;
    if (dict->ma_values == NULL) {
        return 0;
    }
#if PY_VERSION_HEX >= 0x030D0000
    if (dict->ma_values->embedded) {
        return 0;
    }
    *size = ((size_t)dict->ma_values->capacity + 1) * 8 + (((size_t)dict->ma_values->capacity + 7) & ~(size_t)7);
    return (uintptr_t)dict->ma_values - (*size - ((size_t)dict->ma_values->capacity + 1) * 8);
#elif PY_VERSION_HEX >= 0x030B0000
    size_t before = ((uint8_t *)dict->ma_values)[-1];
    *size = before + slots_for_values(dict->ma_keys) * 8;
    return (uintptr_t)dict->ma_values - before;
#else
    *size = ((size_t)((OldKeys *)dict->ma_keys)->dk_size << 1) / 3 * 8;
    return (uintptr_t)dict->ma_values;
#endif
}

/* Whether the values of a dict are in the instance that it belongs to. */
static inline int
is_embedded(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyDictObject *dict = (PyDictObject *)object;
    return dict->ma_values != NULL && dict->ma_values->embedded;
#else
    (void)object;
    return 0;
#endif
}

/* -- instances ----------------------------------------------------------------------------- */

/* The __dict__ that an object has by now; NULL: none. */
static PyObject *
dict_of(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
#if PY_VERSION_HEX >= 0x030B0000
    if (PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT)) {
#if PY_VERSION_HEX >= 0x030D0000
        return (PyObject *)_PyObject_ManagedDictPointer(object)->dict;
#elif PY_VERSION_HEX >= 0x030C0000
        PyDictOrValues either = *_PyObject_DictOrValuesPointer(object);
        return _PyDictOrValues_IsValues(either) ? NULL : _PyDictOrValues_GetDict(either);
#else
        return *_PyObject_ManagedDictPointer(object);
#endif
    }
#endif
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset == 0) {
        return NULL;
    }
    if (offset < 0) {
        Py_ssize_t items = ((PyVarObject *)object)->ob_size;
        offset += (Py_ssize_t)_PyObject_VAR_SIZE(type, items < 0 ? -items : items);
    }
    PyObject *dict = *(PyObject **)((char *)object + offset);
    return dict != NULL && PyDict_Check(dict) ? dict : NULL;
}

/* Attributes that stand in the instance itself, or in a block of its own, and no dict. */
typedef struct {
    PyObject **values;
    PyObject *(*name)(void *keys, size_t at);
    void *keys;
    size_t number;
    uintptr_t block; /* 0: within the object's own block */
    size_t size;     /* of that block; what it adds to the object's own where there is none */
} Attributes;

#if PY_VERSION_HEX >= 0x030B0000
static PyObject *
shared_name(void *keys, size_t at)
{
    PyDictKeysObject *shared = keys;
    return at < (size_t)shared->dk_nentries ? DK_UNICODE_ENTRIES(shared)[at].me_key : NULL;
}
#endif

static int
attributes_of(PyObject *object, Attributes *found)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyTypeObject *type = Py_TYPE(object);
    if (!PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT)) {
        return 0;
    }
    PyDictKeysObject *keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
    PyDictValues *values = NULL;
#if PY_VERSION_HEX >= 0x030D0000
    if (!PyType_HasFeature(type, Py_TPFLAGS_INLINE_VALUES) || keys == NULL) {
        return 0;
    }
    values = _PyObject_InlineValues(object);
    found->block = 0;
    found->size = _PyInlineValuesSize(type);
    found->number = values->valid ? values->capacity : 0;
#else
#if PY_VERSION_HEX >= 0x030C0000
    PyDictOrValues either = *_PyObject_DictOrValuesPointer(object);
    values = _PyDictOrValues_IsValues(either) ? _PyDictOrValues_GetValues(either) : NULL;
#else
    values = *_PyObject_ValuesPointer(object);
#endif
    if (values == NULL || keys == NULL) {
        return 0;
    }
    size_t before = ((uint8_t *)values)[-1];
    found->number = slots_for_values(keys);
    found->block = (uintptr_t)values - before;
    found->size = before + found->number * 8;
#endif
    found->values = values->values;
    found->keys = keys;
    found->name = shared_name;
    return 1;
#else
    (void)object;
    (void)found;
    return 0;
#endif
}

/* -- frames -------------------------------------------------------------------------------- */

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

/* -- sizes --------------------------------------------------------------------------------- */

/* A type may have items and keep their number elsewhere. */
#define LARGEST_ITEMS ((Py_ssize_t)1 << 40)

/* Bytes of an object's own block, what stands before it included. Not what it points to. */
static size_t
own_size(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    size_t size = (size_t)type->tp_basicsize;
    if (PyUnicode_Check(object)) {
        if (PyUnicode_IS_COMPACT_ASCII(object)) {
            size = sizeof(PyASCIIObject) + (size_t)PyUnicode_GET_LENGTH(object) + 1;
        }
        else if (PyUnicode_IS_COMPACT(object)) {
            size = sizeof(PyCompactUnicodeObject) +
                   ((size_t)PyUnicode_GET_LENGTH(object) + 1) * PyUnicode_KIND(object);
        }
    }
    else if (PyLong_Check(object)) {
#if PY_VERSION_HEX >= 0x030C0000
        size_t digits = ((PyLongObject *)object)->long_value.lv_tag >> 3;
        size = offsetof(PyLongObject, long_value.ob_digit) + (digits ? digits : 1) * sizeof(digit);
#else
        Py_ssize_t digits = Py_SIZE(object);
        size = offsetof(PyLongObject, ob_digit) + (size_t)(digits < 0 ? -digits : digits) * sizeof(digit);
#endif
    }
#if PY_VERSION_HEX >= 0x030B0000
    else if (is_generator(object) || PyFrame_Check(object)) { /* made with items, and no ob_size */
        Call call;
        if (PyFrame_Check(object) ? call_of_frame((PyFrameObject *)object, &call) : call_of_generator(object, &call)) {
            size += (size_t)call.most * sizeof(PyObject *);
        }
    }
#endif
    else if (type->tp_itemsize > 0) {
        Py_ssize_t items = ((PyVarObject *)object)->ob_size;
        items = items < 0 ? -items : items;
        size += items < LARGEST_ITEMS ? (size_t)items * (size_t)type->tp_itemsize : 0;
    }
    else {
        Attributes own;
        size += attributes_of(object, &own) && own.block == 0 ? own.size : 0;
    }
    if (PyObject_IS_GC(object)) {
        size = (size + 7) & ~(size_t)7;
    }
    return size + ((uintptr_t)object - block_of(object));
}

/* Bytes of the block of characters that a string has outside of itself; 0: none. */
static uintptr_t
outside_text(PyObject *object, size_t *size)
{
    if (PyUnicode_IS_COMPACT_ASCII(object)) {
        return 0;
    }
    PyCompactUnicodeObject *text = (PyCompactUnicodeObject *)object;
    if (!PyUnicode_IS_COMPACT(object)) {
        void *characters = ((PyUnicodeObject *)object)->data.any;
        *size = ((size_t)PyUnicode_GET_LENGTH(object) + 1) * PyUnicode_KIND(object);
        return (uintptr_t)characters;
    }
    *size = text->utf8 != NULL ? (size_t)text->utf8_length + 1 : 0;
    return (uintptr_t)text->utf8;
}

/* -- others -------------------------------------------------------------------------------- */

/* Modules/_threadmodule.c: what keeps a thread's values of a threading.local up to 3.12; it has no
 * tp_traverse. */
typedef struct {
    PyObject_HEAD
    PyObject *localdict;
} LocalDummy;

static inline int
is_local_dummy(PyTypeObject *type)
{
#if PY_VERSION_HEX < 0x030D0000
    return type->tp_traverse == NULL && strcmp(type->tp_name, "_thread._localdummy") == 0;
#else
    (void)type;
    return 0;
#endif
}

static inline PyObject *
dict_of_local_dummy(PyObject *dummy)
{
    return ((LocalDummy *)dummy)->localdict;
}

/* The two objects on which a thread's values of threading.locals hang; NULL up to 3.12, where its dict has them. */
static inline void
locals_of_thread(PyThreadState *state, PyObject *locals[2])
{
#if PY_VERSION_HEX >= 0x030D0000
    locals[0] = state->threading_local_key;
    locals[1] = state->threading_local_sentinel;
#else
    (void)state;
    locals[0] = locals[1] = NULL;
#endif
}

/* The traceback that a thread's exception does not hold itself; NULL since 3.11. */
static inline PyObject *
traceback_beside_exception(PyThreadState *state)
{
#if PY_VERSION_HEX < 0x030B0000
    return state->exc_state.exc_traceback;
#else
    (void)state;
    return NULL;
#endif
}

/* Modules/_functoolsmodule.c: an lru_cache with a bound begins like one of its own links, which stand in a
 * ring. The cache's dict has one reference to each and the ring another, which its tp_traverse does not show. */
typedef struct LruLink {
    PyObject_HEAD
    struct LruLink *previous, *next;
} LruLink;

/* Objects/odictobject.c: beside the dict a list of its keys in their order, and a table of the list's nodes. */
typedef struct OrderNode {
    PyObject *key;
    Py_hash_t hash;
    struct OrderNode *next, *previous;
} OrderNode;

typedef struct {
    PyDictObject dict;
    OrderNode *first, *last, **table;
    Py_ssize_t slots;
} Ordered;

/* Modules/arraymodule.c */
typedef struct {
    PyObject_VAR_HEAD
    char *items;
    Py_ssize_t allocated;
    const struct { char code; int size; } *kind;
} Array;

/* Python/hamt.c: names and values of a Context stand side by side in such nodes. */
typedef struct {
    PyObject_VAR_HEAD
    uint32_t bitmap;
    PyObject *pairs[1];
} HamtPairs;

/* What a code object refers to; the collector does not know it. */
static int
visit_code(PyCodeObject *code, visitproc visit, void *context)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyObject *parts[] = {code->co_consts, code->co_names, code->co_filename, code->co_linetable,
                         code->co_localsplusnames, code->co_name, code->co_qualname};
#else
    PyObject *parts[] = {code->co_consts, code->co_names, code->co_filename, code->co_code,
                         code->co_varnames, code->co_name};
#endif
    int stop = 0;
    for (size_t at = 0; at < sizeof parts / sizeof *parts && !stop; at++) {
        stop = parts[at] != NULL ? visit(parts[at], context) : 0;
    }
    return stop;
}

#endif
