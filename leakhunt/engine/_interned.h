/* Values by a 64 bit key, numbered in the order in which they came; arrays that grow.
 *
 * Part of _tables.c, which includes it once.
 */
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
