/* Where CPython's containers keep what is in them, for whoever looks from outside.
 *
 * Shared by hook/capture/_holders.c and hook/capture/walk/_walk.c. Reads structs, allocates nothing and
 * changes no reference count, but for type_in(), which is called while the module is made. Include
 * after gc.h.
 *
 * See Objects/dictobject.c and Modules/_collectionsmodule.c of CPython 3.9 to 3.15.
 */
#ifndef LEAKHUNT_CONTAINERS_H
#define LEAKHUNT_CONTAINERS_H

/* Modules/_collectionsmodule.c */
typedef struct DequeBlock {
    struct DequeBlock *left;
    PyObject *entries[64];
    struct DequeBlock *right;
} DequeBlock;

typedef struct {
    PyObject_VAR_HEAD
    DequeBlock *leftmost, *rightmost;
    Py_ssize_t leftindex, rightindex;
    size_t state;
    Py_ssize_t maxlen;
} Deque;

/* A dict's own table: its keys, or its values where it shares its keys with others. */
static inline uintptr_t
table_of_dict(PyObject *object)
{
    PyDictObject *dict = (PyDictObject *)object;
    if (dict->ma_values == NULL) {
        return (uintptr_t)dict->ma_keys;
    }
#if PY_VERSION_HEX < 0x030B0000
    return (uintptr_t)dict->ma_values;
#elif PY_VERSION_HEX < 0x030D0000
    /* The byte in front of the values says how far from the block's beginning they are. */
    return (uintptr_t)dict->ma_values - ((uint8_t *)dict->ma_values)[-1];
#else
    return (uintptr_t)dict->ma_values; /* within the instance's own block, mostly */
#endif
}

/* A type of a module of the standard library, a new reference; NULL, and no error, where there is none. */
static inline PyTypeObject *
type_in(const char *module_name, const char *name)
{
    PyObject *from = PyImport_ImportModule(module_name);
    PyObject *type = from != NULL ? PyObject_GetAttrString(from, name) : NULL;
    Py_XDECREF(from);
    if (type != NULL && !PyType_Check(type)) {
        Py_CLEAR(type);
    }
    PyErr_Clear();
    return (PyTypeObject *)type;
}

#endif
