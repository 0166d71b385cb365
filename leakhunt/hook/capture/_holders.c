/* Finds what holds the objects in given blocks, up to a container that is known to grow somewhere.
 *
 * CPython hands freed dicts, tuples, floats and lists on, so the line that asked the allocator for
 * such a block may not be the one that keeps what is in it now. Who keeps it can be found: an object
 * that stays is held by another, and at last by a container that grows. Where the memory of that
 * container (a list's body, a dict's keys) is a block that no freelist serves, whoever
 * asked for it last is the line that made room for one more.
 *
 * Each pass goes once over all tracked objects and what they refer to (tp_traverse), and finds
 * the referrers of all that are looked for: first of the blocks given, then of those
 * holders that say nothing themselves. Objects are looked at only where they were met alive: a
 * block's address is compared and never followed. Nothing is changed: no reference count, no
 * flag of the collector's, no Python memory is asked for while objects are being looked at.
 */
#include "../../cpython/gc.h"
#include "../../cpython/containers.h"
#include "../../cpython/built.h"

#include "holds.inc"
#include "nodes.inc"
#include "passes.inc"

/* -- the module ---------------------------------------------------------------------------- */

static void
close_search(Search *search)
{
    free(search->nodes);
    free(search->filter);
    table_free(&search->index);
    table_free(&search->trusted);
    table_free(&search->modules);
    table_free(&search->shared);
}

static uint64_t
address_at(PyObject *addresses, Py_ssize_t at)
{
    uint64_t address;
    memcpy(&address, PyBytes_AS_STRING(addresses) + at * 8, 8);
    return address;
}

static int
open_search(Search *search, PyObject *wanted, PyObject *trusted)
{
    size_t looked_for = (size_t)PyBytes_GET_SIZE(wanted) / 8;
    size_t number = (size_t)PyBytes_GET_SIZE(trusted) / 8;
    size_t room = looked_for * 4 + 4096;
    search->room = (uint32_t)(room < MOST_NODES ? room : MOST_NODES);
    search->nodes = malloc(search->room * sizeof(Node));
    int ready = table_init(&search->index, search->room) & table_init(&search->trusted, number) &
                table_init(&search->modules, MOST_MODULES) &
                table_init(&search->shared, MOST_SHARED);
    if (!ready || search->nodes == NULL) {
        return 0;
    }
    for (size_t at = 0; at < number; at++) {
        uintptr_t block = (uintptr_t)address_at(trusted, (Py_ssize_t)at);
        if (block != 0) {
            search->trusted.keys[slot_of(&search->trusted, block)] = block;
        }
    }
    for (size_t at = 0; at < looked_for; at++) {
        uintptr_t block = (uintptr_t)address_at(wanted, (Py_ssize_t)at);
        uint32_t node = block != 0 ? node_for(search, block) : UINT32_MAX;
        if (node != UINT32_MAX) {
            search->nodes[node].pass = 0;
        }
    }
    PyObject *modules = PyImport_GetModuleDict(), *name, *module;
    Py_ssize_t position = 0;
    while (PyDict_Next(modules, &position, &name, &module) && search->modules.used < MOST_MODULES) {
        PyObject *dict = PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
        if (dict != NULL) {
            search->modules.keys[slot_of(&search->modules, (uintptr_t)dict)] = (uintptr_t)dict;
            search->modules.used++;
        }
    }
    return 1;
}

PyDoc_STRVAR(find_doc,
"find(wanted, trusted, seconds)\n--\n\n"
"What holds the objects in the blocks `wanted`, up to a holder whose own memory is a block of\n"
"`trusted`, or to a container with many entries: (answers, passes, whole).\n\n"
"Blocks are addresses of 64 bits each. An answer is three words of 64 bits for each block that is\n"
"wanted: the holder's block, its type's address, and the block of `trusted` that it grew by last (0: none);\n"
"three times 0 where nothing is known. A block is an object's, or a dict's table of keys. It takes\n"
"at most `seconds` of CPU time; `whole` tells whether that was enough.\n"
"To be called with the collector off. Raises TypeError, MemoryError.");

static PyObject *
find(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *wanted, *trusted;
    double seconds;
    if (!PyArg_ParseTuple(args, "SSd:find", &wanted, &trusted, &seconds)) {
        return NULL;
    }
    if (PyBytes_GET_SIZE(wanted) % 8 || PyBytes_GET_SIZE(trusted) % 8) {
        PyErr_SetString(PyExc_TypeError, "find() needs addresses of 8 bytes each");
        return NULL;
    }
    Py_ssize_t number = PyBytes_GET_SIZE(wanted) / 8;
    PyObject *answers = PyBytes_FromStringAndSize(NULL, number * 24);
    if (answers == NULL) {
        return NULL;
    }
    memset(PyBytes_AS_STRING(answers), 0, (size_t)number * 24);
    Search search;
    memset(&search, 0, sizeof search);
    search.deadline = cpu_seconds() + seconds;
    search.left = STRIDE;
    if (!open_search(&search, wanted, trusted)) {
        close_search(&search);
        Py_DECREF(answers);
        return PyErr_NoMemory();
    }
    int whole = search_all(&search);
    for (Py_ssize_t at = 0; at < number; at++) {
        uint32_t node = node_at(&search, (uintptr_t)address_at(wanted, at));
        uint32_t end = node != UINT32_MAX ? end_of(&search, node) : UINT32_MAX;
        if (end != UINT32_MAX) {
            const Node *holder = &search.nodes[end];
            uint64_t words[3] = {holder->block, holder->type, holder->hold.told};
            memcpy(PyBytes_AS_STRING(answers) + at * 24, words, sizeof words);
        }
    }
    int passes = search.pass;
    close_search(&search);
    return Py_BuildValue("(NiO)", answers, passes, whole ? Py_True : Py_False);
}

static PyMethodDef methods[] = {
    {"find", find, METH_VARARGS, find_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakhunt.hook.capture._holders",
    .m_doc = "What holds the objects that freelists have handed on.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__holders(void)
{
    if (!is_known_state()) {
        return NULL;
    }
    deque_type = type_in("_collections", "deque");
    lru_type = type_in("_functools", "_lru_cache_wrapper");
    return with_built(PyModule_Create(&module));
}
