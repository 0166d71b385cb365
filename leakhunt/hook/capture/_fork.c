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
 * Functions given to os.register_at_fork() are not called, neither in the parent nor in the
 * child: a signal handler may fork while its own thread holds a lock that one of them waits for
 * (concurrent.futures takes its lock so, and ThreadPoolExecutor.submit holds it), which would
 * hang the worker for ever; and the child runs nobody else's code that they could prepare.
 *
 * See Modules/posixmodule.c (os_fork_impl, PyOS_AfterFork_Child) and
 * Python/pystate.c (PyThreadState_Clear) of CPython 3.9 to 3.13.
 */
#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE 1
#define Py_BUILD_CORE_MODULE 1
#include <Python.h>
#if PY_VERSION_HEX < 0x030F0000
#include "internal/pycore_interp.h"
#define CAN_DETACH 1
#endif

#include <errno.h>
#include <signal.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* The lists of os.register_at_fork(), while they are put aside. */
typedef struct {
    PyObject *before, *parent, *child;
} Hooks;

static void
detach(Hooks *hooks)
{
#ifdef CAN_DETACH
    PyInterpreterState *interpreter = PyThreadState_GetInterpreter(PyThreadState_Get());
    *hooks = (Hooks){interpreter->before_forkers, interpreter->after_forkers_parent,
                     interpreter->after_forkers_child};
    interpreter->before_forkers = NULL;
    interpreter->after_forkers_parent = NULL;
    interpreter->after_forkers_child = NULL;
#else
    (void)hooks;
#endif
}

#ifdef CAN_DETACH
/* PyOS_BeforeFork may wait for the import lock, and another thread register meanwhile. */
static void
join(PyObject **list, PyObject *aside)
{
    PyObject *meanwhile = *list;
    *list = aside != NULL ? aside : meanwhile;
    if (aside != NULL && meanwhile != NULL) {
        Py_ssize_t end = PyList_GET_SIZE(aside);
        if (PyList_SetSlice(aside, end, end, meanwhile) < 0) {
            PyErr_Clear();
        }
        Py_DECREF(meanwhile);
    }
}
#endif

static void
attach(const Hooks *hooks)
{
#ifdef CAN_DETACH
    PyInterpreterState *interpreter = PyThreadState_GetInterpreter(PyThreadState_Get());
    join(&interpreter->before_forkers, hooks->before);
    join(&interpreter->after_forkers_parent, hooks->parent);
    join(&interpreter->after_forkers_child, hooks->child);
#else
    (void)hooks;
#endif
}

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

/* What the allocators say, taken in the child before `read` allocates. */
static struct {
    int measured;
    int has_malloc;
    unsigned long long used, mapped, free;
    char pymalloc[16384];
    size_t length;
    PyMemAllocatorEx untraced;
} allocators;

/* sys._debugmallocstats() writes to the C stderr: lend it a file in memory. It is a C
 * function that walks the arenas, so it may run here; its text is parsed later. It does
 * so only while the object domain is pymalloc's itself, not a tracer's wrapper
 * (_PyMem_PymallocEnabled in Objects/obmalloc.c): lend it that as well. */
static void
measure_pymalloc(void)
{
#if defined(__linux__) && defined(MFD_CLOEXEC)
    PyObject *stats = PySys_GetObject("_debugmallocstats");
    int file = stats != NULL ? memfd_create("leakhunt", MFD_CLOEXEC) : -1;
    int saved = file >= 0 ? dup(2) : -1;
    if (saved >= 0 && dup2(file, 2) >= 0) {
        PyMemAllocatorEx traced;
        PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &traced);
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &allocators.untraced);
        PyObject *done = PyObject_CallObject(stats, NULL);
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &traced);
        if (done == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(done);
        fflush(stderr);
        dup2(saved, 2);
        ssize_t got = pread(file, allocators.pymalloc, sizeof allocators.pymalloc, 0);
        allocators.length = got > 0 ? (size_t)got : 0;
    }
    if (saved >= 0) {
        close(saved);
    }
    if (file >= 0) {
        close(file);
    }
#endif
}

static void
measure_allocators(void)
{
    allocators.measured = 1;
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
    struct mallinfo2 now = mallinfo2();
    allocators.has_malloc = 1;
    allocators.used = now.uordblks;
    allocators.mapped = now.hblkhd;
    allocators.free = now.fordblks;
#endif
#endif
    measure_pymalloc();
}

PyDoc_STRVAR(allocators_doc,
"allocators()\n--\n\n"
"In the child of fork_and_read: (bytes of malloc's main arena in use, bytes it mapped,\n"
"bytes it holds free, text of sys._debugmallocstats()), each None where unknown.\n"
"The figures are glibc's mallinfo2(3). None in any other process.");

static PyObject *
get_allocators(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    if (!allocators.measured) {
        Py_RETURN_NONE;
    }
    PyObject *text = PyUnicode_DecodeUTF8(allocators.pymalloc, (Py_ssize_t)allocators.length, "replace");
    if (text == NULL) {
        return NULL;
    }
    if (!allocators.has_malloc) {
        return Py_BuildValue("(OOON)", Py_None, Py_None, Py_None, text);
    }
    return Py_BuildValue("(KKKN)", allocators.used, allocators.mapped, allocators.free, text);
}

static int
is_c(PyObject *function)
{
    return PyCFunction_Check(function) || PyType_Check(function);
}

/* The result of a C function, NULL without an error for None and where it fails. */
static PyObject *
tried(PyObject *function)
{
    PyObject *result = function != Py_None ? PyObject_CallObject(function, NULL) : NULL;
    if (result == NULL) {
        PyErr_Clear();
    }
    return result;
}

PyDoc_STRVAR(fork_and_read_doc,
"fork_and_read(read, seconds, before=None, after=None)\n--\n\n"
"Fork; return (pid, None, None) in the parent and (0, read(), after()) in the child.\n\n"
"The kernel ends the child after `seconds`, whatever it hangs on. `before` is called\n"
"before `read` and `after` after it. All three must be C functions, and the caller must have\n"
"disabled the garbage collector. What goes wrong in the latter two counts as None.\n"
"Raises OSError where the fork is refused.");

static PyObject *
fork_and_read(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *read, *before = Py_None, *after = Py_None;
    unsigned int seconds;
    if (!PyArg_ParseTuple(args, "OI|OO:fork_and_read", &read, &seconds, &before, &after)) {
        return NULL;
    }
    if (!is_c(read) || (before != Py_None && !is_c(before)) || (after != Py_None && !is_c(after))) {
        PyErr_SetString(PyExc_TypeError, "fork_and_read() needs C functions");
        return NULL;
    }
    Hooks hooks;
    detach(&hooks);
    PyOS_BeforeFork();
    pid_t pid = fork();
    if (pid == 0) {
        arm_watchdog(seconds);
        measure_allocators();
        Py_XDECREF(tried(before));
        PyObject *raw = PyObject_CallObject(read, NULL);
        PyObject *type = NULL, *value = NULL, *traceback = NULL;
        if (raw == NULL) {
            PyErr_Fetch(&type, &value, &traceback);
        }
        PyObject *more = raw != NULL ? tried(after) : NULL;
        keep_thread_states();
        PyOS_AfterFork_Child();
        if (raw == NULL) {
            PyErr_Restore(type, value, traceback);
            return NULL;
        }
        if (more == NULL) {
            more = Py_None;
            Py_INCREF(more);
        }
        return Py_BuildValue("(iNN)", 0, raw, more);
    }
    int refused = errno;
    PyOS_AfterFork_Parent();
    attach(&hooks);
    if (pid < 0) {
        errno = refused;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return Py_BuildValue("(iOO)", (int)pid, Py_None, Py_None);
}

static PyMethodDef methods[] = {
    {"allocators", get_allocators, METH_NOARGS, allocators_doc},
    {"fork_and_read", fork_and_read, METH_VARARGS, fork_and_read_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakhunt.hook.capture._fork",
    .m_doc = "A fork that reads the traces before CPython tears the other threads down.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__fork(void)
{
    /* Before anything is traced, in all but a few cases (PYTHONTRACEMALLOC). */
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &allocators.untraced);
    return PyModule_Create(&module);
}
