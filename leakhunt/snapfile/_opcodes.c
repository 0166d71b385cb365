/* See _opcodes.h. */
#include "_opcodes.h"

#include <string.h>
#include <unistd.h>

/* What is read at once; a longer string is none of a file name. */
#define WINDOW ((size_t)1 << 18)
#define LONGEST_STRING ((uint64_t)1 << 16)
/* Picklers write lists and dicts in portions of 1,000; a traceback has less than 2^16 frames. */
#define DEEPEST ((size_t)1 << 17)
#define MOST_MARKS 16
/* As in untrusted.py. */
#define LARGEST_LIMIT ((uint64_t)1 << 20)

typedef enum { INTEGER, STRING, FRAME, TRACEBACK, RECORD, NO_ITEMS, CLASS, OBJECT, DICT, LIST } Kind;
/* Classes, and the one object of each. */
enum { SNAPSHOT, TRACES, CLASSES };

typedef struct {
    uint64_t number; /* an integer; a record's size */
    uint32_t index;  /* of anything else; a record's traceback */
    uint16_t kind;
    uint16_t domain; /* a record's */
} Value;

typedef struct {
    bool has_traces, has_limit, has_list;
} Dict;

typedef struct {
    Sums *sums;
    int descriptor;
    uint64_t size;
    uint64_t base; /* where in the file the window begins */
    unsigned char *window;
    size_t at, end;     /* in the window */
    uint64_t frame_end; /* where in the file the last FRAME ends */
    Value *stack;
    size_t depth, fence; /* nothing below the last mark may be taken */
    size_t marks[MOST_MARKS];
    size_t marked;
    Column memo; /* uint32_t: the kind above a number of 28 bits */
    Dict dicts[CLASSES];
    size_t dicts_used;
    bool made[CLASSES], listed;
    int state[CLASSES]; /* the dict of the object; -1: none so far */
} Machine;

/* -- the file ----------------------------------------------------------------------- */

/* Have so many bytes in the window. At most WINDOW. */
static bool
refill(Machine *machine, size_t length)
{
    size_t rest = machine->end - machine->at;
    memmove(machine->window, machine->window + machine->at, rest);
    machine->base += machine->at;
    machine->at = 0;
    machine->end = rest;
    while (machine->end < length) {
        ssize_t got = pread(machine->descriptor, machine->window + machine->end,
                            WINDOW - machine->end, (off_t)(machine->base + machine->end));
        if (got <= 0) {
            return false;
        }
        machine->end += (size_t)got;
    }
    return true;
}

/* How many bytes of the frame are left; 0: at its end, or in none. */
static inline uint64_t
left_in_frame(const Machine *machine)
{
    uint64_t position = machine->base + machine->at;
    return position < machine->frame_end ? machine->frame_end - position : 0;
}

/* The next bytes of the file; NULL: there are not as many, or a frame ends among them, where the
 * unpickler (_Unpickler_ReadFromFile in Modules/_pickle.c) loses some. */
static inline const unsigned char *
operand(Machine *machine, size_t length)
{
    uint64_t left = left_in_frame(machine);
    if ((left != 0 && left < length)
        || (machine->end - machine->at < length && !refill(machine, length))) {
        return NULL;
    }
    const unsigned char *found = machine->window + machine->at;
    machine->at += length;
    return found;
}

/* An unsigned number of so many bytes, little endian. */
static inline bool
number(Machine *machine, size_t length, uint64_t *value)
{
    const unsigned char *bytes = operand(machine, length);
    *value = 0;
    for (size_t i = 0; bytes != NULL && i < length; i++) {
        *value |= (uint64_t)bytes[i] << 8 * i;
    }
    return bytes != NULL;
}

/* -- the stack and the memo --------------------------------------------------------- */

static inline bool
push(Machine *machine, Kind kind, uint64_t integer, size_t index)
{
    if (machine->depth >= DEEPEST || index >= LARGEST_NUMBER) {
        return false;
    }
    Value *top = &machine->stack[machine->depth++];
    top->number = integer;
    top->index = (uint32_t)index;
    top->kind = (uint16_t)kind;
    top->domain = 0;
    return true;
}

static bool
integer(Machine *machine, size_t length, uint64_t largest)
{
    uint64_t value;
    return number(machine, length, &value) && value <= largest
           && push(machine, INTEGER, value, 0);
}

/* LONG1: two's complement of any length; only what is positive and fits. */
static bool
long_integer(Machine *machine)
{
    uint64_t length, value;
    return number(machine, 1, &length) && length <= 8 && number(machine, (size_t)length, &value)
           && value < IMPOSSIBLE && (length == 0 || value >> (8 * length - 1) == 0)
           && push(machine, INTEGER, value, 0);
}

static bool
mark(Machine *machine)
{
    if (machine->marked >= MOST_MARKS) {
        return false;
    }
    machine->marks[machine->marked++] = machine->depth;
    machine->fence = machine->depth;
    return true;
}

/* Take the last mark away; where it was. SIZE_MAX: there is none. */
static size_t
unmark(Machine *machine)
{
    if (machine->marked == 0) {
        return SIZE_MAX;
    }
    size_t start = machine->marks[--machine->marked];
    machine->fence = machine->marked != 0 ? machine->marks[machine->marked - 1] : 0;
    return start;
}

/* Where the top so many values begin, which may be taken; SIZE_MAX: there are not as many. */
static inline size_t
below(const Machine *machine, size_t amount)
{
    return machine->depth - machine->fence < amount ? SIZE_MAX : machine->depth - amount;
}

/* These values; NULL: there are not as many. */
static inline Value *
top(Machine *machine, size_t amount)
{
    size_t start = below(machine, amount);
    return start == SIZE_MAX ? NULL : machine->stack + start;
}

static inline bool
memoize(Machine *machine)
{
    Value *value = top(machine, 1);
    if (value == NULL || value->kind == INTEGER || value->kind == NO_ITEMS
        || machine->memo.used >= UINT32_MAX) {
        return false;
    }
    uint32_t *slot = added(&machine->memo, sizeof *slot, 1);
    if (slot != NULL) {
        *slot = (uint32_t)value->kind << 28 | (value->kind == RECORD ? 0 : value->index);
    }
    return slot != NULL;
}

/* PUT: picklers count from 0 on; a memo with holes is not worth its room. */
static bool
memoize_at(Machine *machine, size_t length)
{
    uint64_t index;
    return number(machine, length, &index) && index == machine->memo.used && memoize(machine);
}

static inline bool
recall(Machine *machine, size_t length)
{
    uint64_t index;
    if (!number(machine, length, &index) || index >= machine->memo.used) {
        return false;
    }
    uint32_t known = ((uint32_t *)machine->memo.items)[index];
    /* Records are not kept: a list with the same one twice is not tracemalloc's. */
    return known >> 28 != RECORD && push(machine, (Kind)(known >> 28), 0, known & 0x0FFFFFFF);
}

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
