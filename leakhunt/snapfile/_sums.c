/* See _sums.h. */
#include "_sums.h"

#include <string.h>

bool
sums_open(Sums *sums, bool detail)
{
    memset(sums, 0, sizeof *sums);
    sums->detail = detail;
    Traceback *end = added(&sums->tracebacks, sizeof *end, 1);
    if (end != NULL) {
        *end = (Traceback){0, 0};
    }
    return end != NULL;
}

void
sums_free(Sums *sums)
{
    free(sums->text.items);
    free(sums->strings.items);
    free(sums->frames.items);
    free(sums->steps.items);
    free(sums->tracebacks.items);
    free(sums->lines.items);
    free(sums->blocks.items);
    free(sums->string_numbers.slots);
    free(sums->frame_numbers.slots);
    free(sums->block_numbers.slots);
}

/* -- strings, frames, tracebacks ---------------------------------------------------- */

typedef struct {
    const unsigned char *bytes;
    uint32_t length;
} Text;

static bool
is_text(const void *context, uint32_t index, const void *key)
{
    const Sums *sums = context;
    const Text *text = key;
    String other = ((const String *)sums->strings.items)[index];
    return other.length == text->length
           && memcmp((const char *)sums->text.items + other.offset, text->bytes, text->length) == 0;
}

bool
sums_is_word(const Sums *sums, uint32_t string, const char *word)
{
    Text text = {(const unsigned char *)word, (uint32_t)strlen(word)};
    return is_text(sums, string, &text);
}

size_t
sums_string(Sums *sums, const unsigned char *bytes, uint32_t length)
{
    Text text = {bytes, length};
    uint64_t hash = length;
    for (uint32_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
    }
    size_t next = sums->strings.used, offset = sums->text.used;
    size_t index = number_of(&sums->string_numbers, mixed(hash, 0), next, is_text, sums, &text);
    if (index == next && index < LARGEST_NUMBER) {
        String *kept = added(&sums->strings, sizeof *kept, 1);
        char *copy = offset > UINT32_MAX - length ? NULL : added(&sums->text, 1, length);
        if (kept == NULL || copy == NULL) {
            return LARGEST_NUMBER;
        }
        memcpy(copy, bytes, length);
        *kept = (String){(uint32_t)offset, length};
    }
    return index;
}

static bool
is_frame(const void *context, uint32_t index, const void *key)
{
    const Sums *sums = context;
    const Frame *other = (const Frame *)sums->frames.items + index, *frame = key;
    return other->file == frame->file && other->line == frame->line;
}

size_t
sums_frame(Sums *sums, uint32_t file, uint32_t line)
{
    Frame frame = {file, line};
    size_t next = sums->frames.used;
    size_t index = number_of(&sums->frame_numbers, mixed(line, file), next, is_frame, sums, &frame);
    if (index == next && index < LARGEST_NUMBER) {
        Frame *kept = added(&sums->frames, sizeof *kept, 1);
        if (kept == NULL) {
            return LARGEST_NUMBER;
        }
        *kept = frame;
    }
    return index;
}

size_t
sums_traceback(Sums *sums, size_t length, uint32_t **steps)
{
    size_t index = sums->tracebacks.used - 1;
    if (length > UINT32_MAX - sums->steps.used || index >= LARGEST_NUMBER) {
        return LARGEST_NUMBER;
    }
    *steps = added(&sums->steps, sizeof **steps, length);
    Traceback *end = added(&sums->tracebacks, sizeof *end, 1);
    if (*steps == NULL || end == NULL) {
        return LARGEST_NUMBER;
    }
    *end = (Traceback){(uint32_t)sums->steps.used, 0};
    return index;
}

size_t
sums_domain(Sums *sums, uint64_t domain)
{
    size_t index = 0;
    while (index < sums->domains_used && sums->domains[index] != domain) {
        index++;
    }
    if (index == sums->domains_used && index < MOST_DOMAINS) {
        sums->domains[sums->domains_used++] = domain;
    }
    return index;
}

/* -- blocks ------------------------------------------------------------------------- */

static bool
is_block(const void *context, uint32_t index, const void *key)
{
    const Sums *sums = context;
    const Block *other = (const Block *)sums->blocks.items + index, *block = key;
    return other->size == block->size && other->line == block->line
           && other->domain == block->domain;
}

static bool
book_block(Sums *sums, uint32_t line, size_t domain, uint64_t size)
{
    Block key = {size, sums->domains[domain], 0, line};
    size_t next = sums->blocks.used;
    uint32_t hash = mixed(size, (uint64_t)line << 8 | domain);
    size_t index = number_of(&sums->block_numbers, hash, next, is_block, sums, &key);
    if (index >= LARGEST_NUMBER) {
        return false;
    }
    if (index == next) {
        Block *kept = added(&sums->blocks, sizeof *kept, 1);
        if (kept == NULL) {
            return false;
        }
        *kept = key;
        ((Line *)sums->lines.items)[line].blocks++;
    }
    ((Block *)sums->blocks.items)[index].count++;
    return true;
}

bool
sums_book(Sums *sums, uint32_t traceback, size_t domain, uint64_t size)
{
    Traceback *booked = (Traceback *)sums->tracebacks.items + traceback;
    if (booked->line == 0) {
        Line *opened = added(&sums->lines, sizeof *opened, 1);
        if (opened == NULL) {
            return false;
        }
        *opened = (Line){0, 0, traceback, 0};
        booked->line = (uint32_t)sums->lines.used;
    }
    Line *line = (Line *)sums->lines.items + booked->line - 1;
    line->size += size;
    line->count++;
    sums->total += size; /* both are below 2^62 */
    return sums->total < IMPOSSIBLE
           && (!sums->detail || book_block(sums, booked->line - 1, domain, size));
}

static int
by_domain_and_size(const void *left, const void *right)
{
    const Block *a = left, *b = right;
    if (a->domain != b->domain) {
        return a->domain < b->domain ? -1 : 1;
    }
    return a->size < b->size ? -1 : a->size > b->size;
}

bool
sums_sort(Sums *sums)
{
    size_t amount = sums->blocks.used, first = 0;
    const Line *lines = sums->lines.items;
    Block *unsorted = sums->blocks.items, *sorted = malloc((amount + 1) * sizeof *sorted);
    size_t *next = malloc((sums->lines.used + 1) * sizeof *next);
    if (sorted == NULL || next == NULL) {
        free(sorted);
        free(next);
        return false;
    }
    for (size_t i = 0; i < sums->lines.used; i++) {
        next[i] = first;
        first += lines[i].blocks;
    }
    for (size_t i = 0; i < amount; i++) {
        sorted[next[unsorted[i].line]++] = unsorted[i];
    }
    for (size_t i = 0; i < sums->lines.used; i++) {
        qsort(sorted + next[i] - lines[i].blocks, lines[i].blocks, sizeof *sorted,
              by_domain_and_size);
    }
    free(next);
    free(unsorted);
    sums->blocks.items = sorted;
    sums->blocks.room = amount + 1;
    return true;
}

/* -- what it came to ---------------------------------------------------------------- */

static const Traceback *
traceback_of(const Sums *sums, size_t line)
{
    const Line *lines = sums->lines.items;
    return (const Traceback *)sums->tracebacks.items + lines[line].traceback;
}

size_t
sums_depth(const Sums *sums, size_t line)
{
    const Traceback *traceback = traceback_of(sums, line);
    return traceback[1].first - traceback[0].first;
}

size_t
sums_steps(const Sums *sums)
{
    size_t steps = 0;
    for (size_t line = 0; line < sums->lines.used; line++) {
        steps += sums_depth(sums, line);
    }
    return steps;
}

size_t
sums_number(const Sums *sums, uint32_t *walk, uint32_t *named)
{
    const uint32_t *steps = sums->steps.items;
    uint32_t *numbers = calloc(sums->frames.used + 1, sizeof *numbers); /* + 1; 0: none so far */
    uint32_t used = 0;
    for (size_t line = 0; numbers != NULL && line < sums->lines.used; line++) {
        uint32_t first = traceback_of(sums, line)->first;
        for (size_t i = sums_depth(sums, line); i-- > 0; walk++) {
            uint32_t frame = steps[first + i];
            if (numbers[frame] == 0) {
                named[used++] = frame;
                numbers[frame] = used;
            }
            *walk = numbers[frame] - 1;
        }
    }
    free(numbers);
    return numbers != NULL ? used : SIZE_MAX;
}
