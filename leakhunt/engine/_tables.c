/* See _tables.h. */
#include "_tables.h"

#include <stdlib.h>
#include <string.h>

/* -- interned values ---------------------------------------------------------------- */

static uint32_t
slot_of(uint64_t key, uint32_t mask)
{
    return (uint32_t)((key * UINT64_C(0xD6E8FEB86659FD93)) >> 32) & mask;
}

static void
interned_free(Interned *table)
{
    free(table->keys);
    free(table->items);
    free(table->slots);
    table->keys = NULL;
    table->items = NULL;
    table->slots = NULL;
    table->used = table->room = 0;
}

static bool
interned_open(Interned *table, size_t item_size, uint32_t limit)
{
    memset(table, 0, sizeof *table);
    table->item_size = item_size;
    table->limit = limit;
    return true;
}

static bool
interned_grow(Interned *table)
{
    uint32_t room = table->room ? table->room * 2 : 256;
    if (table->room >= table->limit) {
        return false;
    }
    uint32_t size = room * 2;
    uint32_t *slots = calloc(size, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    uint64_t *keys = realloc(table->keys, room * sizeof *keys);
    if (keys == NULL) {
        free(slots);
        return false;
    }
    table->keys = keys;
    void *items = realloc(table->items, room * table->item_size);
    if (items == NULL) {
        free(slots);
        return false;
    }
    table->items = items;
    for (uint32_t number = 0; number < table->used; number++) {
        uint32_t at = slot_of(keys[number], size - 1);
        while (slots[at]) {
            at = (at + 1) & (size - 1);
        }
        slots[at] = number + 1;
    }
    free(table->slots);
    table->slots = slots;
    table->mask = size - 1;
    table->room = room;
    return true;
}

static uint32_t
interned_find(const Interned *table, uint64_t key)
{
    if (table->slots == NULL) {
        return NONE;
    }
    uint32_t at = slot_of(key, table->mask);
    while (table->slots[at]) {
        uint32_t number = table->slots[at] - 1;
        if (table->keys[number] == key) {
            return number;
        }
        at = (at + 1) & table->mask;
    }
    return NONE;
}

static uint32_t
interned_add(Interned *table, uint64_t key, const void *item)
{
    if (table->used >= table->limit || (table->used == table->room && !interned_grow(table))) {
        return NONE;
    }
    uint32_t number = table->used++;
    table->keys[number] = key;
    memcpy((char *)table->items + number * table->item_size, item, table->item_size);
    uint32_t at = slot_of(key, table->mask);
    while (table->slots[at]) {
        at = (at + 1) & table->mask;
    }
    table->slots[at] = number + 1;
    return number;
}

static size_t
interned_memory(const Interned *table)
{
    size_t slots = table->slots ? table->mask + (size_t)1 : 0;
    return table->room * (sizeof(uint64_t) + table->item_size) + slots * sizeof(uint32_t);
}

/* An array with room for `more`, or NULL: it would grow over its limit, or memory is out. */
static void *
grown(void *array, size_t size, uint32_t used, uint32_t more, uint32_t *room, uint32_t limit)
{
    if (used + (uint64_t)more <= *room) {
        return array;
    }
    uint64_t wanted = *room ? *room : 1024;
    while (wanted < used + (uint64_t)more) {
        wanted *= 2;
    }
    if (used + (uint64_t)more > limit) {
        return NULL;
    }
    void *larger = realloc(array, wanted * size);
    if (larger != NULL) {
        *room = (uint32_t)wanted;
    }
    return larger;
}

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
    const Frame *known = tables->frames.items;
    const Text *texts = tables->texts.items;
    for (uint32_t at = 0; at < depth; at++) {
        const Text *file = &texts[known[frames[at]].file];
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
    uint64_t key = mixed(0, length);
    for (uint32_t at = 0; at < length; at++) {
        key = (key ^ (unsigned char)text[at]) * UINT64_C(0x100000001B3);
    }
    key = mixed(key, length);
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
    Text found = {tables->letters_used, length};
    number = interned_add(&tables->texts, key, &found);
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
    free(numbers);
    tables->compactions++;
    return true;
}

/* -- samples -------------------------------------------------------------------------- */

static bool
samples_grow(Tables *tables)
{
    uint32_t room = tables->room ? tables->room * 2 : 256;
    if (tables->room >= tables->limit) {
        return false;
    }
    uint32_t size = room * 2;
    uint32_t *slots = calloc(size, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    Sample *samples = realloc(tables->samples, room * sizeof *samples);
    if (samples == NULL) {
        free(slots);
        return false;
    }
    for (uint32_t index = 0; index < tables->used; index++) {
        uint32_t at = slot_of(samples[index].address >> 4, size - 1);
        while (slots[at]) {
            at = (at + 1) & (size - 1);
        }
        slots[at] = index + 1;
    }
    free(tables->slots);
    tables->slots = slots;
    tables->mask = size - 1;
    tables->samples = samples;
    tables->room = room;
    return true;
}

/* The slot of an address, or NONE. */
static uint32_t
slot_with(const Tables *tables, uint64_t address)
{
    if (tables->slots == NULL) {
        return NONE;
    }
    uint32_t at = slot_of(address >> 4, tables->mask);
    while (tables->slots[at]) {
        if (tables->samples[tables->slots[at] - 1].address == address) {
            return at;
        }
        at = (at + 1) & tables->mask;
    }
    return NONE;
}

uint32_t
tables_find(const Tables *tables, uint64_t address)
{
    uint32_t at = slot_with(tables, address);
    return at == NONE ? NONE : tables->slots[at] - 1;
}

static uint64_t
padding_of(const Sample *sample)
{
    return sample->size < PADDED ? PADDED - sample->size : 0;
}

static void
stack_gains(Tables *tables, const Sample *sample)
{
    Stack *stack = &((Stack *)tables->stacks.items)[sample->stack];
    if (stack->live++ == 0) {
        tables->live_stacks++;
    }
    tables->bytes += sample->size * sample->blocks;
    tables->padding += padding_of(sample);
}

static void
stack_loses(Tables *tables, const Sample *sample)
{
    Stack *stack = &((Stack *)tables->stacks.items)[sample->stack];
    if (--stack->live == 0) {
        tables->live_stacks--;
    }
    tables->bytes -= sample->size * sample->blocks;
    tables->padding -= padding_of(sample);
}

bool
tables_insert(Tables *tables, const Sample *sample)
{
    uint32_t known = tables_find(tables, sample->address);
    if (known != NONE) {
        tables->ghosts++;
        tables_remove_at(tables, known);
    }
    if (tables->used >= tables->limit || sample->stack >= tables->stacks.used ||
        (tables->used == tables->room && !samples_grow(tables))) {
        tables->dropped++;
        return false;
    }
    uint32_t at = slot_of(sample->address >> 4, tables->mask);
    while (tables->slots[at]) {
        at = (at + 1) & tables->mask;
    }
    tables->samples[tables->used] = *sample;
    tables->slots[at] = ++tables->used;
    stack_gains(tables, sample);
    return true;
}

/* Empty a slot; the ones behind it move up so that no probe ends early. */
static void
slot_clear(Tables *tables, uint32_t hole)
{
    uint32_t mask = tables->mask, at = hole;
    for (;;) {
        at = (at + 1) & mask;
        if (tables->slots[at] == 0) {
            break;
        }
        uint32_t home = slot_of(tables->samples[tables->slots[at] - 1].address >> 4, mask);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            tables->slots[hole] = tables->slots[at];
            hole = at;
        }
    }
    tables->slots[hole] = 0;
}

static void
remove_slot(Tables *tables, uint32_t at)
{
    uint32_t index = tables->slots[at] - 1, last = tables->used - 1;
    stack_loses(tables, &tables->samples[index]);
    slot_clear(tables, at);
    if (index != last) {
        uint32_t moved = slot_with(tables, tables->samples[last].address);
        tables->slots[moved] = index + 1;
        tables->samples[index] = tables->samples[last];
    }
    tables->used = last;
}

bool
tables_remove(Tables *tables, uint64_t address, Sample *removed)
{
    uint32_t at = slot_with(tables, address);
    if (at == NONE) {
        return false;
    }
    *removed = tables->samples[tables->slots[at] - 1];
    remove_slot(tables, at);
    return true;
}

void
tables_remove_at(Tables *tables, uint32_t index)
{
    uint32_t at = slot_with(tables, tables->samples[index].address);
    if (at != NONE) {
        remove_slot(tables, at);
    }
}

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
    memset(tables, 0, sizeof *tables);
}

size_t
tables_memory(const Tables *tables)
{
    size_t slots = tables->slots ? tables->mask + (size_t)1 : 0;
    return tables->room * sizeof(Sample) + slots * sizeof(uint32_t) +
           interned_memory(&tables->stacks) + interned_memory(&tables->frames) +
           interned_memory(&tables->texts) + tables->steps_room * sizeof(uint32_t) +
           tables->letters_room;
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
