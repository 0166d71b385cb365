/* What watches the interpreter run: trace and profile functions, and since 3.12 what sys.monitoring calls.
 *
 * Include after Python.h.
 */
#ifndef LEAKHUNT_TRACERS_H
#define LEAKHUNT_TRACERS_H

enum { MONITORING_TOOLS = 6 };

/* In a child that ends by _exit(): have none of them called any more. They are other people's Python code: a
 * debugger's would wait for a thread that is not here. The references leak: nobody's finalizer may run. */
static inline void
forget_tracers(void)
{
    PyThreadState *own = PyThreadState_Get();
    if (own->c_tracefunc != NULL) {
        Py_XINCREF(own->c_traceobj);
        PyEval_SetTrace(NULL, NULL);
    }
    if (own->c_profilefunc != NULL) {
        Py_XINCREF(own->c_profileobj);
        PyEval_SetProfile(NULL, NULL);
    }
#if PY_VERSION_HEX >= 0x030C0000
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed */
    for (int tool = 0; monitoring != NULL && tool < MONITORING_TOOLS; tool++) {
        PyObject *name = PyObject_CallMethod(monitoring, "get_tool", "i", tool);
        if (name != NULL && name != Py_None) {
            Py_XDECREF(PyObject_CallMethod(monitoring, "set_events", "ii", tool, 0));
        }
        Py_XDECREF(name);
    }
#endif
    PyErr_Clear();
}

#endif
