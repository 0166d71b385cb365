/* The sampled engine's memory: live samples by address, and interned stacks.
 *
 * Plain C and libc's malloc: nothing here calls Python or touches a Python object.
 * Every function expects the engine's lock to be held. Everything is bounded; what does
 * not fit is counted. Stacks are kept as text (file, line, function) and not as code
 * objects, so a program that makes and forgets code is not held up by the engine.
 */
#ifndef LEAKHUNT_TABLES_H
#define LEAKHUNT_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NONE UINT32_MAX
/* Stack 0: allocated by a thread that Python does not know, or by no Python code at all. */
#define UNKNOWN_STACK 0
/* Graves that are kept. */
#define MOST_GRAVES 4096u
/* What a block up to this size takes as a sample, with malloc's head (see SMALL, ROUTED). */
#define PADDED 528

typedef struct {
    uint64_t address;
    uint64_t size;     /* bytes that were asked for */
    uint32_t blocks;   /* how many blocks it stands for: 1/p, rounded at random without bias */
    uint32_t stack;
    uint16_t interval; /* index of the mean interval it was drawn under */
    uint16_t task;     /* number of the task that asked for it; 0: none did */
    uint32_t born;     /* units of work that the process had done by then */
    uint32_t when;     /* seconds that the process had lived by then */
    uint32_t life;     /* number of the process, which a fork makes another one */
} Sample;

/* A sample that has died after it had lived for a while: see graves.inc. */
typedef struct {
    double bytes;   /* that it stood for, times as many graves as it stands for */
    uint32_t stack;
    uint32_t born;  /* units of work, as in a sample */
    uint32_t died;
    uint32_t when;  /* seconds */
    uint32_t ended;
    uint32_t before; /* 1: born before this process was forked */
} Grave;

typedef struct {
    uint32_t first; /* in `steps` */
    uint32_t depth;
    uint32_t live;  /* samples */
    uint32_t importing; /* 1: the import system is on it */
} Stack;

typedef struct {
    uint32_t file; /* text numbers */
    uint32_t function;
    uint32_t line;
} Frame;

typedef struct {
    uint32_t offset;
    uint32_t length;
} Text;

/* Values by a 64 bit key, numbered in the order in which they came. */
typedef struct {
    uint64_t *keys;
    void *items;
    size_t item_size;
    uint32_t used, room, limit;
    uint32_t *slots; /* number + 1; 0 is free */
    uint32_t mask;
} Interned;

typedef struct {
    Sample *samples; /* dense */
    uint32_t used, room, limit;
    uint32_t *slots; /* index + 1; 0 is free */
    uint32_t mask;
    uint64_t bytes;   /* sum of size * blocks: the estimate of live memory */
    uint64_t padding; /* bytes that small samples were asked for in excess */

    Interned stacks, frames, texts;
    uint32_t *steps; /* frame numbers of all stacks, one after the other */
    uint32_t steps_used, steps_room, steps_limit;
    char *letters;
    uint32_t letters_used, letters_room, letters_limit;
    uint32_t live_stacks;

    Grave *graves; /* NULL: none yet */
    uint32_t graves_used;

    uint64_t dropped;  /* samples that found no room */
    uint64_t unplaced; /* samples whose stack found no room */
    uint64_t ghosts;   /* samples whose free was not seen: the address came back */
    uint64_t compactions;
} Tables;

bool tables_open(Tables *, uint32_t samples, uint32_t stacks);
void tables_close(Tables *);
size_t tables_memory(const Tables *);

uint32_t tables_find(const Tables *, uint64_t address); /* index or NONE */
bool tables_insert(Tables *, const Sample *);
bool tables_remove(Tables *, uint64_t address, Sample *removed);
/* After an index has been removed by the caller's choice (thinning). */
void tables_remove_at(Tables *, uint32_t index);

uint32_t tables_stack(const Tables *, uint64_t key);   /* number or NONE */
uint32_t tables_add_stack(Tables *, uint64_t key, const uint32_t *frames, uint32_t depth);
uint32_t tables_frame(const Tables *, uint64_t key);
uint32_t tables_add_frame(Tables *, uint64_t key, Frame);
uint32_t tables_text(Tables *, const char *text, uint32_t length);
bool tables_importing(const Tables *, uint32_t stack);
/* Forget stacks without live samples, and their frames and texts. False: out of memory. */
bool tables_compact(Tables *);
/* What is wrong, or NULL. Walks everything: for tests. */
const char *tables_problem(const Tables *);

static inline uint64_t
mixed(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

#endif
