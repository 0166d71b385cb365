/* See _opcodes.h. */
#include "_opcodes.h"

#include "machine.inc"

/* As in untrusted.py. */
#define LARGEST_LIMIT ((uint64_t)1 << 20)

/* -- strings and classes ------------------------------------------------------------ */

static bool
string(Machine *machine, size_t length_of_length)
{
    uint64_t length;
    if (!number(machine, length_of_length, &length) || length > LONGEST_STRING) {
        return false;
    }
    const unsigned char *bytes = operand(machine, (size_t)length);
    return bytes != NULL
           && push(machine, STRING, 0, sums_string(machine->sums, bytes, (uint32_t)length));
}

static bool
is_word(const Machine *machine, const Value *value, const char *word)
{
    return value->kind == STRING && sums_is_word(machine->sums, value->index, word);
}

static bool
stack_global(Machine *machine)
{
    Value *names = top(machine, 2);
    if (names == NULL || !is_word(machine, names, "tracemalloc")) {
        return false;
    }
    bool snapshot = is_word(machine, names + 1, "Snapshot");
    if (!snapshot && !is_word(machine, names + 1, "_Traces")) {
        return false;
    }
    machine->depth -= 2;
    return push(machine, CLASS, 0, snapshot ? SNAPSHOT : TRACES);
}

/* GLOBAL: both names as lines of text. */
static bool
global(Machine *machine)
{
    static const char module[] = "tracemalloc\n", snapshot[] = "Snapshot", traces[] = "_Traces\n";
    const unsigned char *line = operand(machine, sizeof module - 1);
    if (line == NULL || memcmp(line, module, sizeof module - 1) != 0) {
        return false;
    }
    line = operand(machine, 8);
    if (line != NULL && memcmp(line, traces, 8) == 0) {
        return push(machine, CLASS, 0, TRACES);
    }
    if (line == NULL || memcmp(line, snapshot, 8) != 0) {
        return false;
    }
    if (machine->base + machine->at == machine->frame_end) {
        return false; /* in the middle of a line */
    }
    line = operand(machine, 1);
    return line != NULL && *line == '\n' && push(machine, CLASS, 0, SNAPSHOT);
}

/* -- frames, tracebacks, records ---------------------------------------------------- */

static bool
frame(Machine *machine, size_t start, const Value *items)
{
    if (items[1].kind != INTEGER || items[1].number > UINT32_MAX) {
        return false;
    }
    machine->depth = start;
    return push(machine, FRAME, 0,
                sums_frame(machine->sums, items[0].index, (uint32_t)items[1].number));
}

static bool
traceback(Machine *machine, size_t start, const Value *items)
{
    size_t length = machine->depth - start;
    uint32_t *steps;
    size_t index = sums_traceback(machine->sums, length, &steps);
    if (index >= LARGEST_NUMBER) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (items[i].kind != FRAME) {
            return false;
        }
        steps[i] = items[i].index;
    }
    machine->depth = start;
    return push(machine, TRACEBACK, 0, index);
}

/* (domain, size, traceback, frames before it was cut), without the last before Python 3.9. */
static bool
record(Machine *machine, size_t start, const Value *items)
{
    size_t length = machine->depth - start;
    if (items[1].kind != INTEGER || items[2].kind != TRACEBACK
        || (length == 4 && items[3].kind != INTEGER)) {
        return false;
    }
    size_t domain = sums_domain(machine->sums, items[0].number);
    Value *made = machine->stack + start;
    made->number = items[1].number;
    made->index = items[2].index;
    made->kind = RECORD;
    made->domain = (uint16_t)domain;
    machine->depth = start + 1;
    return domain < MOST_DOMAINS;
}

/* What a tuple is, its first item tells. */
static inline bool
tuple(Machine *machine, size_t start)
{
    if (start == SIZE_MAX) {
        return false;
    }
    size_t length = machine->depth - start;
    const Value *items = machine->stack + start;
    if (length != 0 && items->kind == INTEGER) {
        return (length == 3 || length == 4) && record(machine, start, items);
    }
    if (length != 0 && items->kind == STRING) {
        return length == 2 && frame(machine, start, items);
    }
    return length != 0 && traceback(machine, start, items);
}

/* -- the list of the blocks --------------------------------------------------------- */

/* APPEND and APPENDS: everything from `start` on, to the list below. */
static bool
append(Machine *machine, size_t start)
{
    if (start == SIZE_MAX || start <= machine->fence || machine->stack[start - 1].kind != LIST) {
        return false;
    }
    for (size_t i = start; i < machine->depth; i++) {
        const Value *item = machine->stack + i;
        if (item->kind != RECORD
            || !sums_book(machine->sums, item->index, item->domain, item->number)) {
            return false;
        }
    }
    machine->depth = start;
    return true;
}

/* -- the objects around it ---------------------------------------------------------- */

static bool
set_item(Machine *machine, Dict *dict, const Value *key, const Value *value)
{
    if (is_word(machine, key, "traces") && !dict->has_traces) {
        return dict->has_traces = value->kind == OBJECT && value->index == TRACES;
    }
    if (is_word(machine, key, "_traces") && !dict->has_list) {
        return dict->has_list = value->kind == LIST;
    }
    if (is_word(machine, key, "traceback_limit") && !dict->has_limit) {
        machine->sums->limit = (uint32_t)value->number;
        return dict->has_limit = value->kind == INTEGER && value->number > 0
                                 && value->number < LARGEST_LIMIT;
    }
    return false;
}

/* SETITEM and SETITEMS: keys and values from `start` on, into the dict below. */
static bool
set_items(Machine *machine, size_t start)
{
    if (start == SIZE_MAX || start <= machine->fence || machine->stack[start - 1].kind != DICT
        || (machine->depth - start) % 2 != 0) {
        return false;
    }
    Dict *dict = machine->dicts + machine->stack[start - 1].index;
    for (size_t i = start; i < machine->depth; i += 2) {
        if (!set_item(machine, dict, machine->stack + i, machine->stack + i + 1)) {
            return false;
        }
    }
    machine->depth = start;
    return true;
}

static bool
empty_dict(Machine *machine)
{
    return machine->dicts_used < CLASSES && push(machine, DICT, 0, machine->dicts_used++);
}

static bool
empty_list(Machine *machine)
{
    bool first = !machine->listed;
    machine->listed = true;
    return first && push(machine, LIST, 0, 0);
}

static bool
new_object(Machine *machine)
{
    Value *values = top(machine, 2);
    if (values == NULL || values[0].kind != CLASS || values[1].kind != NO_ITEMS
        || machine->made[values[0].index]) {
        return false;
    }
    machine->made[values[0].index] = true;
    values[0].kind = OBJECT;
    machine->depth--;
    return true;
}

static bool
build(Machine *machine)
{
    Value *values = top(machine, 2);
    if (values == NULL || values[0].kind != OBJECT || values[1].kind != DICT
        || machine->state[values[0].index] != -1) {
        return false;
    }
    machine->state[values[0].index] = (int)values[1].index;
    machine->depth--;
    return true;
}

static bool
is_whole(const Machine *machine)
{
    const Value *last = machine->stack;
    int outer = machine->state[SNAPSHOT], inner = machine->state[TRACES];
    if (machine->depth != 1 || machine->marked != 0 || last->kind != OBJECT
        || last->index != SNAPSHOT || outer < 0 || inner < 0 || outer == inner) {
        return false;
    }
    const Dict *snapshot = machine->dicts + outer, *traces = machine->dicts + inner;
    return snapshot->has_traces && snapshot->has_limit && !snapshot->has_list && traces->has_list
           && !traces->has_traces && !traces->has_limit;
}

/* -- the program -------------------------------------------------------------------- */

/* PROTO. The unpickler takes 0 and 1 as well; the reader does not. */
static bool
protocol(Machine *machine)
{
    const unsigned char *bytes = operand(machine, 2);
    return bytes != NULL && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
}

/* FRAME: so many bytes must be there. */
static bool
framed(Machine *machine)
{
    uint64_t length;
    if (!number(machine, 8, &length) || left_in_frame(machine) != 0) {
        return false;
    }
    uint64_t position = machine->base + machine->at;
    machine->frame_end = position + length;
    return position <= machine->size && length <= machine->size - position;
}

static bool
run(Machine *machine)
{
    for (;;) {
        const unsigned char *opcode = operand(machine, 1);
        bool fine = false;
        switch (opcode != NULL ? *opcode : 0) {
        case 'K': fine = integer(machine, 1, UINT8_MAX); break;       /* BININT1 */
        case 'M': fine = integer(machine, 2, UINT16_MAX); break;      /* BININT2 */
        case 'J': fine = integer(machine, 4, INT32_MAX); break;       /* BININT, signed */
        case 0x8a: fine = long_integer(machine); break;               /* LONG1 */
        case '(': fine = mark(machine); break;                        /* MARK */
        case 't': fine = tuple(machine, unmark(machine)); break;      /* TUPLE */
        case 0x85: fine = tuple(machine, below(machine, 1)); break;   /* TUPLE1 */
        case 0x86: fine = tuple(machine, below(machine, 2)); break;   /* TUPLE2 */
        case 0x87: fine = tuple(machine, below(machine, 3)); break;   /* TUPLE3 */
        case 0x94: fine = memoize(machine); break;                    /* MEMOIZE */
        case 'q': fine = memoize_at(machine, 1); break;               /* BINPUT */
        case 'r': fine = memoize_at(machine, 4); break;               /* LONG_BINPUT */
        case 'h': fine = recall(machine, 1); break;                   /* BINGET */
        case 'j': fine = recall(machine, 4); break;                   /* LONG_BINGET */
        case 0x8c: fine = string(machine, 1); break;                  /* SHORT_BINUNICODE */
        case 'X': fine = string(machine, 4); break;                   /* BINUNICODE */
        case 0x8d: fine = string(machine, 8); break;                  /* BINUNICODE8 */
        case 'e': fine = append(machine, unmark(machine)); break;     /* APPENDS */
        case 'a': fine = append(machine, below(machine, 1)); break;   /* APPEND */
        case 'u': fine = set_items(machine, unmark(machine)); break;  /* SETITEMS */
        case 's': fine = set_items(machine, below(machine, 2)); break;/* SETITEM */
        case ']': fine = empty_list(machine); break;                  /* EMPTY_LIST */
        case '}': fine = empty_dict(machine); break;                  /* EMPTY_DICT */
        case ')': fine = push(machine, NO_ITEMS, 0, 0); break;        /* EMPTY_TUPLE */
        case 'c': fine = global(machine); break;                      /* GLOBAL */
        case 0x93: fine = stack_global(machine); break;               /* STACK_GLOBAL */
        case 0x81: fine = new_object(machine); break;                 /* NEWOBJ */
        case 'b': fine = build(machine); break;                       /* BUILD */
        case 0x95: fine = framed(machine); break;                     /* FRAME */
        case '.': return is_whole(machine);                           /* STOP */
        default: break;
        }
        if (!fine) {
            return false;
        }
    }
}

bool
pickle_sums(Sums *sums, int descriptor, uint64_t size)
{
    Machine machine = {.sums = sums, .descriptor = descriptor, .size = size, .state = {-1, -1}};
    machine.window = malloc(WINDOW);
    machine.stack = malloc(DEEPEST * sizeof *machine.stack);
    bool fine = machine.window != NULL && machine.stack != NULL && protocol(&machine)
                && run(&machine);
    free(machine.window);
    free(machine.stack);
    free(machine.memo.items);
    return fine;
}
