/* A library with fork handlers of its own, as OpenBLAS, gRPC or a database's client have them. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
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
hangs, crashes, kills;

static int
traverse(PyObject *self, visitproc visit, void *arg)
{
    while (hangs) {
    }
    if (crashes) {
        *(volatile int *)8 = 1;
    }
    if (kills) {
        kill(getpid(), SIGKILL);
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
    kills = PyLong_AsLong(how) == 3;
    Py_RETURN_NONE;
}

/* -- a library that frees Python's memory in threads of its own, without the GIL ---------------------- */

static volatile int freeing;

static void *
frees(void *Py_UNUSED(none))
{
    while (freeing) {
        PyMem_RawFree(malloc(16)); /* tracemalloc looks for it in its tables, under their lock */
    }
    return NULL;
}

static PyObject *
frees_in_threads(PyObject *Py_UNUSED(module), PyObject *number)
{
    pthread_t thread;
    long threads = PyLong_AsLong(number);
    freeing = threads > 0;
    for (long at = 0; at < threads; at++) {
        pthread_create(&thread, NULL, frees, NULL);
        pthread_detach(thread);
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"waits_before", waits_before, METH_NOARGS, "A handler before a fork gives the GIL away."},
    {"hangs_before", hangs_before, METH_NOARGS, "A handler before a fork never returns."},
    {"hangs_in_child", hangs_in_child, METH_NOARGS, "A handler in a fork's child never returns."},
    {"frees_in_threads", frees_in_threads, METH_O, "So many threads free memory all the time; 0: none."},
    {"go_wrong", go_wrong, METH_O, "Wrong's tp_traverse: 0 is right, 1 never ends, 2 crashes, 3 kills its process."},
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
