/* A library with fork handlers of its own, as OpenBLAS, gRPC or a database's client have them. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <unistd.h>

static void
gives_the_gil_away(void)
{
    if (PyGILState_Check()) {
        Py_BEGIN_ALLOW_THREADS
        usleep(50000);
        Py_END_ALLOW_THREADS
    }
}

static void
never_returns(void)
{
    for (;;) {
        pause();
    }
}

static PyObject *
waits_before(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    pthread_atfork(gives_the_gil_away, NULL, NULL);
    Py_RETURN_NONE;
}

static PyObject *
hangs_before(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    pthread_atfork(never_returns, NULL, NULL);
    Py_RETURN_NONE;
}

static PyObject *
hangs_in_child(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    pthread_atfork(NULL, NULL, never_returns);
    Py_RETURN_NONE;
}

/* -- a type whose tp_traverse is wrong ------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
} Wrong;

static int
hangs, crashes;

static int
traverse(PyObject *self, visitproc visit, void *arg)
{
    while (hangs) {
    }
    if (crashes) {
        *(volatile int *)8 = 1;
    }
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static PyType_Slot slots[] = {{Py_tp_traverse, traverse}, {0, NULL}};
static PyType_Spec spec = {"fork_hooks.Wrong", sizeof(Wrong), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};

static PyObject *
go_wrong(PyObject *Py_UNUSED(module), PyObject *how)
{
    hangs = PyLong_AsLong(how) == 1;
    crashes = PyLong_AsLong(how) == 2;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"waits_before", waits_before, METH_NOARGS, "A handler before a fork gives the GIL away."},
    {"hangs_before", hangs_before, METH_NOARGS, "A handler before a fork never returns."},
    {"hangs_in_child", hangs_in_child, METH_NOARGS, "A handler in a fork's child never returns."},
    {"go_wrong", go_wrong, METH_O, "Wrong's tp_traverse: 0 is right, 1 never ends, 2 crashes."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fork_hooks", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_fork_hooks(void)
{
    PyObject *made = PyModule_Create(&module);
    PyObject *type = made != NULL ? PyType_FromSpec(&spec) : NULL;
    if (type == NULL || PyModule_AddObject(made, "Wrong", type) < 0) {
        Py_XDECREF(made);
        return NULL;
    }
    return made;
}
