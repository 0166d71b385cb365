/* See _pairs.h. */
#include "_pairs.h"

#include <string.h>

typedef struct {
    const uint32_t *steps;
    uint32_t depth;
} Stack;

static bool
is_stack(const void *context, uint32_t index, const void *key)
{
    const Stack *other = (const Stack *)context + index, *stack = key;
    return other->depth == stack->depth
           && (stack->depth == 0
               || memcmp(other->steps, stack->steps, stack->depth * sizeof *stack->steps) == 0);
}

static bool
add_up(Stacks all)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < all.stacks; i++) {
        sum += all.depths[i];
    }
    return sum == all.walk;
}

/* The number of a stack, which `numbered` keeps when it is the next one; LARGEST_NUMBER: given up. */
static size_t
interned(Lookup *lookup, Stack *numbered, size_t next, Stack stack)
{
    uint64_t hash = stack.depth;
    for (uint32_t i = 0; i < stack.depth; i++) {
        hash = (hash ^ stack.steps[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    size_t index = number_of(lookup, mixed(hash, 0), next, is_stack, numbered, &stack);
    if (index == next) {
        numbered[next] = stack;
    }
    return index;
}

static Outcome
pair_up(Stacks newer, Stacks older, const uint32_t *steps, Lookup *lookup, Stack *numbered,
        uint32_t *partner, uint32_t *alone, size_t *alone_used)
{
    size_t used = 0;
    const uint32_t *next = newer.steps;
    for (; used < newer.stacks; next += newer.depths[used++]) {
        partner[used] = (uint32_t)older.stacks;
        if (interned(lookup, numbered, used, (Stack){next, newer.depths[used]}) != used) {
            return GIVEN_UP;
        }
    }
    next = steps;
    for (size_t i = 0; i < older.stacks; next += older.depths[i++]) {
        size_t index = interned(lookup, numbered, used, (Stack){next, older.depths[i]});
        if (index < newer.stacks && partner[index] == older.stacks) {
            partner[index] = (uint32_t)i;
        }
        else if (index == used) {
            used++;
            alone[(*alone_used)++] = (uint32_t)i;
        }
        else {
            return GIVEN_UP;
        }
    }
    return PAIRED;
}

Outcome
pairs_find(Stacks newer, Stacks older, const uint32_t *number, size_t frames, uint32_t *partner,
           uint32_t *alone, size_t *alone_used)
{
    *alone_used = 0;
    if (!add_up(newer) || !add_up(older)
        || newer.stacks >= LARGEST_NUMBER / 2 || older.stacks >= LARGEST_NUMBER / 2) {
        return WRONG;
    }
    Lookup lookup = {0};
    uint32_t *steps = malloc((older.walk + 1) * sizeof *steps);
    Stack *numbered = malloc((newer.stacks + older.stacks + 1) * sizeof *numbered);
    Outcome outcome = steps != NULL && numbered != NULL ? PAIRED : NO_MEMORY;
    for (size_t i = 0; outcome == PAIRED && i < older.walk; i++) {
        if (older.steps[i] >= frames) {
            outcome = WRONG;
        }
        else {
            steps[i] = number[older.steps[i]];
        }
    }
    if (outcome == PAIRED) {
        outcome = pair_up(newer, older, steps, &lookup, numbered, partner, alone, alone_used);
    }
    free(lookup.slots);
    free(numbered);
    free(steps);
    return outcome;
}
