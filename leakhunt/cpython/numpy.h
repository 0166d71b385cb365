/* How numpy lays out an array, and where it asks for the memory of its data.
 *
 * numpy fixes both for whoever is compiled against it, the same in 1.22 to 2.x: PyArrayObject_fields, PyArray_Descr
 * and PyDataMem_Handler in numpy/core/include/numpy/ndarraytypes.h, the numbers of its functions in
 * numpy/core/code_generators/numpy_api.py, NEP 49. So neither numpy nor its headers are needed to build; that what
 * is there is numpy's own is asked of its module. Include after Python.h.
 */
#ifndef LEAKHUNT_NUMPY_H
#define LEAKHUNT_NUMPY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    PyObject_HEAD
    char *block; /* the data */
    int dimensions;
    Py_ssize_t *shape, *strides; /* one block: twice as many numbers as there are dimensions */
    PyObject *base;              /* whose data they are, or who answers for them */
    PyObject *dtype;
    int flags;
    PyObject *weak;
} NumpyArray;

typedef struct {
    PyObject_HEAD
    PyTypeObject *scalar;
    char kind, letter, order, flags;
    int number;
} NumpyDtype;

enum { NUMPY_OWNS_DATA = 0x0004, NUMPY_OBJECTS = 17, NUMPY_TRACE_DOMAIN = 389047 };

/* numpy's C module, if it has been imported whole; a borrowed reference. The GIL is held. */
static inline PyObject *
numpy_module(void)
{
    static const char *const names[] = {"numpy._core._multiarray_umath", "numpy.core._multiarray_umath"};
    PyObject *modules = PyImport_GetModuleDict();
    for (int at = 0; at < 2; at++) {
        PyObject *module = PyDict_GetItemString(modules, names[at]);
        if (module != NULL && PyModule_Check(module) &&
            PyDict_GetItemString(PyModule_GetDict(module), "_ARRAY_API") != NULL) {
            return module;
        }
    }
    return NULL;
}

/* numpy's type of arrays; NULL: there is none. */
static inline PyTypeObject *
numpy_array_type(void)
{
    PyObject *module = numpy_module();
    PyObject *type = module != NULL ? PyDict_GetItemString(PyModule_GetDict(module), "ndarray") : NULL;
    if (type == NULL || !PyType_Check(type) || strcmp(((PyTypeObject *)type)->tp_name, "numpy.ndarray") != 0 ||
        (size_t)((PyTypeObject *)type)->tp_basicsize < sizeof(NumpyArray)) {
        return NULL;
    }
    return (PyTypeObject *)type;
}

/* Bytes of the data that are an array's own; 0: they are another's. */
static inline size_t
numpy_own_data(const NumpyArray *array)
{
    if (!(array->flags & NUMPY_OWNS_DATA) || array->block == NULL) {
        return 0;
    }
    size_t size = sizeof(double); /* of a single number; its type says more, elsewhere in each version */
    for (int at = 0; at < array->dimensions; at++) {
        Py_ssize_t length = array->shape[at], stride = array->strides[at];
        if (length == 0) {
            return 1;
        }
        if (stride > 0 && (size_t)length * (size_t)stride > size) {
            size = (size_t)length * (size_t)stride;
        }
    }
    return size;
}

/* -- who is asked for data --------------------------------------------------------------------------- */

typedef struct {
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t number, size_t each);
    void *(*realloc)(void *context, void *block, size_t size);
    void (*free)(void *context, void *block, size_t size);
} NumpyAllocator;

typedef struct {
    char name[127];
    uint8_t version;
    NumpyAllocator allocator;
} NumpyHandler;

/* The handler that all arrays use unless their program sets one of its own; NULL: it is not as it is known to be. */
static inline NumpyHandler *
numpy_default_handler(PyObject *module)
{
    enum { ABI = 0, FEATURES = 211, DEFAULT_HANDLER = 306, HAS_HANDLERS = 0xf };
    PyObject *told = PyDict_GetItemString(PyModule_GetDict(module), "_ARRAY_API");
    if (told == NULL || !PyCapsule_IsValid(told, NULL)) {
        return NULL;
    }
    void **api = PyCapsule_GetPointer(told, NULL);
    unsigned abi = ((unsigned (*)(void))api[ABI])();
    if ((abi >> 24 != 1 && abi >> 24 != 2) || ((unsigned (*)(void))api[FEATURES])() < HAS_HANDLERS) {
        return NULL;
    }
    PyObject *capsule = api[DEFAULT_HANDLER] != NULL ? *(PyObject **)api[DEFAULT_HANDLER] : NULL;
    if (capsule == NULL || !PyCapsule_IsValid(capsule, "mem_handler")) {
        return NULL;
    }
    NumpyHandler *handler = PyCapsule_GetPointer(capsule, "mem_handler");
    const NumpyAllocator *own = &handler->allocator;
    bool is_whole = own->malloc != NULL && own->calloc != NULL && own->realloc != NULL && own->free != NULL;
    return is_whole && handler->version == 1 && strncmp(handler->name, "default_allocator", 127) == 0 ? handler : NULL;
}

#endif
