/* What a module was built from: `BUILT`, which parts.py compares with what lies beside it.
 *
 * The text comes from the build (build.py). Where somebody compiles by other means there is none, and
 * nothing is compared. Include after Python.h.
 */
#ifndef LEAKHUNT_BUILT_H
#define LEAKHUNT_BUILT_H

#ifndef LEAKHUNT_BUILT
#define LEAKHUNT_BUILT ""
#endif

/* The module, or NULL with an error. */
static inline PyObject *
with_built(PyObject *module)
{
    if (module != NULL && PyModule_AddStringConstant(module, "BUILT", LEAKHUNT_BUILT) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}

#endif
