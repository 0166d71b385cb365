/* Sums up the pickle of a plain tracemalloc.Snapshot.dump while it reads it: no object per block.
 *
 * A pickle is a program for a small stack machine (Lib/pickletools.py). This one knows the few
 * opcodes that pickling a snapshot takes, in protocol 2 to 5, and values that are nothing but
 * numbers: a string, a frame or a traceback is its index, a record of a block is its size, domain
 * and traceback, and is forgotten once it was added to its traceback's sums.
 *
 * It never judges: whatever it does not know, or finds odd in any way, it declines, and the
 * unpickler in untrusted.py decides what is wrong, in its words. What it does not decline means
 * the same to both.
 *
 * The file may be hostile. So: every operand is checked against what is there; indexes into the
 * memo count from 0 on without a gap, as picklers number them; the stack and the marks have fixed
 * ends; everything else grows with what was read, to less than the limits of the child; nothing
 * recurses; a search that takes long is given up. Plain C, and libc's malloc.
 */
#ifndef LEAKHUNT_OPCODES_H
#define LEAKHUNT_OPCODES_H

#include "_lookup.h"

typedef struct {
    uint32_t offset; /* in `text` */
    uint32_t length; /* bytes, not yet known to be UTF-8 */
} String;

typedef struct {
    uint32_t file; /* a string */
    uint32_t line;
} Frame;

typedef struct {
    uint32_t first; /* in `steps`: where it begins; it ends where the next one does */
    uint32_t line;  /* its line + 1; 0: no block has it so far */
} Traceback;

/* What the blocks of one traceback add up to. */
typedef struct {
    uint64_t size, count;
    uint32_t traceback;
    uint32_t blocks; /* how many entries of `blocks` are its own, where these are asked for */
} Line;

/* The blocks of one traceback that have the same domain and size. */
typedef struct {
    uint64_t size, domain, count;
    uint32_t line;
} Block;

/* What a file says. Zeroed before, freed after. */
typedef struct {
    Column text, strings;
    Column frames;     /* distinct */
    Column steps;      /* frames, uint32_t, most recent call first */
    Column tracebacks; /* one more than there are: where the last one ends */
    Column lines;      /* in the order of their first blocks */
    Column blocks;     /* by line, domain and size; empty unless asked for */
    uint32_t limit;    /* the traceback limit */
} Sums;

/* Read a file of that many bytes; false: declined. */
bool sums_read(Sums *sums, int descriptor, uint64_t size, bool detail);

/* The frames of the lines, most recent call last, numbered from 0 in the order they occur:
 * `named[n]` is the frame with number n. How many there are; SIZE_MAX: no memory.
 * `walk` has room for sums_steps, `named` for all frames. */
size_t sums_number(const Sums *sums, uint32_t *walk, uint32_t *named);

/* How many steps the tracebacks of the lines have, and one of them. */
size_t sums_steps(const Sums *sums);
size_t sums_depth(const Sums *sums, size_t line);

void sums_free(Sums *sums);

#endif
