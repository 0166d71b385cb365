/* Live samples by address: an array without holes, and an open hash of its indices.
 *
 * Part of _tables.c, which includes it once.
 */
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
