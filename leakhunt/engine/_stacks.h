/* From a thread's frames to the number of an interned stack.
 *
 * Part of _sampler.c, which includes it once, after the parts that it uses.
 */
/* A str as UTF-8 into `out`, cut at `room`, without a Python call that may allocate. */
static uint32_t
text_of(PyObject *string, char *out, uint32_t room)
{
    if (string == NULL || !PyUnicode_Check(string)) {
        return 0;
    }
#if PY_VERSION_HEX < 0x030C0000
    if (!PyUnicode_IS_READY(string)) {
        return 0;
    }
#endif
    Py_ssize_t length = PyUnicode_GET_LENGTH(string);
    int kind = (int)PyUnicode_KIND(string);
    const void *content = PyUnicode_DATA(string);
    uint32_t used = 0;
    for (Py_ssize_t at = 0; at < length && used + 4 <= room; at++) {
        Py_UCS4 letter = PyUnicode_READ(kind, content, at);
        if (letter < 0x80) {
            out[used++] = (char)letter;
        }
        else if (letter < 0x800) {
            out[used++] = (char)(0xC0 | (letter >> 6));
            out[used++] = (char)(0x80 | (letter & 0x3F));
        }
        else if (letter < 0x10000) { /* surrogates too: read with surrogatepass */
            out[used++] = (char)(0xE0 | (letter >> 12));
            out[used++] = (char)(0x80 | ((letter >> 6) & 0x3F));
            out[used++] = (char)(0x80 | (letter & 0x3F));
        }
        else {
            out[used++] = (char)(0xF0 | (letter >> 18));
            out[used++] = (char)(0x80 | ((letter >> 12) & 0x3F));
            out[used++] = (char)(0x80 | ((letter >> 6) & 0x3F));
            out[used++] = (char)(0x80 | (letter & 0x3F));
        }
    }
    return used;
}

static uint32_t
text_number(PyObject *string)
{
    char text[LONGEST_TEXT];
    if (string != NULL && PyUnicode_Check(string) && PyUnicode_IS_COMPACT_ASCII(string) &&
        PyUnicode_GET_LENGTH(string) < LONGEST_TEXT) { /* nearly all */
        return tables_text(&tables, PyUnicode_DATA(string),
                           (uint32_t)PyUnicode_GET_LENGTH(string));
    }
    return tables_text(&tables, text, text_of(string, text, sizeof text));
}

/* Tells a file name from another that took its address: its length and its last letters. */
static uint64_t
text_mark(PyObject *string)
{
    if (string == NULL || !PyUnicode_Check(string)) {
        return 0;
    }
#if PY_VERSION_HEX < 0x030C0000
    if (!PyUnicode_IS_READY(string)) {
        return 0;
    }
#endif
    size_t length = (size_t)PyUnicode_GET_LENGTH(string) * (size_t)PyUnicode_KIND(string);
    uint64_t last[2] = {0, 0};
    size_t part = length < sizeof last ? length : sizeof last;
    memcpy(last, (const char *)PyUnicode_DATA(string) + (length - part), part);
    return mixed(mixed(length, last[0]), last[1]);
}

/* A code object may be freed and another take its address, so more than that goes in. */
static uint64_t
place_key(const Place *place, PyObject **last_file, uint64_t *last_mark)
{
    const PyCodeObject *code = place->code;
    if (code->co_filename != *last_file) {
        *last_file = code->co_filename;
        *last_mark = text_mark(code->co_filename);
    }
    uint64_t at = (uint64_t)(uint32_t)place->lasti * UINT64_C(0xD6E8FEB86659FD93);
    uint64_t file = (uintptr_t)code->co_filename ^ *last_mark;
    uint64_t name = (uintptr_t)code->co_name ^ ((uint64_t)(uint32_t)code->co_firstlineno << 40);
    uint64_t key = mixed((uintptr_t)code ^ at, file); /* each round waits for the one before */
    return mixed(mixed(key, name), (uintptr_t)code_line_table(code));
}

static uint32_t
frame_number(const Place *place, uint64_t key)
{
    uint32_t number = tables_frame(&tables, key);
    if (number != NONE) {
        return number;
    }
    Frame frame;
    frame.file = text_number(place->code->co_filename);
    frame.function = text_number(code_function(place->code));
    if (frame.file == NONE || frame.function == NONE) {
        return NONE;
    }
    int line = PyCode_Addr2Line(place->code, place->lasti);
    frame.line = line > 0 ? (uint32_t)line : 0;
    return tables_add_frame(&tables, key, frame);
}

/* Forget dead stacks, but not more often than that pays. */
static bool
tidy(void)
{
    if (taken - tidied < tables.stacks.used) {
        return false;
    }
    tidied = taken;
    return tables_compact(&tables);
}

/* The number of this thread's stack; the lock is held. */
static uint32_t
stack_number(PyThreadState *state)
{
    int depth = walk_frames(state, places, nframe_limit);
    if (depth == 0) {
        return UNKNOWN_STACK;
    }
    PyObject *last_file = NULL;
    uint64_t last_mark = 0, key = (uint64_t)depth;
    for (int at = 0; at < depth; at++) {
        place_keys[at] = place_key(&places[at], &last_file, &last_mark);
        key = mixed(key, place_keys[at]);
    }
    key |= 1; /* 0 is the unknown stack's */
    uint32_t number = tables_stack(&tables, key);
    if (number == NONE && tables.stacks.used >= CROWDED &&
        tables.live_stacks < tables.stacks.used / 4) {
        tidy();
    }
    for (int attempt = 0; number == NONE && attempt < 2; attempt++) {
        bool whole = true;
        for (int at = 0; whole && at < depth; at++) {
            place_frames[at] = frame_number(&places[at], place_keys[at]);
            whole = place_frames[at] != NONE;
        }
        if (whole) {
            number = tables_add_stack(&tables, key, place_frames, (uint32_t)depth);
        }
        if (number == NONE && !tidy()) {
            break;
        }
    }
    if (number == NONE) {
        tables.unplaced++;
        return UNKNOWN_STACK;
    }
    return number;
}
