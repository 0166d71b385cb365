/* Who has a signal, as the kernel knows it, and a handler of C code that was there before.
 *
 * Python's signal module knows only what was set through it. faulthandler.register, uwsgi and
 * libraries call sigaction(2) themselves: their handler is lost without a word when Python sets
 * its own, and Python's is when they come later. Here the handler that was there is kept and
 * called first, in the signal's own context, as it was written for.
 */
#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../cpython/built.h"
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#ifndef NSIG
#define NSIG 65
#endif

typedef void (*plain_handler)(int);

static struct sigaction theirs[NSIG]; /* of C code, before ours */
static struct sigaction ours[NSIG];   /* Python's, as it stood after signal.signal */
static char has_theirs[NSIG], has_ours[NSIG];
static volatile sig_atomic_t inside[NSIG];

static void
call(const struct sigaction *action, int signum, siginfo_t *info, void *context)
{
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(signum, info, context);
    else if (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN)
        action->sa_handler(signum);
}

/* Only what is async-signal-safe, and what the two handlers do by themselves. */
static void
both(int signum, siginfo_t *info, void *context)
{
    int error = errno;
    struct sigaction now;

    /* A handler that raises the signal once more for whom it replaced comes back here. */
    if (has_theirs[signum] && !inside[signum]) {
        inside[signum] = 1;
        call(&theirs[signum], signum, info, context);
        /* faulthandler's, with chain=True, sets itself once more. */
        if (sigaction(signum, NULL, &now) == 0 &&
            !((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == both)) {
            struct sigaction again = ours[signum];
            again.sa_sigaction = both;
            again.sa_flags |= SA_SIGINFO;
            sigaction(signum, &again, NULL);
        }
        inside[signum] = 0;
    }
    call(&ours[signum], signum, info, context);
    errno = error;
}

static int
is_both(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == both;
}

static int
same(const struct sigaction *one, const struct sigaction *other)
{
    return one->sa_handler == other->sa_handler;
}

static int
parsed(PyObject *argument, int *signum, struct sigaction *now)
{
    long number = PyLong_AsLong(argument);
    if (number == -1 && PyErr_Occurred())
        return 0;
    if (number <= 0 || number >= NSIG || sigaction((int)number, NULL, now) != 0) {
        PyErr_SetString(PyExc_ValueError, "no such signal");
        return 0;
    }
    *signum = (int)number;
    return 1;
}

PyDoc_STRVAR(before_doc,
"before(signum, has_handler, other) -> bool\n\n"
"Keep the handler of C code that has the signal, if one does. has_handler: Python thinks that a handler\n"
"of its own has it; other: a signal that surely has one of Python's, or 0. To be called right\n"
"before signal.signal().");

static PyObject *
before(PyObject *module, PyObject *args)
{
    PyObject *number;
    int signum, has_handler, other;
    struct sigaction now, reference;

    if (!PyArg_ParseTuple(args, "Opi:before", &number, &has_handler, &other) ||
        !parsed(number, &signum, &now))
        return NULL;
    if (is_both(&now))
        return PyBool_FromLong(has_theirs[signum]);
    int plain = !(now.sa_flags & SA_SIGINFO);
    int empty = plain && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN);
    int pythons = has_handler;
    if (has_ours[signum])
        pythons = same(&now, &ours[signum]);
    else if (other > 0 && other < NSIG && sigaction(other, NULL, &reference) == 0)
        pythons = same(&now, &reference);
    has_theirs[signum] = 0;
    if (!empty && !pythons) {
        theirs[signum] = now;
        has_theirs[signum] = 1;
    }
    return PyBool_FromLong(has_theirs[signum]);
}

PyDoc_STRVAR(after_doc,
"after(signum)\n\nTake note of Python's handler, and call the one that was kept before it.");

static PyObject *
after(PyObject *module, PyObject *number)
{
    int signum;
    struct sigaction now;

    if (!parsed(number, &signum, &now))
        return NULL;
    if (!is_both(&now)) {
        ours[signum] = now;
        has_ours[signum] = 1;
        if (has_theirs[signum]) {
            now.sa_sigaction = both;
            now.sa_flags |= SA_SIGINFO;
            if (sigaction(signum, &now, NULL) != 0)
                return PyErr_SetFromErrno(PyExc_OSError);
        }
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(has_doc,
"has(signum) -> bool\n\nWhether the signal still goes to Python's handler, as after() noted it.");

static PyObject *
has(PyObject *module, PyObject *number)
{
    int signum;
    struct sigaction now;

    if (!parsed(number, &signum, &now))
        return NULL;
    return PyBool_FromLong(is_both(&now) || (has_ours[signum] && same(&now, &ours[signum])));
}

PyDoc_STRVAR(where_doc,
"where(signum) -> str or None\n\nThe file of the program or library that the handler lies in.");

static PyObject *
where(PyObject *module, PyObject *number)
{
    int signum;
    struct sigaction now;
    Dl_info info;

    if (!parsed(number, &signum, &now))
        return NULL;
    if (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)
        Py_RETURN_NONE;
    memset(&info, 0, sizeof(info));
    if (!dladdr((void *)now.sa_handler, &info) || info.dli_fname == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeFSDefault(info.dli_fname);
}

static PyMethodDef methods[] = {
    {"before", before, METH_VARARGS, before_doc},
    {"after", after, METH_O, after_doc},
    {"has", has, METH_O, has_doc},
    {"where", where, METH_O, where_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "leakhunt.hook._takeover",
    "Who has a signal, and a handler of C code that was there before.", -1, methods,
};

PyMODINIT_FUNC
PyInit__takeover(void)
{
    return with_built(PyModule_Create(&module));
}
