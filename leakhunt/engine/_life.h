/* Setting and removing the hooks; start, stop, fork.
 *
 * Part of _sampler.c, which includes it once, after the parts that it uses.
 */
/* -- setting and removing the hooks ---------------------------------------------------------- */

static bool
is_ours(int domain, const PyMemAllocatorEx *allocator)
{
    switch (domain) {
    case RAW:
        return allocator->malloc == raw_malloc;
    case MEM:
        return allocator->malloc == mem_malloc || allocator->malloc == mem_any_malloc;
    default:
        return allocator->malloc == obj_malloc || allocator->malloc == obj_any_malloc;
    }
}

static void
set_hook(int domain)
{
    /* free of MEM and OBJ stays the saved one while routing. */
    PyMemAllocatorEx hook = hot.saved[domain];
    if (domain == RAW) {
        hook.malloc = raw_malloc;
        hook.calloc = raw_calloc;
        hook.realloc = raw_realloc;
        hook.free = raw_free;
    }
    else if (routing) {
        hook.malloc = domain == MEM ? mem_malloc : obj_malloc;
        hook.calloc = domain == MEM ? mem_calloc : obj_calloc;
        hook.realloc = domain == MEM ? mem_realloc : obj_realloc;
    }
    else {
        hook.malloc = domain == MEM ? mem_any_malloc : obj_any_malloc;
        hook.calloc = domain == MEM ? mem_any_calloc : obj_any_calloc;
        hook.realloc = domain == MEM ? mem_any_realloc : obj_any_realloc;
        hook.free = domain == MEM ? mem_any_free : obj_any_free;
    }
    PyMem_SetAllocator(domains[domain], &hook);
    hooked[domain] = true;
}

/* Take a hook away if it is the topmost one; else it stays and passes through. */
static void
unset_hook(int domain)
{
    PyMemAllocatorEx current;
    PyMem_GetAllocator(domains[domain], &current);
    if (hooked[domain] && is_ours(domain, &current)) {
        PyMem_SetAllocator(domains[domain], &hot.saved[domain]);
        hooked[domain] = false;
    }
}

/* Which of our hooks are called when memory is asked for now, ours on top or not: bits. */
static unsigned
reached_now(void)
{
    int64_t left = hot.left;
    uint32_t interval = interval_small, of_thread = thread.generation;
    reached = 0;
    probing = true;
    thread.generation = 0;
    PyMem_RawFree(PyMem_RawMalloc(8));
    thread.generation = of_thread;
    hot.left = -1;
    PyMem_Free(PyMem_Malloc(8));
    hot.left = -1;
    PyObject_Free(PyObject_Malloc(8));
    probing = false;
    hot.left = left;
    interval_small = interval;
    return reached;
}

#define ALL_HOOKS ((1u << RAW) | (1u << MEM) | (1u << OBJ))

/* Whether the allocator of MEM and OBJ passes large blocks on to RAW as they are, and
 * their realloc and free too; RAW is hooked already. */
static bool
routes(int domain)
{
    void *(*get)(size_t) = domain == MEM ? PyMem_Malloc : PyObject_Malloc;
    void *(*resize)(void *, size_t) = domain == MEM ? PyMem_Realloc : PyObject_Realloc;
    void (*release)(void *) = domain == MEM ? PyMem_Free : PyObject_Free;
    bool right = false;
    uint32_t before = route_begin(ROUTED);
    void *block = get(ROUTED);
    if (block != NULL && thread.routed == block) {
        thread.routed = NULL;
        thread.expected = 8;
        void *shrunk = resize(block, 8);
        thread.expected = ROUTED;
        if (shrunk != NULL) {
            bool seen = thread.routed == shrunk;
            block = shrunk;
            thread.routed = NULL;
            void *larger = resize(block, ROUTED);
            if (larger != NULL) {
                seen = seen && thread.routed == larger;
                block = larger;
            }
            thread.routed = NULL;
            thread.expected = A_FREE;
            release(block);
            thread.expected = ROUTED;
            right = seen && thread.routed == block;
            block = NULL;
        }
    }
    if (block != NULL) {
        release(block);
    }
    /* A small block that grows moves to RAW. */
    block = get(100);
    if (block == NULL) {
        right = false;
    }
    if (right) {
        thread.routed = NULL;
        void *larger = resize(block, ROUTED);
        right = larger != NULL && thread.routed == larger;
        block = larger != NULL ? larger : block;
    }
    release(block);
    route_end(before);
    return right;
}

/* The least nanoseconds that a small block costs now. */
static double
block_cost(void)
{
    double least = 1e9;
    for (int repeat = 0; repeat < 32; repeat++) {
        uint64_t began = clock_ns(CLOCK_MONOTONIC);
        for (int number = 0; number < 1024; number++) {
            PyObject_Free(PyObject_Malloc(64));
        }
        double cost = (double)(clock_ns(CLOCK_MONOTONIC) - began) / 1024.0;
        least = cost < least ? cost : least;
    }
    return least;
}

static bool
only_interpreter(void)
{
    PyInterpreterState *head = PyInterpreterState_Head();
    return head != NULL && PyInterpreterState_Next(head) == NULL;
}

/* Start; what is wrong, or NULL. */
static const char *
start_engine(int nframe, double interval, double share, uint64_t seed)
{
    if (!only_interpreter()) {
        return "the process has subinterpreters";
    }
    double first = interval > 0.0 ? interval : FINEST;
    enter();
    if (!tables_open(&tables, interval > 0.0 ? MAX_SAMPLES_FIXED : MAX_SAMPLES_BUDGET,
                     MAX_STACKS)) {
        leave();
        return "out of memory";
    }
    memset(filter, 0, sizeof filter);
    for (int step = 0; step < INTERVALS; step++) {
        intervals[step] = first * pow(2.0, step / 2.0);
    }
    nframe_limit = nframe < 1 ? 1 : nframe > MAX_NFRAME ? MAX_NFRAME : nframe;
    main_interpreter = PyInterpreterState_Main();
    fault_reason = NULL;
    taken = tidied = unrouted = peak = 0;
    if (seed) {
        thread.random = mixed(seed, 2) | 1;
    }
    random_small = seed ? mixed(seed, 3) : clock_ns(CLOCK_REALTIME) ^ (uint64_t)getpid() << 32;
    random_thin = mixed(random_small, 1);
    leave();

    unsigned there = reached_now();
    double without = there & (1u << OBJ) ? 0.0 : block_cost();
    if (!(there & (1u << RAW))) {
        PyMem_GetAllocator(domains[RAW], &hot.saved[RAW]);
        set_hook(RAW);
    }
    if (!(there & ((1u << MEM) | (1u << OBJ)))) {
        routing = routes(MEM) && routes(OBJ);
    }
    for (int domain = MEM; domain < DOMAINS; domain++) {
        if (!(there & (1u << domain))) {
            PyMem_GetAllocator(domains[domain], &hot.saved[domain]);
            set_hook(domain);
        }
    }
    hot.left = FAR;
    if (without > 0.0) {
        pace.hook_cost = (block_cost() - without) * IN_SITU;
    }
    pace.hook_cost = fmax(0.3, fmin(pace.hook_cost, 20.0));
    enter();
    cpu_at_start = (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    cost_samples = calls = 0.0;
    pace_start(&pace, interval > 0.0 ? 0.0 : share, cpu_at_start,
               (double)clock_ns(CLOCK_MONOTONIC));
    hot.generation += 2; /* odd: never 0, which is the mark of a routed call */
    active = true;
    interval_small = pace.step;
    hot.left = draw_gap(&random_small, intervals[interval_small]);
    leave();
    if (reached_now() != ALL_HOOKS) {
        active = false;
        for (int domain = OBJ; domain >= RAW; domain--) {
            unset_hook(domain);
        }
        enter();
        tables_close(&tables);
        leave();
        return "the allocator hooks are not called";
    }
    return NULL;
}

static void
stop_engine(void)
{
    active = false;
    for (int domain = OBJ; domain >= RAW; domain--) {
        unset_hook(domain);
    }
    enter();
    hot.left = FAR;
    hot.generation += 2;
    pace_keep(&pace);
    tables_close(&tables);
    memset(filter, 0, sizeof filter);
    leave();
}

/* -- fork -------------------------------------------------------------------------------------- */

static void
before_fork(void)
{
    if (!thread.inside) { /* else: a crash handler forks on top of this very code */
        enter();
        thread.forking = 1;
        grant = pace_grant(&pace, (double)clock_ns(CLOCK_MONOTONIC));
    }
}

static void
after_fork_in_parent(void)
{
    if (thread.forking) {
        thread.forking = 0;
        leave();
    }
}

static void
after_fork_in_child(void)
{
    /* Siblings must not draw the same samples, and CPU time begins anew. */
    uint64_t salt = mixed((uint64_t)getpid(), clock_ns(CLOCK_MONOTONIC));
    random_small = mixed(random_small, salt);
    random_thin = mixed(random_thin, salt);
    thread.random = mixed(thread.random, salt) | 1;
    cpu_at_start = cost_samples = calls = 0.0;
    pace_forked(&pace, grant, (double)clock_ns(CLOCK_MONOTONIC));
    grant = 0.0;
    after_fork_in_parent();
}
