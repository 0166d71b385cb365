/* A thread that Python does not know and that asks Python's raw allocator all the time, as a library's may. */
#include <Python.h>
#include <pthread.h>

static pthread_t thread;
static int ends;
static long asked;

static void *
asks(void *Py_UNUSED(none))
{
    while (!__atomic_load_n(&ends, __ATOMIC_ACQUIRE)) {
        PyMem_RawFree(PyMem_RawMalloc(1000));
        __atomic_fetch_add(&asked, 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

static PyObject *
begin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    __atomic_store_n(&ends, 0, __ATOMIC_RELEASE);
    return PyLong_FromLong(pthread_create(&thread, NULL, asks, NULL));
}

static PyObject *
end(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    __atomic_store_n(&ends, 1, __ATOMIC_RELEASE);
    Py_BEGIN_ALLOW_THREADS
    pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *
get_asked(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(__atomic_load_n(&asked, __ATOMIC_ACQUIRE));
}

static PyMethodDef methods[] = {
    {"begin", begin, METH_NOARGS, "Begin the thread; 0, or an error's number."},
    {"end", end, METH_NOARGS, "Wait for its end."},
    {"asked", get_asked, METH_NOARGS, "How many blocks of 1,000 bytes it has asked for."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "raw_thread", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_raw_thread(void)
{
    return PyModule_Create(&module);
}
