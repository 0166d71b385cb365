/* See _tables.h. */
#include "_tables.h"

#include <stdlib.h>
#include <string.h>

#include "interned.inc"

/* -- stacks --------------------------------------------------------------------------- */

static bool
stacks_open(Tables *tables, uint32_t limit)
{
    interned_open(&tables->stacks, sizeof(Stack), limit);
    interned_open(&tables->frames, sizeof(Frame), limit * 4);
    interned_open(&tables->texts, sizeof(Text), limit * 2);
    tables->steps = NULL;
    tables->steps_used = tables->steps_room = 0;
    tables->steps_limit = limit * 24;
    tables->letters = NULL;
    tables->letters_used = tables->letters_room = 0;
    tables->letters_limit = limit * 128;
    tables->live_stacks = 0;
    return tables_add_stack(tables, 0, NULL, 0) == UNKNOWN_STACK;
}

static void
stacks_close(Tables *tables)
{
    interned_free(&tables->stacks);
    interned_free(&tables->frames);
    interned_free(&tables->texts);
    free(tables->steps);
    free(tables->letters);
    tables->steps = NULL;
    tables->letters = NULL;
    tables->steps_used = tables->steps_room = 0;
    tables->letters_used = tables->letters_room = 0;
}

uint32_t
tables_stack(const Tables *tables, uint64_t key)
{
    return interned_find(&tables->stacks, key);
}

/* Whether a frame of importlib is among these. */
static uint32_t
imports(const Tables *tables, const uint32_t *frames, uint32_t depth)
{
    static const char mark[] = "<frozen importlib"; /* ._bootstrap, ._bootstrap_external */
    const Frame *all = tables->frames.items;
    const Text *texts = tables->texts.items;
    for (uint32_t at = 0; at < depth; at++) {
        const Text *file = &texts[all[frames[at]].file];
        if (file->length >= sizeof mark - 1 &&
            memcmp(tables->letters + file->offset, mark, sizeof mark - 1) == 0) {
            return 1;
        }
    }
    return 0;
}

bool
tables_importing(const Tables *tables, uint32_t stack)
{
    return ((const Stack *)tables->stacks.items)[stack].importing;
}

uint32_t
tables_add_stack(Tables *tables, uint64_t key, const uint32_t *frames, uint32_t depth)
{
    uint32_t *steps = grown(tables->steps, sizeof *steps, tables->steps_used, depth + 1,
                            &tables->steps_room, tables->steps_limit);
    if (steps == NULL) {
        return NONE;
    }
    tables->steps = steps;
    Stack stack = {tables->steps_used, depth, 0, imports(tables, frames, depth)};
    uint32_t number = interned_add(&tables->stacks, key, &stack);
    if (number != NONE && depth) {
        memcpy(steps + tables->steps_used, frames, depth * sizeof *frames);
        tables->steps_used += depth;
    }
    return number;
}

uint32_t
tables_frame(const Tables *tables, uint64_t key)
{
    return interned_find(&tables->frames, key);
}

uint32_t
tables_add_frame(Tables *tables, uint64_t key, Frame frame)
{
    return interned_add(&tables->frames, key, &frame);
}

uint32_t
tables_text(Tables *tables, const char *text, uint32_t length)
{
    uint64_t key = mixed(UINT64_C(0x2545F4914F6CDD1D), length), word;
    uint32_t at = 0;
    for (; at + sizeof word <= length; at += sizeof word) {
        memcpy(&word, text + at, sizeof word);
        key = mixed(key, word);
    }
    word = 0;
    memcpy(&word, text + at, length - at);
    key = mixed(mixed(key, word), length);
    uint32_t number = interned_find(&tables->texts, key);
    if (number != NONE) {
        return number;
    }
    char *letters = grown(tables->letters, 1, tables->letters_used, length + 1,
                          &tables->letters_room, tables->letters_limit);
    if (letters == NULL) {
        return NONE;
    }
    tables->letters = letters;
    Text added = {tables->letters_used, length};
    number = interned_add(&tables->texts, key, &added);
    if (number != NONE && length) {
        memcpy(letters + tables->letters_used, text, length);
        tables->letters_used += length;
    }
    return number;
}

bool
tables_compact(Tables *tables)
{
    Tables fresh = *tables;
    uint32_t *numbers = malloc((tables->stacks.used + (size_t)1) * sizeof *numbers);
    if (numbers == NULL || !stacks_open(&fresh, tables->stacks.limit)) {
        if (numbers != NULL) {
            stacks_close(&fresh);
        }
        free(numbers);
        return false;
    }
    const Stack *stacks = tables->stacks.items;
    const Frame *frames = tables->frames.items;
    const Text *texts = tables->texts.items;
    uint32_t moved[256];
    bool whole = true;
    numbers[UNKNOWN_STACK] = UNKNOWN_STACK;
    for (uint32_t number = 1; whole && number < tables->stacks.used; number++) {
        const Stack *stack = &stacks[number];
        if (stack->live == 0 || stack->depth > 256) {
            numbers[number] = UNKNOWN_STACK;
            continue;
        }
        for (uint32_t at = 0; whole && at < stack->depth; at++) {
            uint32_t old = tables->steps[stack->first + at];
            uint64_t key = tables->frames.keys[old];
            uint32_t new = tables_frame(&fresh, key);
            if (new == NONE) {
                Frame frame = frames[old];
                const Text *file = &texts[frame.file], *function = &texts[frame.function];
                frame.file = tables_text(&fresh, tables->letters + file->offset, file->length);
                frame.function =
                    tables_text(&fresh, tables->letters + function->offset, function->length);
                whole = frame.file != NONE && frame.function != NONE;
                new = whole ? tables_add_frame(&fresh, key, frame) : NONE;
                whole = new != NONE;
            }
            moved[at] = new;
        }
        if (whole) {
            numbers[number] =
                tables_add_stack(&fresh, tables->stacks.keys[number], moved, stack->depth);
            whole = numbers[number] != NONE;
        }
    }
    if (!whole) {
        stacks_close(&fresh);
        free(numbers);
        return false;
    }
    stacks_close(tables);
    *tables = fresh;
    Stack *kept = tables->stacks.items;
    for (uint32_t at = 0; at < tables->used; at++) {
        Sample *sample = &tables->samples[at];
        sample->stack = numbers[sample->stack];
        if (kept[sample->stack].live++ == 0) {
            tables->live_stacks++;
        }
    }
    for (uint32_t at = 0; at < tables->graves_used; at++) {
        tables->graves[at].stack = numbers[tables->graves[at].stack];
    }
    free(numbers);
    tables->compactions++;
    return true;
}

#include "live.inc"

/* -- all ------------------------------------------------------------------------------ */

bool
tables_open(Tables *tables, uint32_t samples, uint32_t stacks)
{
    memset(tables, 0, sizeof *tables);
    tables->limit = samples;
    if (!stacks_open(tables, stacks) || !samples_grow(tables)) {
        tables_close(tables);
        return false;
    }
    return true;
}

void
tables_close(Tables *tables)
{
    stacks_close(tables);
    free(tables->samples);
    free(tables->slots);
    free(tables->graves);
    memset(tables, 0, sizeof *tables);
}

size_t
tables_memory(const Tables *tables)
{
    size_t slots = tables->slots ? tables->mask + (size_t)1 : 0;
    return tables->room * sizeof(Sample) + slots * sizeof(uint32_t) +
           interned_memory(&tables->stacks) + interned_memory(&tables->frames) +
           interned_memory(&tables->texts) + tables->steps_room * sizeof(uint32_t) +
           tables->letters_room + (tables->graves ? MOST_GRAVES * sizeof(Grave) : 0);
}

const char *
tables_problem(const Tables *tables)
{
    uint64_t bytes = 0, live = 0, padding = 0;
    uint32_t slots = 0;
    for (uint32_t index = 0; index < tables->used; index++) {
        const Sample *sample = &tables->samples[index];
        if (tables_find(tables, sample->address) != index) {
            return "a sample cannot be found by its address";
        }
        if (sample->stack >= tables->stacks.used) {
            return "a sample has a stack that does not exist";
        }
        bytes += sample->size * sample->blocks;
        padding += padding_of(sample);
    }
    for (uint32_t at = 0; tables->slots && at <= tables->mask; at++) {
        slots += tables->slots[at] != 0;
    }
    for (uint32_t at = 0; at < tables->graves_used; at++) {
        if (tables->graves[at].stack >= tables->stacks.used) {
            return "a grave has a stack that does not exist";
        }
    }
    const Stack *stacks = tables->stacks.items;
    for (uint32_t number = 0; number < tables->stacks.used; number++) {
        live += stacks[number].live;
        if (stacks[number].first + (uint64_t)stacks[number].depth > tables->steps_used) {
            return "a stack has steps that do not exist";
        }
        for (uint32_t at = 0; at < stacks[number].depth; at++) {
            if (tables->steps[stacks[number].first + at] >= tables->frames.used) {
                return "a stack has a frame that does not exist";
            }
        }
    }
    const Frame *frames = tables->frames.items;
    for (uint32_t number = 0; number < tables->frames.used; number++) {
        if (frames[number].file >= tables->texts.used ||
            frames[number].function >= tables->texts.used) {
            return "a frame has a text that does not exist";
        }
    }
    if (bytes != tables->bytes || padding != tables->padding) {
        return "the live bytes do not add up";
    }
    if (slots != tables->used || live != tables->used) {
        return "the live samples do not add up";
    }
    return NULL;
}
