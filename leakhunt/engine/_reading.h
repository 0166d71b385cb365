/* Copies of the tables for Python, and what stands in the sampled blocks.
 *
 * Part of _sampler.c, which includes it once, after the parts that it uses.
 */
PyDoc_STRVAR(read_doc,
"read()\n--\n\n"
"A copy of the tables, as bytes of C structs (_tables.h): (samples, stacks, steps, frames,\n"
"texts, letters, intervals). The lock is held for the copy only.");

static PyObject *
read_tables(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    enum { PARTS = 7 };
    void *copies[PARTS] = {NULL};
    size_t lengths[PARTS];
    bool whole = true;
    enter();
    const void *parts[PARTS] = {tables.samples, tables.stacks.items, tables.steps,
                                tables.frames.items, tables.texts.items, tables.letters,
                                intervals};
    lengths[0] = tables.used * sizeof(Sample);
    lengths[1] = tables.stacks.used * sizeof(Stack);
    lengths[2] = tables.steps_used * sizeof(uint32_t);
    lengths[3] = tables.frames.used * sizeof(Frame);
    lengths[4] = tables.texts.used * sizeof(Text);
    lengths[5] = tables.letters_used;
    lengths[6] = sizeof intervals;
    for (int at = 0; at < PARTS; at++) {
        if (lengths[at]) {
            copies[at] = malloc(lengths[at]);
            if (copies[at] == NULL) {
                whole = false;
                break;
            }
            memcpy(copies[at], parts[at], lengths[at]);
        }
    }
    leave();
    PyObject *result = whole ? PyTuple_New(PARTS) : PyErr_NoMemory();
    for (int at = 0; at < PARTS; at++) {
        if (result != NULL) {
            PyObject *part = PyBytes_FromStringAndSize(copies[at], (Py_ssize_t)lengths[at]);
            if (part == NULL) {
                Py_CLEAR(result);
            }
            else {
                PyTuple_SET_ITEM(result, at, part);
            }
        }
        free(copies[at]);
    }
    return result;
}

#define HEADS 3
#define BATCH 512

PyDoc_STRVAR(heads_doc,
"heads(samples)\n--\n\n"
"What stands where an object in each block would have its type: three words per sample, for\n"
"objects that begin 0, 16 and 32 bytes into it. 0: no memory, no room, no reference count.");

/* The kernel copies, so a block that has gone is an error and not a crash. */
static PyObject *
heads(PyObject *Py_UNUSED(module), PyObject *samples)
{
    if (!PyBytes_Check(samples) || PyBytes_GET_SIZE(samples) % (Py_ssize_t)sizeof(Sample)) {
        PyErr_SetString(PyExc_TypeError, "heads() needs the samples of read()");
        return NULL;
    }
    const Sample *sample = (const Sample *)PyBytes_AS_STRING(samples);
    Py_ssize_t number = PyBytes_GET_SIZE(samples) / (Py_ssize_t)sizeof(Sample);
    PyObject *result = PyBytes_FromStringAndSize(NULL, number * HEADS * 8);
    if (result == NULL) {
        return NULL;
    }
    uint64_t *found = (uint64_t *)PyBytes_AS_STRING(result);
    memset(found, 0, (size_t)number * HEADS * 8);
#if defined(__linux__) && UINTPTR_MAX == UINT64_MAX
    static uint64_t words[BATCH][HEADS * 2];
    struct iovec to[BATCH], from[BATCH];
    for (Py_ssize_t first = 0; first < number;) {
        int many = 0;
        for (; many < BATCH && first + many < number; many++) {
            uint64_t size = sample[first + many].size & ~UINT64_C(15);
            size = size < sizeof words[0] ? size : sizeof words[0];
            memset(words[many], 0, sizeof words[0]);
            to[many].iov_base = words[many];
            from[many].iov_base = (void *)(uintptr_t)sample[first + many].address;
            to[many].iov_len = from[many].iov_len = (size_t)size;
        }
        ssize_t copied = process_vm_readv(getpid(), to, (unsigned long)many, from,
                                          (unsigned long)many, 0);
        if (copied < 0 && errno != EFAULT) {
            break; /* not allowed here: then types stay unknown */
        }
        int whole = 0;
        for (; whole < many && copied >= (ssize_t)to[whole].iov_len; whole++) {
            copied -= (ssize_t)to[whole].iov_len;
            for (int at = 0; at < HEADS; at++) {
#if PY_VERSION_HEX >= 0x030E0000
                bool alive = (uint32_t)words[whole][at * 2] != 0; /* flags above */
#else
                bool alive = (int64_t)words[whole][at * 2] > 0;
#endif
                found[(first + whole) * HEADS + at] = alive ? words[whole][at * 2 + 1] : 0;
            }
        }
        first += whole < many ? whole + 1 : many; /* the one that failed is skipped */
    }
#else
    (void)sample;
#endif
    return result;
}
