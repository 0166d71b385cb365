/* Objects that are looked for and holders on the way, and what a search remembers.
 *
 * Part of _holders.c, which includes it once, after _holds.h.
 */
#include <time.h>

/* Referrers that are kept of one object, the best of so many. */
#define UP 3
#define MOST_LOOKS 4096
/* Objects that are looked for, and holders on the way, together. */
#define MOST_NODES (1u << 19)
/* Untracked tuples and dicts inside each other; those with several referrers that are met in a pass. */
#define DEEPEST 32
#define MOST_SHARED (1u << 16)
#define MOST_MODULES 16384
/* References between two looks at the clock. */
#define STRIDE 65536
#define NEVER 255

typedef struct {
    uintptr_t block;
    uintptr_t type;
    Hold hold;
    uint32_t up[UP];
    uint16_t looks;
    uint8_t ups;
    uint8_t pass;   /* in which its referrers are looked for */
    uint8_t opaque; /* who refers to it says nothing: a class, a module */
    uint8_t met;    /* `hold` and `type` are known */
} Node;

/* An untracked container inside another, or inside the holder: the only way to it. */
typedef struct Link {
    PyObject *object;
    const struct Link *outer;
} Link;

typedef struct {
    Node *nodes;
    uint32_t used, room;
    Table index;     /* of nodes, by block */
    Table trusted;
    Table modules;   /* their dicts, which hold one thing by each name */
    Table shared;    /* untracked containers with several referrers, met in this pass */
    uint8_t *filter; /* a bit for each block that is looked for in this pass, and for others */
    int shift;
    uint8_t pass;
    PyObject *holder; /* what is being traversed */
    const Link *chain;
    int depth;
    int64_t left; /* references until the clock is looked at */
    double deadline;
    int late;
} Search;

static double
cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int
is_late(Search *search)
{
    search->left = STRIDE;
    search->late = cpu_seconds() > search->deadline;
    return search->late;
}

/* -- nodes ---------------------------------------------------------------------------- */

static uint32_t
node_at(const Search *search, uintptr_t block)
{
    size_t at = slot_of(&search->index, block);
    return search->index.keys[at] != 0 ? search->index.values[at] : UINT32_MAX;
}

static uint32_t
node_for(Search *search, uintptr_t block)
{
    size_t at = slot_of(&search->index, block);
    if (search->index.keys[at] != 0) {
        return search->index.values[at];
    }
    if (search->used == search->room) {
        return UINT32_MAX;
    }
    search->index.keys[at] = block;
    search->index.values[at] = search->used;
    Node *node = &search->nodes[search->used];
    memset(node, 0, sizeof *node);
    node->block = block;
    node->pass = NEVER;
    return search->used++;
}

/* How good a holder is to name; above 0. Of two large containers the one with the larger table,
 * whether it is known where that grew or not: what is a sample changes from capture to capture, and an
 * object should have the same holder in each. The larger table is a sample more often, too. */
static uint64_t
worth(const Hold *hold)
{
    uint64_t many = hold->entries >= MANY, told = hold->told != 0;
    uint64_t size = hold->is_frame ? 0 : (uint64_t)hold->entries * hold->each + 1;
    return many << 41 | (many ? 0 : told << 40) | size;
}

/* Whether there is nothing to be learned from who holds the holder. */
static int
is_end(const Hold *hold)
{
    return hold->told != 0 || hold->entries >= MANY;
}

static int
is_module_dict(const Search *search, PyObject *object)
{
    return PyDict_CheckExact(object) &&
           search->modules.keys[slot_of(&search->modules, (uintptr_t)object)] != 0;
}
