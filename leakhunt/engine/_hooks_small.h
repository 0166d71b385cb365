/* The hooks of the MEM and OBJ domains: the GIL is held.
 *
 * Part of _sampler.c, which includes it once, after the parts that it uses.
 */
/* Our own call of the allocator below: RAW counts nothing, and says what passed. */
static uint32_t
route_begin(size_t expected)
{
    uint32_t before = thread.generation;
    thread.generation = 0;
    thread.route = 1;
    thread.routed = NULL;
    thread.expected = expected;
    return before;
}

static void
route_end(uint32_t before)
{
    thread.route = 0;
    thread.generation = before;
}

/* The countdown ran out: start the next one. False: nothing is to be sampled.
 *
 * Where small requests are routed, large ones run it down as well, which spares every request a
 * comparison: gaps have no memory, so one that ends in a large block is as good as none.
 */
static bool
small_fired(int domain, size_t size, uint32_t *interval)
{
    if (probing) {
        reached |= 1u << domain;
    }
    *interval = interval_small;
    interval_small = pace.step;
    hot.left = active ? draw_gap(&random_small, intervals[interval_small]) : FAR;
    return active && !thread.inside && !probing && !(routing && size > SMALL);
}

static void
not_routed(void)
{
    if (++unrouted > 1000 && unrouted > taken / 2) {
        fault("Python's small object allocator does not pass large blocks on");
    }
}

/* The call is over: take the sample, if the block came by RAW as it should. False: no memory. */
static bool
route_taken(uint32_t before, void *block, size_t size, uint32_t interval)
{
    void *routed = thread.routed;
    route_end(before);
    if (block != NULL && routed == block) {
        take(block, size, interval, &random_small);
    }
    else if (block != NULL) {
        not_routed();
    }
    return block != NULL;
}

static __attribute__((noinline)) void *
small_slow(int domain, void *ctx, size_t size, size_t zeroed)
{
    uint32_t interval;
    if (size && small_fired(domain, size, &interval)) {
        uint32_t before = route_begin(ROUTED);
        void *block = zeroed ? hot.saved[domain].calloc(ctx, 1, ROUTED)
                             : hot.saved[domain].malloc(ctx, ROUTED);
        if (route_taken(before, block, size, interval)) {
            return block;
        }
    }
    return zeroed ? hot.saved[domain].calloc(ctx, 1, size) : hot.saved[domain].malloc(ctx, size);
}

static __attribute__((noinline)) void *
small_realloc(int domain, void *ctx, void *old, size_t size)
{
    uint32_t interval;
    if (small_fired(domain, size, &interval)) {
        uint32_t before = route_begin(ROUTED);
        void *block = hot.saved[domain].realloc(ctx, old, ROUTED);
        if (route_taken(before, block, size, interval)) {
            return block;
        }
    }
    return hot.saved[domain].realloc(ctx, old, size);
}

#define ROUTE_HOOKS(name, domain)                                                             \
    static void *name##_malloc(void *ctx, size_t size)                                        \
    {                                                                                         \
        if (UNLIKELY((hot.left -= (int64_t)size) < 0)) {                                      \
            return small_slow(domain, ctx, size, 0);                                          \
        }                                                                                     \
        return hot.saved[domain].malloc(ctx, size);                                           \
    }                                                                                         \
    static void *name##_calloc(void *ctx, size_t number, size_t each)                         \
    {                                                                                         \
        size_t size;                                                                          \
        if (!__builtin_mul_overflow(number, each, &size) &&                                   \
            UNLIKELY((hot.left -= (int64_t)size) < 0)) {                                      \
            return small_slow(domain, ctx, size, 1);                                          \
        }                                                                                     \
        return hot.saved[domain].calloc(ctx, number, each);                                   \
    }                                                                                         \
    static void *name##_realloc(void *ctx, void *old, size_t size)                            \
    {                                                                                         \
        if (UNLIKELY((hot.left -= (int64_t)size) < 0)) {                                      \
            return small_realloc(domain, ctx, old, size);                                     \
        }                                                                                     \
        return hot.saved[domain].realloc(ctx, old, size); /* RAW counts it if it is large */  \
    }

ROUTE_HOOKS(mem, MEM)
ROUTE_HOOKS(obj, OBJ)

/* -- MEM and OBJ where the allocator is not pymalloc: frees are hooked as well ------------- */

static void *
any_alloc(int domain, void *ctx, size_t size, size_t zeroed)
{
    uint32_t interval = 0;
    bool fired =
        UNLIKELY((hot.left -= (int64_t)size) < 0) && small_fired(domain, size, &interval) && size;
    uint32_t before = route_begin(0);
    void *block = zeroed ? hot.saved[domain].calloc(ctx, 1, size) : hot.saved[domain].malloc(ctx, size);
    route_end(before);
    if (fired && block != NULL) {
        take(block, size, interval, &random_small);
    }
    return block;
}

static void *
any_realloc(int domain, void *ctx, void *old, size_t size)
{
    Sample was;
    uint32_t interval = 0;
    bool had = old != NULL && may_be_sampled(old) && !thread.inside && forget(old, &was);
    bool fired =
        UNLIKELY((hot.left -= (int64_t)size) < 0) && small_fired(domain, size, &interval) && size;
    uint32_t before = route_begin(0);
    void *block = hot.saved[domain].realloc(ctx, old, size);
    route_end(before);
    if (block == NULL) {
        if (had) {
            put_back(&was);
        }
    }
    else if (fired) {
        take(block, size, interval, &random_small);
    }
    return block;
}

static void
any_free(int domain, void *ctx, void *block)
{
    if (UNLIKELY(may_be_sampled(block)) && block != NULL && !thread.inside) {
        Sample gone;
        forget(block, &gone);
    }
    hot.saved[domain].free(ctx, block);
}

#define ANY_HOOKS(name, domain)                                                               \
    static void *name##_any_malloc(void *ctx, size_t size)                                    \
    {                                                                                         \
        return any_alloc(domain, ctx, size, 0);                                               \
    }                                                                                         \
    static void *name##_any_calloc(void *ctx, size_t number, size_t each)                     \
    {                                                                                         \
        size_t size;                                                                          \
        if (__builtin_mul_overflow(number, each, &size)) {                                    \
            return hot.saved[domain].calloc(ctx, number, each);                                   \
        }                                                                                     \
        return any_alloc(domain, ctx, size, 1);                                               \
    }                                                                                         \
    static void *name##_any_realloc(void *ctx, void *old, size_t size)                        \
    {                                                                                         \
        return any_realloc(domain, ctx, old, size);                                           \
    }                                                                                         \
    static void name##_any_free(void *ctx, void *block)                                       \
    {                                                                                         \
        any_free(domain, ctx, block);                                                         \
    }

ANY_HOOKS(mem, MEM)
ANY_HOOKS(obj, OBJ)
