/* What an object owns beside itself, and where its attributes are.
 *
 * Reads structs and calls nothing that allocates, changes a reference count or runs code of the
 * user's: no attribute lookup, no hash, no comparison. Include after calls.h.
 *
 * See Objects/dictobject.c, listobject.c, setobject.c, unicodeobject.c, longobject.c, typeobject.c
 * and Include/internal/pycore_dict.h, pycore_object.h of CPython 3.9 to 3.15.
 */
#ifndef LEAKHUNT_OBJECTS_H
#define LEAKHUNT_OBJECTS_H

#include <stddef.h>
#include <structmember.h>
#include "internal/pycore_context.h"
#if PY_VERSION_HEX >= 0x030B0000
#include "internal/pycore_dict.h"
#include "internal/pycore_object.h"
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

/* An int of not more than sixty bits; -1: it is none, or negative. */
static long long
small_number(PyObject *object)
{
    if (!PyLong_CheckExact(object)) {
        return -1;
    }
    PyLongObject *number = (PyLongObject *)object;
#if PY_VERSION_HEX >= 0x030C0000
    size_t digits = number->long_value.lv_tag >> 3;
    int negative = (number->long_value.lv_tag & 3) == 2;
    digit *at = number->long_value.ob_digit;
#else
    Py_ssize_t digits = Py_SIZE(number) < 0 ? -Py_SIZE(number) : Py_SIZE(number);
    int negative = Py_SIZE(number) < 0;
    digit *at = number->ob_digit;
#endif
    if (negative || digits > 2) {
        return -1;
    }
    return (digits > 1 ? (long long)at[1] << PyLong_SHIFT : 0) | (digits > 0 ? (long long)at[0] : 0);
}

/* -- dicts ------------------------------------------------------------------------------ */

/* Bytes of a dict's table of keys; 0: it is the empty one. */
static size_t
size_of_keys(const void *table)
{
#if PY_VERSION_HEX >= 0x030B0000
    const PyDictKeysObject *keys = table;
    if (keys->dk_log2_size < 3) {
        return 0;
    }
    size_t slots = (size_t)1 << keys->dk_log2_size;
    size_t entry = keys->dk_kind == DICT_KEYS_GENERAL ? 24 : 16;
    return sizeof(PyDictKeysObject) + ((size_t)1 << keys->dk_log2_index_bytes) + (slots << 1) / 3 * entry;
#else
    const OldKeys *keys = table;
    if (keys->dk_size < 8) {
        return 0;
    }
    size_t slots = (size_t)keys->dk_size;
    size_t index = slots <= 0xff ? 1 : slots <= 0xffff ? 2 : slots <= 0xffffffff ? 4 : 8;
    return sizeof(OldKeys) + index * slots + (slots << 1) / 3 * 24;
#endif
}

/* A dict's own table of keys, with its bytes; 0: shared with others, or the empty dict's. */
static uintptr_t
own_keys(PyObject *object, size_t *size)
{
    PyDictObject *dict = (PyDictObject *)object;
    *size = dict->ma_values == NULL ? size_of_keys(dict->ma_keys) : 0;
    return *size != 0 ? (uintptr_t)dict->ma_keys : 0;
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
attributes_of(PyObject *object, Attributes *attributes)
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
    attributes->block = 0;
    attributes->size = _PyInlineValuesSize(type);
    attributes->number = values->valid ? values->capacity : 0;
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
    attributes->number = slots_for_values(keys);
    attributes->block = (uintptr_t)values - before;
    attributes->size = before + attributes->number * 8;
#endif
    attributes->values = values->values;
    attributes->keys = keys;
    attributes->name = shared_name;
    return 1;
#else
    (void)object;
    (void)attributes;
    return 0;
#endif
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

/* -- where else references are -------------------------------------------------------------- */

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
