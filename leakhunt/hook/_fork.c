/* Forks a Python process and takes the traces in the child before anything is torn down.
 *
 * os.fork() runs PyOS_AfterFork_Child() first, which clears the states of all other
 * threads, and threading forgets their Thread objects: what they alone hold is freed
 * before the child can look, so a snapshot would miss it, and finalizers (a database
 * connection in a threading.local saying goodbye on the shared socket) would run in
 * the child. Here the child arms its watchdog, calls `read` (a C function: no bytecode
 * may run while threads that do not exist any more wait for the GIL), keeps what the
 * other thread states hold alive, and only then lets CPython clean up.
 *
 * See Modules/posixmodule.c (os_fork_impl, PyOS_AfterFork_Child) and
 * Python/pystate.c (PyThreadState_Clear) of CPython 3.9 to 3.13.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* The child never exits through the interpreter, so these references leak on purpose. */
static void
keep_thread_states(void)
{
    PyThreadState *own = PyThreadState_Get();
    PyThreadState *state = PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(own));
    for (; state != NULL; state = PyThreadState_Next(state)) {
        if (state == own) {
            continue;
        }
        Py_XINCREF(state->dict);
        Py_XINCREF(state->context);
#if PY_VERSION_HEX < 0x030B0000
        Py_XINCREF(state->exc_state.exc_type);
        Py_XINCREF(state->exc_state.exc_traceback);
#endif
        Py_XINCREF(state->exc_state.exc_value);
#if PY_VERSION_HEX >= 0x030D0000
        /* threading.local values hang on these two (Modules/_threadmodule.c). */
        Py_XINCREF(state->threading_local_key);
        Py_XINCREF(state->threading_local_sentinel);
#endif
    }
}

static void
arm_watchdog(unsigned int seconds)
{
    sigset_t alarm_only;
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    alarm(seconds);
}

PyDoc_STRVAR(fork_and_read_doc,
"fork_and_read(read, seconds)\n--\n\n"
"Fork; return (pid, None) in the parent and (0, read()) in the child.\n\n"
"The kernel ends the child after `seconds`, whatever it hangs on. `read` must be a\n"
"C function, and the caller must have disabled the garbage collector.\n"
"Raises OSError where the fork is refused.");

static PyObject *
fork_and_read(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *read;
    unsigned int seconds;
    if (!PyArg_ParseTuple(args, "OI:fork_and_read", &read, &seconds)) {
        return NULL;
    }
    if (!PyCFunction_Check(read) && !PyType_Check(read)) {
        PyErr_SetString(PyExc_TypeError, "fork_and_read() needs a C function");
        return NULL;
    }
    PyOS_BeforeFork();
    pid_t pid = fork();
    if (pid == 0) {
        arm_watchdog(seconds);
        PyObject *raw = PyObject_CallObject(read, NULL);
        PyObject *type = NULL, *value = NULL, *traceback = NULL;
        if (raw == NULL) {
            PyErr_Fetch(&type, &value, &traceback);
        }
        keep_thread_states();
        PyOS_AfterFork_Child();
        if (raw == NULL) {
            PyErr_Restore(type, value, traceback);
            return NULL;
        }
        return Py_BuildValue("(iN)", 0, raw);
    }
    int refused = errno;
    PyOS_AfterFork_Parent();
    if (pid < 0) {
        errno = refused;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return Py_BuildValue("(iO)", (int)pid, Py_None);
}

static PyMethodDef methods[] = {
    {"fork_and_read", fork_and_read, METH_VARARGS, fork_and_read_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakhunt.hook._fork",
    .m_doc = "A fork that reads the traces before CPython tears the other threads down.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__fork(void)
{
    return PyModule_Create(&module);
}
