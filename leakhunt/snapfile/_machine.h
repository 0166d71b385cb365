/* The unpickler's own parts: a window on the file, the stack with its marks, the memo.
 *
 * Part of _opcodes.c, which includes it once.
 */
#include <string.h>
#include <unistd.h>

/* What is read at once; a longer string is none of a file name. */
#define WINDOW ((size_t)1 << 18)
#define LONGEST_STRING ((uint64_t)1 << 16)
/* Picklers write lists and dicts in portions of 1,000; a traceback has less than 2^16 frames. */
#define DEEPEST ((size_t)1 << 17)
#define MOST_MARKS 16

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
