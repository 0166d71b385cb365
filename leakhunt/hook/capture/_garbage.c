/* Finds the objects that only wait for the garbage collector, and touches none of them.
 *
 * The collector's own algorithm (deduce_unreachable in Modules/gcmodule.c, Python/gc.c since
 * 3.13) on a copy of the reference counts: what is not referred to from outside the tracked
 * objects, nor reachable from what is, is garbage. Nothing is collected: no finalizer, no
 * weakref callback, no deallocation runs, no reference count changes, so that a forked child
 * may ask without saying goodbye on its parent's connections, and without copying its pages.
 */
#include "../../cpython/gc.h"
#include "../../cpython/built.h"

/* Exported by all of these versions (Modules/_tracemalloc.c, Python/tracemalloc.c). */
PyAPI_FUNC(PyObject *) _PyTraceMalloc_GetTraceback(unsigned int domain, uintptr_t ptr);

/* More objects than these take too long and too much memory. */
#define MOST_OBJECTS 6000000
#define MOST_GARBAGE 400000

typedef struct {
    Table table;
    PyObject **objects;
    Py_ssize_t *outside;  /* references that do not come from a tracked object */
    unsigned char *reached;
    uint32_t *pending;
    size_t count, waiting;
    Table loose;  /* untracked objects that garbage refers to, and how often */
    Py_ssize_t *loose_seen;
    PyObject **ownerless; /* of these, those that nothing else refers to, whose own references are not counted yet */
    size_t to_count;
} Census;

static int
visit_subtract(PyObject *object, void *context)
{
    Census *census = context;
    size_t at = slot_of(&census->table, (uintptr_t)object);
    if (census->table.keys[at] != 0) {
        census->outside[census->table.values[at]]--;
    }
    return 0;
}

static int
visit_reach(PyObject *object, void *context)
{
    Census *census = context;
    size_t at = slot_of(&census->table, (uintptr_t)object);
    if (census->table.keys[at] != 0) {
        uint32_t index = census->table.values[at];
        if (!census->reached[index]) {
            census->reached[index] = 1;
            census->pending[census->waiting++] = index;
        }
    }
    return 0;
}

/* A reference from garbage to an untracked object, which is garbage as well when there are no others: a tuple of numbers
 * in a list in a cycle, and then what the tuple alone refers to. */
static int
visit_loose(PyObject *object, void *context)
{
    Census *census = context;
    size_t at = slot_of(&census->table, (uintptr_t)object);
    if (census->table.keys[at] != 0 || PyType_Check(object)) {
        return 0;
    }
    at = slot_of(&census->loose, (uintptr_t)object);
    if (census->loose.keys[at] == 0) {
        if (census->loose.used >= MOST_GARBAGE) {
            return 0;
        }
        census->loose.keys[at] = (uintptr_t)object;
        census->loose.values[at] = (uint32_t)census->loose.used;
        census->loose_seen[census->loose.used++] = 0;
    }
    if (++census->loose_seen[census->loose.values[at]] == Py_REFCNT(object)) {
        census->ownerless[census->to_count++] = object;
    }
    return 0;
}

static int
count_one(PyObject *Py_UNUSED(object), void *context)
{
    return ++*(size_t *)context > MOST_OBJECTS;
}

static int
write_down(PyObject *object, void *context)
{
    Census *census = context;
    census->objects[census->count] = object;
    census->outside[census->count] = Py_REFCNT(object);
    size_t at = slot_of(&census->table, (uintptr_t)object);
    census->table.keys[at] = (uintptr_t)object;
    census->table.values[at] = (uint32_t)census->count++;
    return 0;
}

/* The traceback of the block that an object is in, a new reference. The block begins with what
 * stands before the object: the collector's header, and since 3.11 two pointers for a dict and
 * weak references (_PyType_PreHeaderSize; 3.11's own get_object_traceback forgets these). */
static PyObject *
traceback_of(PyObject *object)
{
    static const size_t before[] = {sizeof(PyGC_Head), sizeof(PyGC_Head) + 2 * sizeof(void *), 0};
    PyObject *traceback = NULL;
    for (int at = PyObject_IS_GC(object) ? 0 : 2; at < 3; at++) {
        Py_XDECREF(traceback);
        traceback = _PyTraceMalloc_GetTraceback(0, (uintptr_t)object - before[at]);
        if (traceback == NULL || traceback != Py_None) {
            break;
        }
    }
    return traceback;
}

/* Where the blocks of the garbage begin, for an engine that knows blocks by their address. */
static uintptr_t *blocks;
static size_t blocks_used;

static int
by_address(const void *one, const void *other)
{
    uintptr_t a = *(const uintptr_t *)one, b = *(const uintptr_t *)other;
    return (a > b) - (a < b);
}

static int
book(PyObject *counts, PyObject *object)
{
    if (blocks != NULL && blocks_used < 2 * (size_t)MOST_GARBAGE) {
        blocks[blocks_used++] = block_of(object);
    }
    PyObject *traceback = traceback_of(object);
    if (traceback == NULL) {
        return -1;
    }
    int failed = 0;
    if (traceback != Py_None) {
        PyObject *before = PyDict_GetItemWithError(counts, traceback);
        long number = before != NULL ? PyLong_AsLong(before) : 0;
        PyObject *after = PyErr_Occurred() ? NULL : PyLong_FromLong(number + 1);
        failed = after == NULL || PyDict_SetItem(counts, traceback, after) < 0;
        Py_XDECREF(after);
    }
    Py_DECREF(traceback);
    return failed ? -1 : 0;
}

/* Into `counts`: how much garbage was allocated by each traceback. The number of it, or -1. */
static Py_ssize_t
take(Census *census, PyObject *counts)
{
    size_t count = census->count, garbage = 0;
    free(blocks);
    blocks = malloc(2 * (size_t)MOST_GARBAGE * sizeof(uintptr_t)); /* pages never used cost none */
    blocks_used = 0;
    for (size_t i = 0; i < count; i++) {
        PyObject *object = census->objects[i];
        Py_TYPE(object)->tp_traverse(object, visit_subtract, census);
    }
    for (size_t i = 0; i < count; i++) {
        if (census->outside[i] > 0 && !census->reached[i]) {
            census->reached[i] = 1;
            census->pending[census->waiting++] = (uint32_t)i;
        }
        while (census->waiting) {
            PyObject *object = census->objects[census->pending[--census->waiting]];
            Py_TYPE(object)->tp_traverse(object, visit_reach, census);
        }
    }
    for (size_t i = 0; i < count && garbage < MOST_GARBAGE; i++) {
        if (!census->reached[i]) {
            garbage++;
            PyObject *object = census->objects[i];
            Py_TYPE(object)->tp_traverse(object, visit_loose, census);
        }
    }
    while (census->to_count) {
        PyObject *object = census->ownerless[--census->to_count];
        if (PyObject_IS_GC(object)) { /* a tuple, a dict: it has left the collector's lists, as its contents hold nothing */
            Py_TYPE(object)->tp_traverse(object, visit_loose, census);
        }
    }
    size_t booked = 0;
    for (size_t i = 0; i < count && booked < garbage; i++) {
        if (!census->reached[i]) {
            booked++;
            if (book(counts, census->objects[i]) < 0) {
                return -1;
            }
        }
    }
    for (size_t at = 0; at <= census->loose.mask; at++) {
        PyObject *object = (PyObject *)census->loose.keys[at];
        if (object != NULL && census->loose_seen[census->loose.values[at]] >= Py_REFCNT(object)) {
            garbage++;
            if (book(counts, object) < 0) {
                return -1;
            }
        }
    }
    if (blocks != NULL) {
        qsort(blocks, blocks_used, sizeof *blocks, by_address);
    }
    return (Py_ssize_t)garbage;
}

static Census current;

static void
forget(void)
{
    table_free(&current.table);
    table_free(&current.loose);
    free(current.objects);
    free(current.outside);
    free(current.reached);
    free(current.pending);
    free(current.loose_seen);
    free(current.ownerless);
    memset(&current, 0, sizeof current);
}

PyDoc_STRVAR(look_doc,
"look(most)\n--\n\n"
"Write down the tracked objects and their reference counts; how many they are.\n\n"
"Python memory is neither allocated nor changed. To be called in a forked child, with the\n"
"collector off. Where there are more than `most` objects, nothing is written down.");

static PyObject *
look(PyObject *Py_UNUSED(module), PyObject *number)
{
    Py_ssize_t most = PyLong_AsSsize_t(number);
    if (most < 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "look() needs a number of objects");
        }
        return NULL;
    }
    forget();
    size_t count = 0;
    each_tracked(count_one, &count);
    size_t room = count + 16;
    if (count <= MOST_OBJECTS && count <= (size_t)most) {
        current.objects = malloc(room * sizeof(PyObject *));
        current.outside = malloc(room * sizeof(Py_ssize_t));
        current.reached = calloc(room, 1);
        current.pending = malloc(room * sizeof(uint32_t));
        current.loose_seen = malloc((MOST_GARBAGE + 1) * sizeof(Py_ssize_t));
        current.ownerless = malloc(MOST_GARBAGE * sizeof(PyObject *));
        int ready = table_init(&current.table, room) & table_init(&current.loose, MOST_GARBAGE);
        if (ready && current.objects && current.outside && current.reached && current.pending
            && current.loose_seen && current.ownerless) {
            each_tracked(write_down, &current);
        }
        else {
            forget();
        }
    }
    return PyLong_FromSize_t(count);
}

PyDoc_STRVAR(unreachable_doc,
"unreachable()\n--\n\n"
"Of what look() wrote down: (objects that only wait for the collector, {traceback: number}).\n\n"
"Tracebacks are tracemalloc's, most recent call first. Nothing is collected or changed.\n"
"None where nothing was written down.");

static PyObject *
told_unreachable(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    if (current.objects == NULL) {
        Py_RETURN_NONE;
    }
    PyObject *result = NULL, *counts = PyDict_New();
    if (counts != NULL) {
        Py_ssize_t garbage = take(&current, counts);
        if (garbage >= 0) {
            result = Py_BuildValue("(nO)", garbage, counts);
        }
    }
    forget();
    Py_XDECREF(counts);
    return result;
}

PyDoc_STRVAR(among_doc,
"among(addresses)\n--\n\n"
"Which of these blocks (64 bits each) hold an object that unreachable() found: a byte each, 0 or 1.\n\n"
"Addresses are compared and never looked at: the blocks may be gone.");

static PyObject *
among(PyObject *Py_UNUSED(module), PyObject *addresses)
{
    if (!PyBytes_Check(addresses) || PyBytes_GET_SIZE(addresses) % 8) {
        PyErr_SetString(PyExc_TypeError, "among() needs addresses of 8 bytes each");
        return NULL;
    }
    Py_ssize_t number = PyBytes_GET_SIZE(addresses) / 8;
    PyObject *result = PyBytes_FromStringAndSize(NULL, number);
    for (Py_ssize_t at = 0; result != NULL && at < number; at++) {
        uint64_t address;
        memcpy(&address, PyBytes_AS_STRING(addresses) + at * 8, 8);
        uintptr_t block = (uintptr_t)address;
        PyBytes_AS_STRING(result)[at] = blocks != NULL
            && bsearch(&block, blocks, blocks_used, sizeof *blocks, by_address) != NULL;
    }
    return result;
}

PyDoc_STRVAR(tracked_doc,
"tracked()\n--\n\n"
"About how many objects look() would find, by what the collector counts itself: at once.");

static PyObject *
tracked(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_ssize_t told = tracked_as_counted();
    if (told >= 0) {
        return PyLong_FromSsize_t(told);
    }
    size_t count = 0;
    each_tracked(count_one, &count);
    return PyLong_FromSize_t(count);
}

static PyMethodDef methods[] = {
    {"look", look, METH_O, look_doc},
    {"unreachable", told_unreachable, METH_NOARGS, unreachable_doc},
    {"tracked", tracked, METH_NOARGS, tracked_doc},
    {"among", among, METH_O, among_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakhunt.hook.capture._garbage",
    .m_doc = "Which objects only wait for the garbage collector.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__garbage(void)
{
    return is_known_state() ? with_built(PyModule_Create(&module)) : NULL;
}
