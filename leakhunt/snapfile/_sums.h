/* What the blocks of a dump add up to, per traceback; strings, frames and tracebacks are numbers.
 *
 * Grows with what is added, nothing else, and is never asked for what is not there. Plain C.
 */
#ifndef LEAKHUNT_SUMS_H
#define LEAKHUNT_SUMS_H

#include "lookup.inc"

#define MOST_DOMAINS 64

typedef struct {
    uint32_t offset; /* in `text` */
    uint32_t length; /* bytes, not known to be UTF-8 */
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

typedef struct {
    bool detail;
    uint32_t limit; /* the traceback limit */
    Column text, strings;
    Column frames;     /* distinct */
    Column steps;      /* frames, uint32_t, most recent call first */
    Column tracebacks; /* one more than there are: where the last one ends */
    Column lines;      /* in the order of their first blocks */
    Column blocks;     /* by line, domain and size once they are sorted; only with `detail` */
    Lookup string_numbers, frame_numbers, block_numbers;
    uint64_t domains[MOST_DOMAINS];
    size_t domains_used;
    uint64_t total; /* bytes */
} Sums;

/* To be freed whatever it says. */
bool sums_open(Sums *sums, bool detail);
void sums_free(Sums *sums);

/* The number of a value, below LARGEST_NUMBER (MOST_DOMAINS); else there is no room for it. */
size_t sums_string(Sums *sums, const unsigned char *bytes, uint32_t length);
size_t sums_frame(Sums *sums, uint32_t file, uint32_t line);
size_t sums_domain(Sums *sums, uint64_t domain);

/* The number of a new traceback, always another one: its frames go to `steps`. */
size_t sums_traceback(Sums *sums, size_t length, uint32_t **steps);

bool sums_is_word(const Sums *sums, uint32_t string, const char *word);

/* Add a block, of less than IMPOSSIBLE bytes. False: no room, or more memory than exists. */
bool sums_book(Sums *sums, uint32_t traceback, size_t domain, uint64_t size);

/* As IMPOSSIBLE in untrusted.py. */
#define IMPOSSIBLE ((uint64_t)1 << 62)

/* Put the blocks in order. */
bool sums_sort(Sums *sums);

/* How many steps the tracebacks of the lines have, and one of them. */
size_t sums_steps(const Sums *sums);
size_t sums_depth(const Sums *sums, size_t line);

/* The frames of the lines, most recent call last, numbered from 0 in the order they occur:
 * `named[n]` is the frame with number n. How many there are; SIZE_MAX: no memory.
 * `walk` has room for sums_steps, `named` for all frames. */
size_t sums_number(const Sums *sums, uint32_t *walk, uint32_t *named);

#endif
