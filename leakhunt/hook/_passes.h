/* Passes over all objects, each of which finds the referrers of some.
 *
 * Part of _holders.c, which includes it once, after _nodes.h.
 */
/* Objects that hold each other in longer chains than these are not told of. */
#define MOST_PASSES 6

/* The object that is being traversed, or the innermost in it that is an end. */
static PyObject *
nearest_end(const Search *search)
{
    for (const Link *inner = search->chain; inner != NULL; inner = inner->outer) {
        Hold hold = hold_of(inner->object, &search->trusted);
        if (is_end(&hold)) {
            return inner->object;
        }
    }
    return search->holder;
}

/* The place among a node's referrers for one more: an empty one, or that of the least. UP: none. */
static uint32_t
place_for(const Search *search, const Node *node, uintptr_t own, const Hold *hold)
{
    uint64_t least = worth(hold);
    uint32_t place = node->ups;
    for (uint32_t up = 0; up < node->ups; up++) {
        const Node *other = &search->nodes[node->up[up]];
        if (other->block == own) {
            return UP; /* known */
        }
        if (node->ups == UP && worth(&other->hold) < least) {
            least = worth(&other->hold);
            place = up;
        }
    }
    return place;
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
    if (node->looks == MOST_LOOKS) {
        return; /* a class has as many referrers as instances: an end to that */
    }
    node->looks++;
    if (holder == NULL) {
        holder = nearest_end(search);
    }
    uintptr_t own = block_of(holder);
    if (own == block || PyModule_Check(holder) || is_module_dict(search, holder) ||
        (node->hold.is_frame && PyFrame_Check(holder))) { /* frames call each other */
        return;
    }
    uint32_t found = node_at(search, own);
    int met = found != UINT32_MAX && search->nodes[found].met;
    Hold hold = met ? search->nodes[found].hold : hold_of(holder, &search->trusted);
    uint32_t place = place_for(search, node, own, &hold);
    if (place == UP || (found = node_for(search, own)) == UINT32_MAX) {
        return;
    }
    if (!met) {
        Node *up = &search->nodes[found];
        up->met = 1;
        up->hold = hold;
        up->type = (uintptr_t)Py_TYPE(holder);
        up->opaque = PyType_Check(holder) != 0;
    }
    node->up[place] = found;
    node->ups += place == node->ups;
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
            ended |= is_end(&search->nodes[node->up[up]].hold);
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
            if (is_end(&found->hold) &&
                (best == UINT32_MAX || worth(&found->hold) > worth(&search->nodes[best].hold))) {
                best = next;
            }
            if (used < (int)(sizeof queue / sizeof *queue)) {
                queue[used++] = next;
            }
        }
    }
    return best;
}
