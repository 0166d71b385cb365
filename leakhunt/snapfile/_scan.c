/* What reading and comparing snapshots spends its time with, for Python.
 *
 * scan() runs in the reader's limited child, before the unpickler, which reads what it declines
 * (_opcodes.h); the others where the console runs, on columns from a file (_pairs.h). All of it
 * is optional: without it the same is done in Python.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../cpython/built.h"

#include "_opcodes.h"
#include "_pairs.h"

/* -- the sums of a dump ------------------------------------------------------------- */

/* A list of so many new objects, made one after the other; NULL with an exception set. */
typedef PyObject *Maker(const Sums *sums, size_t index, const void *context);

static PyObject *
listed(const Sums *sums, size_t length, Maker *made, const void *context)
{
    PyObject *list = PyList_New((Py_ssize_t)length);
    for (size_t i = 0; list != NULL && i < length; i++) {
        PyObject *item = made(sums, i, context);
        if (item == NULL) {
            Py_CLEAR(list);
        }
        else {
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        }
    }
    return list;
}

/* As an unpickler decodes it: what is no UTF-8 raises UnicodeDecodeError. */
static PyObject *
string_of(const Sums *sums, size_t index, const void *Py_UNUSED(context))
{
    String string = ((const String *)sums->strings.items)[index];
    return PyUnicode_DecodeUTF8((const char *)sums->text.items + string.offset,
                                (Py_ssize_t)string.length, "surrogatepass");
}

typedef struct {
    PyObject *strings;
    const uint32_t *named;
} Names;

static PyObject *
frame_of(const Sums *sums, size_t index, const void *context)
{
    const Names *names = context;
    Frame frame = ((const Frame *)sums->frames.items)[names->named[index]];
    return Py_BuildValue("(OI)", PyList_GET_ITEM(names->strings, (Py_ssize_t)frame.file),
                         (unsigned int)frame.line);
}

static PyObject *
size_of(const Sums *sums, size_t index, const void *Py_UNUSED(context))
{
    return PyLong_FromUnsignedLongLong(((const Line *)sums->lines.items)[index].size);
}

static PyObject *
count_of(const Sums *sums, size_t index, const void *Py_UNUSED(context))
{
    return PyLong_FromUnsignedLongLong(((const Line *)sums->lines.items)[index].count);
}

static PyObject *
block_of(const Sums *Py_UNUSED(sums), size_t index, const void *context)
{
    const Block *block = (const Block *)context + index;
    return Py_BuildValue("(KKK)", (unsigned long long)block->domain,
                         (unsigned long long)block->size, (unsigned long long)block->count);
}

/* Called once for each line, in order. */
static PyObject *
blocks_of(const Sums *sums, size_t index, const void *context)
{
    const Block **next = (const Block **)(uintptr_t)context;
    size_t amount = ((const Line *)sums->lines.items)[index].blocks;
    PyObject *blocks = listed(sums, amount, block_of, *next);
    *next += amount;
    return blocks;
}

/* The fields of untrusted.Sums, in order, without the facts; `walk` and `named` have room. */
static PyObject *
fields_of(const Sums *sums, PyObject *steps, uint32_t *named)
{
    Names names = {listed(sums, sums->strings.used, string_of, NULL), named};
    size_t lines = sums->lines.used;
    size_t used = sums_number(sums, (uint32_t *)PyBytes_AS_STRING(steps), named);
    if (used == SIZE_MAX && names.strings != NULL) {
        PyErr_NoMemory();
        Py_CLEAR(names.strings);
    }
    if (names.strings == NULL) {
        return NULL;
    }
    const Block *next = sums->blocks.items;
    PyObject *depths = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(lines * sizeof(uint32_t)));
    PyObject *frames = listed(sums, used, frame_of, &names);
    PyObject *sizes = listed(sums, lines, size_of, NULL);
    PyObject *counts = listed(sums, lines, count_of, NULL);
    PyObject *blocks = listed(sums, sums->detail ? lines : 0, blocks_of, &next);
    PyObject *fields = NULL;
    if (depths != NULL && frames != NULL && sizes != NULL && counts != NULL && blocks != NULL) {
        for (size_t line = 0; line < lines; line++) {
            ((uint32_t *)PyBytes_AS_STRING(depths))[line] = (uint32_t)sums_depth(sums, line);
        }
        fields = Py_BuildValue("(IOOOOOO)", (unsigned int)sums->limit, frames, steps, depths,
                               sizes, counts, blocks);
    }
    Py_DECREF(names.strings);
    Py_XDECREF(depths);
    Py_XDECREF(frames);
    Py_XDECREF(sizes);
    Py_XDECREF(counts);
    Py_XDECREF(blocks);
    return fields;
}

PyDoc_STRVAR(scan_doc,
"scan(descriptor, size, detail)\n--\n\n"
"The sums of a plain dump of that many bytes, or None: this is for the unpickler.\n\n"
"(traceback limit, frames, steps, depths, sizes, counts, blocks), as untrusted.Sums has them.\n"
"The position of the descriptor stays. Raises UnicodeDecodeError for names that are no text,\n"
"and MemoryError.");

static PyObject *
scan(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int descriptor, detail;
    unsigned long long size;
    if (!PyArg_ParseTuple(arguments, "iKp", &descriptor, &size, &detail)) {
        return NULL;
    }
    Sums sums;
    PyObject *result = NULL;
    if (sums_open(&sums, detail) && pickle_sums(&sums, descriptor, size)
        && (!detail || sums_sort(&sums))) {
        size_t bytes = sums_steps(&sums) * sizeof(uint32_t);
        uint32_t *named = malloc((sums.frames.used + 1) * sizeof *named);
        PyObject *steps = named == NULL ? PyErr_NoMemory()
                                        : PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bytes);
        if (steps != NULL) {
            result = fields_of(&sums, steps, named);
        }
        Py_XDECREF(steps);
        free(named);
    }
    else {
        result = Py_None;
        Py_INCREF(result);
    }
    sums_free(&sums);
    return result;
}

/* -- columns ------------------------------------------------------------------------ */

/* Whether a buffer holds whole numbers of 4 bytes; else an exception is set. */
static int
holds_numbers(const Py_buffer *buffer)
{
    if (buffer->len % 4 == 0 && (buffer->len == 0 || (uintptr_t)buffer->buf % 4 == 0)) {
        return 1;
    }
    PyErr_SetString(PyExc_ValueError, "numbers of 4 bytes are needed");
    return 0;
}

PyDoc_STRVAR(largest_doc,
"largest(numbers)\n--\n\n"
"The largest of a buffer of unsigned numbers of 4 bytes; 0 where there is none.");

static PyObject *
largest(PyObject *Py_UNUSED(module), PyObject *numbers)
{
    Py_buffer buffer;
    if (PyObject_GetBuffer(numbers, &buffer, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *result = NULL;
    if (holds_numbers(&buffer)) {
        uint32_t most = 0;
        for (Py_ssize_t i = 0; i < buffer.len / 4; i++) {
            uint32_t number = ((const uint32_t *)buffer.buf)[i];
            most = number > most ? number : most;
        }
        result = PyLong_FromUnsignedLong(most);
    }
    PyBuffer_Release(&buffer);
    return result;
}

PyDoc_STRVAR(pairs_doc,
"pairs(new_steps, new_depths, old_steps, old_depths, numbers)\n--\n\n"
"Which stacks of two snapshots are the same: (older ones of the newer ones, the others).\n\n"
"Buffers of unsigned numbers of 4 bytes; numbers[f] is what the newer one calls frame f of the\n"
"older. The first result has, for each newer stack, its number in the older snapshot, or how many\n"
"stacks that has; the second one has the older stacks that are no newer one, in order.\n"
"None where a stack is there twice: then this is for somebody else. Raises ValueError for columns\n"
"that do not belong together.");

static PyObject *
paired(const Py_buffer *columns)
{
    size_t lengths[5];
    for (int i = 0; i < 5; i++) {
        if (!holds_numbers(columns + i)) {
            return NULL;
        }
        lengths[i] = (size_t)columns[i].len / 4;
    }
    Stacks newer = {columns[0].buf, lengths[0], columns[1].buf, lengths[1]};
    Stacks older = {columns[2].buf, lengths[2], columns[3].buf, lengths[3]};
    size_t used = 0;
    PyObject *result = NULL;
    PyObject *partner = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)lengths[1] * 4);
    PyObject *alone = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)lengths[3] * 4);
    if (partner != NULL && alone != NULL) {
        switch (pairs_find(newer, older, columns[4].buf, lengths[4],
                           (uint32_t *)PyBytes_AS_STRING(partner),
                           (uint32_t *)PyBytes_AS_STRING(alone), &used)) {
        case PAIRED:
            result = Py_BuildValue("(Oy#)", partner, PyBytes_AS_STRING(alone),
                                   (Py_ssize_t)used * 4);
            break;
        case GIVEN_UP:
            result = Py_None;
            Py_INCREF(result);
            break;
        case WRONG:
            PyErr_SetString(PyExc_ValueError, "these columns do not belong together");
            break;
        default:
            PyErr_NoMemory();
        }
    }
    Py_XDECREF(partner);
    Py_XDECREF(alone);
    return result;
}

static PyObject *
pairs(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer columns[5];
    if (!PyArg_ParseTuple(arguments, "y*y*y*y*y*", &columns[0], &columns[1], &columns[2],
                          &columns[3], &columns[4])) {
        return NULL;
    }
    PyObject *result = paired(columns);
    for (int i = 0; i < 5; i++) {
        PyBuffer_Release(&columns[i]);
    }
    return result;
}

static PyMethodDef methods[] = {
    {"scan", scan, METH_VARARGS, scan_doc},
    {"largest", largest, METH_O, largest_doc},
    {"pairs", pairs, METH_VARARGS, pairs_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakhunt.snapfile._scan",
    .m_doc = "Sums up plain dumps and compares columns, fast.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__scan(void)
{
    return with_built(PyModule_Create(&module));
}
