/* Structs of library modules that no header of CPython has.
 *
 * Whoever looks for one in a process that may have another makes sure first: a walk learns from one that it
 * makes itself where an lru_cache and an OrderedDict have what. Include after Python.h.
 *
 * See Modules/_threadmodule.c, _functoolsmodule.c, arraymodule.c, Objects/odictobject.c and Python/hamt.c of
 * CPython 3.9 to 3.15.
 */
#ifndef LEAKHUNT_MODULES_H
#define LEAKHUNT_MODULES_H

#include <string.h>

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

#endif
