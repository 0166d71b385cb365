/* Arrays that grow, and values numbered by what they are. Plain C, and libc's malloc.
 *
 * What is looked up may come from a hostile file that was made to have few hashes: a search that
 * takes long is given up, and there are other ways.
 */
#ifndef LEAKHUNT_LOOKUP_H
#define LEAKHUNT_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Entries that a hash leads past; an honest file has no tenth of it. */
#define LONGEST_SEARCH 256
/* A number fits into 28 bits. */
#define LARGEST_NUMBER ((size_t)1 << 28)

/* An array that grows. */
typedef struct {
    void *items;
    size_t used, room;
} Column;

/* Numbers of values by their hash. */
typedef struct {
    uint64_t *slots; /* the hash and number + 1; 0 is free */
    size_t mask, used;
} Lookup;

/* Room for so many more items at its end; NULL: no memory. */
static inline void *
added(Column *column, size_t width, size_t number)
{
    if (number > column->room - column->used) {
        size_t room = column->room != 0 ? column->room : 256;
        while (number > room - column->used) {
            room *= 2;
        }
        void *items = room > SIZE_MAX / width ? NULL : realloc(column->items, room * width);
        if (items == NULL) {
            return NULL;
        }
        column->items = items;
        column->room = room;
    }
    void *first = (char *)column->items + column->used * width;
    column->used += number;
    return first;
}

static inline uint32_t
mixed(uint64_t key, uint64_t other)
{
    key = (key ^ other * UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xD6E8FEB86659FD93);
    key = (key ^ key >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(key >> 32);
}

/* Whether the entry with that number is the one that is looked for. */
typedef bool Same(const void *context, uint32_t number, const void *key);

static inline bool
lookup_grow(Lookup *lookup)
{
    size_t size = lookup->slots != NULL ? 2 * (lookup->mask + 1) : 1024;
    uint64_t *slots = calloc(size, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; lookup->slots != NULL && i <= lookup->mask; i++) {
        if (lookup->slots[i] != 0) {
            size_t at = (size_t)(lookup->slots[i] >> 32) & (size - 1);
            while (slots[at] != 0) {
                at = (at + 1) & (size - 1);
            }
            slots[at] = lookup->slots[i];
        }
    }
    free(lookup->slots);
    lookup->slots = slots;
    lookup->mask = size - 1;
    return true;
}

/* The number of the entry that is the same; `next`, which is then taken, where there is none;
 * LARGEST_NUMBER: given up. */
static inline size_t
number_of(Lookup *lookup, uint32_t hash, size_t next, Same *same, const void *context,
          const void *key)
{
    if ((lookup->slots == NULL || 2 * lookup->used > lookup->mask) && !lookup_grow(lookup)) {
        return LARGEST_NUMBER;
    }
    size_t at = hash & lookup->mask;
    for (int step = 0; step < LONGEST_SEARCH; step++, at = (at + 1) & lookup->mask) {
        uint64_t slot = lookup->slots[at];
        if (slot == 0) {
            if (next < LARGEST_NUMBER) {
                lookup->slots[at] = (uint64_t)hash << 32 | (next + 1);
                lookup->used++;
            }
            return next;
        }
        if (slot >> 32 == hash && same(context, (uint32_t)slot - 1, key)) {
            return (uint32_t)slot - 1;
        }
    }
    return LARGEST_NUMBER;
}

#endif
