/* The hooks of the RAW domain: any thread, with or without the GIL.
 *
 * Part of _sampler.c, which includes it once, after the parts that it uses.
 */
static void
renew_thread(void)
{
    if (thread.random == 0) {
        thread.random = clock_ns(CLOCK_MONOTONIC) ^ ((uintptr_t)&thread << 16) ^
                        (uint64_t)getpid() << 40;
    }
    thread.interval = pace.step;
    thread.left = active ? draw_gap(&thread.random, intervals[thread.interval]) : FAR;
    thread.generation = hot.generation;
}

/* After the countdown ran out, or was not this generation's: is this block a sample? */
static bool
raw_fired(size_t size, uint32_t *interval)
{
    if (probing) {
        __atomic_fetch_or(&reached, 1u << RAW, __ATOMIC_RELAXED);
    }
    if (thread.route || thread.inside) {
        return false;
    }
    if (thread.generation != hot.generation) {
        renew_thread();
        thread.left -= (int64_t)size;
        if (thread.left >= 0) {
            return false;
        }
    }
    *interval = thread.interval;
    renew_thread();
    return active;
}

/* Counts `size` bytes. While `route`, the generation is 0, so nothing is counted. */
static inline bool
raw_counts(size_t size)
{
    return UNLIKELY(thread.generation != hot.generation || (thread.left -= (int64_t)size) < 0);
}

static __attribute__((noinline)) void *
raw_slow(void *ctx, size_t size, size_t zeroed)
{
    uint32_t interval = 0;
    bool fired = raw_fired(size, &interval);
    void *block = zeroed ? hot.saved[RAW].calloc(ctx, 1, size) : hot.saved[RAW].malloc(ctx, size);
    if (thread.route) {
        /* A tool between us and pymalloc may ask for memory of its own here. */
        if (size == thread.expected) {
            thread.routed = block;
        }
    }
    else if (fired && block != NULL) {
        take(block, size, interval, &thread.random);
    }
    return block;
}

static void *
raw_malloc(void *ctx, size_t size)
{
    if (raw_counts(size)) {
        return raw_slow(ctx, size, 0);
    }
    return hot.saved[RAW].malloc(ctx, size);
}

static void *
raw_calloc(void *ctx, size_t number, size_t each)
{
    size_t size;
    if (__builtin_mul_overflow(number, each, &size)) {
        return hot.saved[RAW].calloc(ctx, number, each);
    }
    if (raw_counts(size)) {
        return raw_slow(ctx, size, 1);
    }
    return hot.saved[RAW].calloc(ctx, number, each);
}

static __attribute__((noinline)) void *
raw_realloc_slow(void *ctx, void *old, size_t size, bool counts)
{
    Sample before;
    uint32_t interval = 0;
    /* Before the address can become somebody else's. */
    bool had = old != NULL && may_be_sampled(old) && !thread.inside && forget(old, &before);
    bool fired = counts && raw_fired(size, &interval);
    void *block = hot.saved[RAW].realloc(ctx, old, size);
    if (thread.route && size == thread.expected) {
        thread.routed = block;
    }
    if (block == NULL) {
        if (had) {
            put_back(&before);
        }
    }
    else if (fired) {
        take(block, size, interval, &thread.random);
    }
    return block;
}

static void *
raw_realloc(void *ctx, void *old, size_t size)
{
    /* Small ones, but for a handful, are passed on by MEM and OBJ, which have counted them: the
     * block was large, or a sample. */
    bool counts = !(routing && size <= SMALL) && raw_counts(size);
    if (UNLIKELY(counts || may_be_sampled(old) || thread.route)) {
        return raw_realloc_slow(ctx, old, size, counts);
    }
    return hot.saved[RAW].realloc(ctx, old, size);
}

static __attribute__((noinline)) void
raw_free_slow(void *ctx, void *block)
{
    if (block != NULL && !thread.inside && may_be_sampled(block)) {
        Sample gone;
        forget(block, &gone);
    }
    if (thread.route && thread.expected == A_FREE) {
        thread.routed = block;
    }
    hot.saved[RAW].free(ctx, block);
}

static void
raw_free(void *ctx, void *block)
{
    if (UNLIKELY(may_be_sampled(block) || thread.route)) {
        raw_free_slow(ctx, block); /* a tail call: nothing is pushed on the way that is usual */
        return;
    }
    hot.saved[RAW].free(ctx, block);
}
