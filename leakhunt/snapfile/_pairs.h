/* Which stacks of one snapshot are which of another one, by their steps alone.
 *
 * Runs where the console runs, on columns from a file: every index is checked. Plain C.
 */
#ifndef LEAKHUNT_PAIRS_H
#define LEAKHUNT_PAIRS_H

#include "lookup.inc"

/* Stacks one after the other. */
typedef struct {
    const uint32_t *steps; /* frames */
    size_t walk;           /* how many steps there are */
    const uint32_t *depths;
    size_t stacks;
} Stacks;

typedef enum { PAIRED, WRONG, GIVEN_UP, NO_MEMORY } Outcome;

/* `number[f]` is what the newer snapshot calls frame f of the older one, `frames` how many the
 * older one has. Into `partner`, for each newer stack: which older one it is, or how many of these
 * there are; into `alone`, in order, the older ones that are no newer one, and how many of them.
 * WRONG: the columns do not belong together. GIVEN_UP: a stack is there twice, or a hash too often. */
Outcome pairs_find(Stacks newer, Stacks older, const uint32_t *number, size_t frames,
                   uint32_t *partner, uint32_t *alone, size_t *alone_used);

#endif
