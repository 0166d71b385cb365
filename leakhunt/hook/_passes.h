/* Passes over all objects, each of which finds the referrers of some.
 *
 * Part of _holders.c, which includes it once, after _holds.h.
 */
#include <time.h>

/* Passes: objects that hold each other in longer chains than these are not told of. */
#define MOST_PASSES 6
/* Referrers that are kept of one object, the best of so many more. */
#define UP 3
#define MOST_SWAPS 64
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
    uint8_t ups, swaps;
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

/* How good a holder is to name; above 0. */
static uint64_t
worth(const Search *search, uint32_t at)
{
    const Hold *hold = &search->nodes[at].hold;
    uint64_t known = hold->told != 0 ? 2 : hold->entries >= MANY ? 1 : 0;
    return known << 40 | (hold->is_frame ? 0 : (uint64_t)hold->entries + 1);
}

static int
is_end(const Node *node)
{
    return node->hold.told != 0 || node->hold.entries >= MANY;
}

static int
is_module_dict(const Search *search, PyObject *object)
{
    return PyDict_CheckExact(object) &&
           search->modules.keys[slot_of(&search->modules, (uintptr_t)object)] != 0;
}

/* The object that is being traversed, or the innermost in it that is an end. */
static PyObject *
nearest_end(const Search *search)
{
    for (const Link *inner = search->chain; inner != NULL; inner = inner->outer) {
        Hold hold = hold_of(inner->object, &search->trusted);
        if (hold.told != 0 || hold.entries >= MANY) {
            return inner->object;
        }
    }
    return search->holder;
}

/* The node of an object that refers to something; UINT32_MAX: it says nothing, or no room is left. */
static uint32_t
node_of_holder(Search *search, PyObject *holder, const Node *held)
{
    if (PyModule_Check(holder) || is_module_dict(search, holder) ||
        (held->hold.is_frame && PyFrame_Check(holder))) { /* frames call each other */
        return UINT32_MAX;
    }
    uint32_t at = node_for(search, block_of(holder));
    if (at != UINT32_MAX && !search->nodes[at].met) {
        Node *node = &search->nodes[at];
        node->met = 1;
        node->hold = hold_of(holder, &search->trusted);
        node->type = (uintptr_t)Py_TYPE(holder);
        node->opaque = PyType_Check(holder) != 0;
    }
    return at;
}

/* A block that may be looked for is referred to by an object; NULL: the one that is being traversed. */
static void
refer(Search *search, uintptr_t block, PyObject *holder)
{
    uint32_t at = node_at(search, block);
    if (at == UINT32_MAX || search->nodes[at].pass != search->pass) {
        return;
    }
    Node *node = &search->nodes[at];
    if (node->swaps == MOST_SWAPS) {
        return;
    }
    uint32_t found = node_of_holder(search, holder != NULL ? holder : nearest_end(search), node);
    if (found == UINT32_MAX || found == at) {
        return;
    }
    uint32_t least = 0;
    for (uint32_t up = 0; up < node->ups; up++) {
        if (node->up[up] == found) {
            return;
        }
        if (worth(search, node->up[up]) < worth(search, node->up[least])) {
            least = up;
        }
    }
    if (node->ups < UP) {
        node->up[node->ups++] = found;
        return;
    }
    node->swaps++; /* a class has as many referrers as instances: an end to that */
    if (worth(search, found) > worth(search, node->up[least])) {
        node->up[least] = found;
    }
}

/* -- a pass -------------------------------------------------------------------------------- */

static inline int
is_wanted(const Search *search, uintptr_t block)
{
    uint64_t bit = scattered(block) >> search->shift;
    return search->filter[bit >> 3] & (1u << (bit & 7));
}

static int visit(PyObject *, void *);

/* Into a tuple or dict that the collector does not track. */
static int
visit_inside(Search *search, PyObject *object)
{
    PyObject *holder = search->holder;
    const Link *chain = search->chain, link = {object, chain};
    if (search->depth == DEEPEST) {
        return 0;
    }
    if (Py_REFCNT(object) == 1) {
        search->chain = &link;
    }
    else { /* one of several ways in: it counts as a holder itself, once in a pass */
        size_t at = slot_of(&search->shared, (uintptr_t)object);
        if (search->shared.keys[at] != 0 || search->shared.used == MOST_SHARED) {
            return 0;
        }
        search->shared.keys[at] = (uintptr_t)object;
        search->shared.used++;
        search->holder = object;
        search->chain = NULL;
    }
    search->depth++;
    int stop = Py_TYPE(object)->tp_traverse(object, visit, search);
    search->depth--;
    search->holder = holder;
    search->chain = chain;
    return stop;
}

static int
visit(PyObject *object, void *context)
{
    Search *search = context;
    if (--search->left < 0 && is_late(search)) {
        return 1;
    }
    PyTypeObject *type = Py_TYPE(object);
    uintptr_t block = block_of(object);
    if (is_wanted(search, block)) {
        refer(search, block, NULL);
    }
    if (PyDict_Check(object)) {
        uintptr_t keys = (uintptr_t)((PyDictObject *)object)->ma_keys;
        if (is_wanted(search, keys)) {
            refer(search, keys, type != &PyDict_Type ? object : NULL);
        }
    }
    if ((type == &PyTuple_Type || type == &PyDict_Type) && !_PyObject_GC_IS_TRACKED(object)) {
        return visit_inside(search, object);
    }
    return 0;
}

static int
look_into(PyObject *object, void *context)
{
    Search *search = context;
    search->holder = object;
    search->chain = NULL;
    search->depth = 0;
    Py_TYPE(object)->tp_traverse(object, visit, search);
    return search->late || (--search->left < 0 && is_late(search));
}

/* Everything that is looked for in this pass has its bit. How many that is; 0 too without memory. */
static uint32_t
set_filter(Search *search)
{
    uint32_t number = 0;
    for (uint32_t at = 0; at < search->used; at++) {
        number += search->nodes[at].pass == search->pass;
    }
    int bits = 16;
    while (bits < 23 && (UINT32_C(1) << bits) < number * 16) {
        bits++;
    }
    free(search->filter);
    search->filter = calloc((size_t)1 << (bits - 3), 1);
    search->shift = 64 - bits;
    if (search->filter == NULL) {
        return 0;
    }
    for (uint32_t at = 0; at < search->used; at++) {
        if (search->nodes[at].pass == search->pass) {
            uint64_t bit = scattered(search->nodes[at].block) >> search->shift;
            search->filter[bit >> 3] |= (uint8_t)(1u << (bit & 7));
        }
    }
    return number;
}

/* Those holders that say nothing are looked for next, where nothing better was found. */
static void
plan(Search *search)
{
    for (uint32_t at = 0; at < search->used; at++) {
        Node *node = &search->nodes[at];
        if (node->pass != search->pass) {
            continue;
        }
        int ended = 0;
        for (int up = 0; up < node->ups; up++) {
            ended |= is_end(&search->nodes[node->up[up]]);
        }
        for (int up = 0; up < node->ups && !ended; up++) {
            Node *next = &search->nodes[node->up[up]];
            if (next->pass == NEVER && !next->opaque) {
                next->pass = (uint8_t)(search->pass + 1);
            }
        }
    }
}

static int
each_anywhere(Search *search)
{
    /* What gc.freeze() has put aside holds things all the same. */
    struct _gc_runtime_state *state = &PyThreadState_Get()->interp->gc;
    return each_tracked(look_into, search) ||
           each_of(&state->permanent_generation.head, look_into, search);
}

/* Passes until all is found or nothing more is. Whether all that were begun were finished. */
static int
search_all(Search *search)
{
    for (search->pass = 0; search->pass < MOST_PASSES; search->pass++) {
        if (set_filter(search) == 0) {
            break;
        }
        uint32_t before = search->used;
        memset(search->shared.keys, 0, (search->shared.mask + 1) * sizeof(uintptr_t));
        search->shared.used = 0;
        if (each_anywhere(search)) {
            /* Which of its referrers an object is told by should not be a matter of time. */
            for (uint32_t at = 0; at < before; at++) {
                if (search->nodes[at].pass == search->pass) {
                    search->nodes[at].ups = 0;
                }
            }
            return 0;
        }
        plan(search);
    }
    return 1;
}

/* The nearest end above a node, the best of several; UINT32_MAX: none. */
static uint32_t
end_of(const Search *search, uint32_t start)
{
    uint32_t queue[64] = {start};
    int used = 1, level = 1; /* where the next level begins */
    uint32_t best = UINT32_MAX;
    for (int at = 0; at < used; at++) {
        if (at == level) {
            if (best != UINT32_MAX) {
                break;
            }
            level = used;
        }
        const Node *node = &search->nodes[queue[at]];
        for (int up = 0; up < node->ups; up++) {
            uint32_t next = node->up[up];
            const Node *found = &search->nodes[next];
            int again = 0;
            for (int seen = 0; seen < used; seen++) {
                again |= queue[seen] == next;
            }
            if (again) {
                continue;
            }
            if (is_end(found) &&
                (best == UINT32_MAX || worth(search, next) > worth(search, best))) {
                best = next;
            }
            if (used < (int)(sizeof queue / sizeof *queue)) {
                queue[used++] = next;
            }
        }
    }
    return best;
}
