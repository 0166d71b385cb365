/* What an object holds others in: its table, how much is in it, and whether that is known to grow.
 *
 * Part of _holders.c, which includes it once.
 */

#include <frameobject.h>

/* A container with so many entries is the holder itself, whether it is known where it grew or not. */
#define MANY 64
/* Blocks of a deque that are looked at, from its right end: a quarter of a million entries. */
#define MOST_DEQUE_BLOCKS 4096

static PyTypeObject *deque_type, *lru_type;

/* Modules/_collectionsmodule.c, 3.9 to 3.14. */
typedef struct DequeBlock {
    struct DequeBlock *left;
    PyObject *entries[64];
    struct DequeBlock *right;
} DequeBlock;

typedef struct {
    PyObject_VAR_HEAD
    DequeBlock *leftmost;
    DequeBlock *rightmost;
} Deque;

/* What is known of an object as a holder. */
typedef struct {
    uintptr_t told;    /* the block that tells where it grew; 0: none does */
    uint32_t entries;  /* of a list, dict, set or deque; 0: it is none */
    uint8_t each;      /* bytes of its table for each entry, about */
    uint8_t is_frame;
} Hold;

static int
is_told(const Table *trusted, uintptr_t block)
{
    return block != 0 && trusted->keys[slot_of(trusted, block)] != 0;
}

static int
visit_largest(PyObject *object, void *context)
{
    PyObject **largest = context;
    if (PyDict_CheckExact(object) &&
        (*largest == NULL || PyDict_GET_SIZE(object) > PyDict_GET_SIZE(*largest))) {
        *largest = object;
    }
    return 0;
}

static uint32_t
as_entries(Py_ssize_t number)
{
    return number <= 0 ? 0 : number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

/* A dict's own table: its keys, or its values where it shares its keys with others. */
static uintptr_t
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

/* The newest block of a deque that is trusted: the nearest to the right end. */
static uintptr_t
table_of_deque(PyObject *object, const Table *trusted)
{
    Deque *deque = (Deque *)object;
    DequeBlock *block = deque->rightmost;
    for (int seen = 0; block != NULL && seen < MOST_DEQUE_BLOCKS; seen++) {
        if (is_told(trusted, (uintptr_t)block)) {
            return (uintptr_t)block;
        }
        block = block == deque->leftmost ? NULL : block->left;
    }
    return 0;
}

static Hold
hold_of(PyObject *object, const Table *trusted)
{
    Hold hold = {0, 0, 0, 0};
    uintptr_t table = 0;
    PyTypeObject *type = Py_TYPE(object);
    if (PyList_Check(object)) {
        hold.entries = as_entries(Py_SIZE(object));
        hold.each = 8;
        table = (uintptr_t)((PyListObject *)object)->ob_item;
    }
    else if (PyDict_Check(object)) {
        hold.entries = as_entries(PyDict_GET_SIZE(object));
        hold.each = 36;
        table = table_of_dict(object);
    }
    else if (PyAnySet_Check(object)) {
        PySetObject *set = (PySetObject *)object;
        hold.entries = as_entries(set->used);
        hold.each = 32;
        table = set->table != set->smalltable ? (uintptr_t)set->table : 0;
    }
    else if (deque_type != NULL && PyType_IsSubtype(type, deque_type)) {
        hold.entries = as_entries(Py_SIZE(object));
        hold.each = 8;
        table = table_of_deque(object, trusted);
    }
    else if (type == lru_type) {
        /* functools.lru_cache refers to its results itself, and its dict to what is none of ours. */
        PyObject *cache = NULL;
        type->tp_traverse(object, visit_largest, &cache);
        if (cache != NULL) {
            hold.entries = as_entries(PyDict_GET_SIZE(cache));
            hold.each = 36;
            table = table_of_dict(cache);
        }
    }
    hold.is_frame = PyFrame_Check(object) != 0;
    if (is_told(trusted, table)) {
        hold.told = table;
    }
    else if (hold.entries < MANY && is_told(trusted, block_of(object))) {
        hold.told = block_of(object); /* where a large one was made says nothing of where it grew */
    }
    return hold;
}
