/* The sampled engine: live memory by line for about one per cent of the CPU.
 *
 * Blocks are sampled with a probability that grows with their size: a Poisson process
 * puts a point on average every `interval` bytes of what is allocated, and a block that a
 * point falls into is a sample. A block of `s` bytes is one with probability
 * p = 1 - exp(-s / interval), whatever else happens, so it stands for 1/p blocks.
 *
 * The free of a small block is not hooked. pymalloc serves requests of up to 512 bytes
 * itself and passes larger ones, and later their realloc and free, on to the RAW domain.
 * So a small block that is to be sampled is asked for with 513 bytes: its end is then seen
 * in RAW, where few calls are, and all other frees cost nothing. Where the allocator is
 * not pymalloc (PYTHONMALLOC=malloc or debug; found out at start, not assumed), the frees
 * of all domains are hooked instead.
 *
 * Rules, because a mistake here is a crash in somebody's worker:
 * - Nothing on the way allocates through Python, changes a reference count or can run
 *   the garbage collector. The tables use libc's malloc (_tables.c).
 * - RAW is called without the GIL: its countdown is the thread's own, the tables are
 *   behind a lock, and stacks are only read by a thread that holds the GIL.
 * - All blocks are ordinary blocks of the allocator below. Hooks can vanish or stay at any
 *   moment; what is lost is then statistics.
 * - The saved allocators are stored before ours are set, with the same context, so a
 *   caller without the GIL that reads half of an old and half of a new struct is right.
 * - What looks inconsistent turns the engine off: hooks then only pass through.
 *
 * See Objects/obmalloc.c of CPython 3.9 to 3.14.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1 /* process_vm_readv */
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_frames.h"

#ifdef UNSUPPORTED

PyMODINIT_FUNC
PyInit__sampler(void)
{
    PyErr_SetString(PyExc_ImportError, UNSUPPORTED);
    return NULL;
}

#else

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "_pace.h"
#include "_tables.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* obmalloc.c: SMALL_REQUEST_THRESHOLD */
#define SMALL 512
#define ROUTED (SMALL + 1)

/* What is expected in RAW is not a request but a free. */
#define A_FREE SIZE_MAX

#define MAX_NFRAME 128
#define FAR (INT64_MAX / 2)

/* Samples and stacks that are kept. With more samples the interval is made coarser. */
#define MAX_SAMPLES_BUDGET 16384u
#define MAX_SAMPLES_FIXED (1u << 18)
/* Bytes that small samples take more than they were asked for. */
#define MAX_PADDING_BUDGET (3u << 19)
#define MAX_PADDING_FIXED (1u << 27)
#define MAX_STACKS 32768u
/* With so many stacks, three quarters of them without a live sample, these are forgotten. */
#define CROWDED 8192u

/* A sample that took longer was interrupted: nanoseconds. */
#define LONGEST_SAMPLE 100000
/* What a sample costs outside of its two clock reads: nanoseconds. */
#define UNSEEN_COST 150

#if defined(__GLIBC__)
#define OWN_TLS __thread __attribute__((tls_model("initial-exec")))
#else
#define OWN_TLS __thread
#endif

enum { RAW, MEM, OBJ, DOMAINS };
static const PyMemAllocatorDomain domains[DOMAINS] = {
    PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};

static OWN_TLS struct {
    int64_t left; /* bytes until the next sample in RAW */
    uint64_t random;
    void *routed; /* while `route`: what RAW returned for `expected` bytes, or was to free */
    size_t expected;
    uint32_t generation;
    uint32_t interval; /* the one `left` was drawn under */
    uint8_t route;     /* RAW is called by our own hook: nothing is counted */
    uint8_t inside;    /* the lock is ours */
    uint8_t forking;   /* the lock is ours because of a fork */
} thread;

/* What each allocation reads, on two cache lines. */
static struct {
    PyMemAllocatorEx saved[DOMAINS]; /* the allocators below */
    int64_t left;                    /* countdown of MEM and OBJ; the GIL guards it */
    uint32_t generation;             /* of the countdowns of RAW; odd */
} hot __attribute__((aligned(64))) = {.left = FAR, .generation = 1};

static uint32_t interval_small;
static uint64_t random_small;

static bool hooked[DOMAINS];
static bool routing; /* false: frees are hooked in all domains */
static volatile bool active;
static const char *fault_reason;
static bool probing;
static unsigned reached;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Tables tables;
static Place places[MAX_NFRAME];
static uint64_t place_keys[MAX_NFRAME];
static uint32_t place_frames[MAX_NFRAME];
static int nframe_limit = 25;
static PyInterpreterState *main_interpreter;

/* Nonzero where a sample may lie: one counter per 64 bytes of address, modulo. Read
 * without the lock. A block is in here before anybody else can know its address. */
#define FILTER_BITS 16
static uint8_t filter[1 << FILTER_BITS];

static double intervals[INTERVALS];
static Pace pace;
static double grant; /* the credit of a child that is being forked */
static uint64_t random_thin;
static uint64_t taken, tidied, unrouted, peak;
/* Of this process since the start (or since it was forked). Nanoseconds. */
static double cost_samples, calls;
static double cpu_at_start;

/* -- small things ------------------------------------------------------------------- */

static uint64_t
clock_ns(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t
next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Uniform in (0, 1]. */
static double
uniform(uint64_t *state)
{
    return (double)((next_random(state) >> 11) + 1) * 0x1p-53;
}

static int64_t
draw_gap(uint64_t *state, double interval)
{
    double gap = -log(uniform(state)) * interval;
    return gap < (double)FAR ? (int64_t)gap : FAR;
}

static double
probability(uint64_t size, uint32_t interval)
{
    return -expm1(-(double)size / intervals[interval]);
}

static uint8_t *
filter_of(const void *address)
{
    return &filter[((uintptr_t)address >> 6) & ((1 << FILTER_BITS) - 1)];
}

static inline bool
may_be_sampled(const void *address)
{
    return __atomic_load_n(filter_of(address), __ATOMIC_RELAXED) != 0;
}

static void
filter_add(const void *address)
{
    uint8_t *at = filter_of(address);
    if (*at != UINT8_MAX) { /* saturated: stays, and costs a look-up each time */
        __atomic_store_n(at, *at + 1, __ATOMIC_RELAXED);
    }
}

static void
filter_drop(const void *address)
{
    uint8_t *at = filter_of(address);
    if (*at != UINT8_MAX && *at != 0) {
        __atomic_store_n(at, *at - 1, __ATOMIC_RELAXED);
    }
}

static void
enter(void)
{
    pthread_mutex_lock(&lock);
    thread.inside = 1;
}

static void
leave(void)
{
    thread.inside = 0;
    pthread_mutex_unlock(&lock);
}

/* From now on the hooks only pass through. */
static void
fault(const char *reason)
{
    if (fault_reason == NULL) {
        fault_reason = reason;
    }
    active = false;
}

/* -- stacks --------------------------------------------------------------------------- */

/* A str as UTF-8 into `out`, cut at `room`, without a Python call that may allocate. */
static uint32_t
text_of(PyObject *string, char *out, uint32_t room)
{
    if (string == NULL || !PyUnicode_Check(string)) {
        return 0;
    }
#if PY_VERSION_HEX < 0x030C0000
    if (!PyUnicode_IS_READY(string)) {
        return 0;
    }
#endif
    Py_ssize_t length = PyUnicode_GET_LENGTH(string);
    int kind = (int)PyUnicode_KIND(string);
    const void *content = PyUnicode_DATA(string);
    uint32_t used = 0;
    for (Py_ssize_t at = 0; at < length && used + 4 <= room; at++) {
        Py_UCS4 letter = PyUnicode_READ(kind, content, at);
        if (letter < 0x80) {
            out[used++] = (char)letter;
        }
        else if (letter < 0x800) {
            out[used++] = (char)(0xC0 | (letter >> 6));
            out[used++] = (char)(0x80 | (letter & 0x3F));
        }
        else if (letter < 0x10000) { /* surrogates too: read with surrogatepass */
            out[used++] = (char)(0xE0 | (letter >> 12));
            out[used++] = (char)(0x80 | ((letter >> 6) & 0x3F));
            out[used++] = (char)(0x80 | (letter & 0x3F));
        }
        else {
            out[used++] = (char)(0xF0 | (letter >> 18));
            out[used++] = (char)(0x80 | ((letter >> 12) & 0x3F));
            out[used++] = (char)(0x80 | ((letter >> 6) & 0x3F));
            out[used++] = (char)(0x80 | (letter & 0x3F));
        }
    }
    return used;
}

/* Tells a file name from another that took its address: its length and its last letters. */
static uint64_t
text_mark(PyObject *string)
{
    if (string == NULL || !PyUnicode_Check(string)) {
        return 0;
    }
#if PY_VERSION_HEX < 0x030C0000
    if (!PyUnicode_IS_READY(string)) {
        return 0;
    }
#endif
    size_t length = (size_t)PyUnicode_GET_LENGTH(string) * (size_t)PyUnicode_KIND(string);
    uint64_t last[2] = {0, 0};
    size_t part = length < sizeof last ? length : sizeof last;
    memcpy(last, (const char *)PyUnicode_DATA(string) + (length - part), part);
    return mixed(mixed(length, last[0]), last[1]);
}

/* A code object may be freed and another take its address, so more than that goes in. */
static uint64_t
place_key(const Place *place, PyObject **last_file, uint64_t *last_mark)
{
    const PyCodeObject *code = place->code;
    if (code->co_filename != *last_file) {
        *last_file = code->co_filename;
        *last_mark = text_mark(code->co_filename);
    }
    uint64_t key = mixed((uintptr_t)code, (uint32_t)place->lasti);
    key = mixed(key, (uintptr_t)code->co_filename ^ *last_mark);
    key = mixed(key, (uintptr_t)code->co_name ^ ((uint64_t)(uint32_t)code->co_firstlineno << 40));
    return mixed(key, (uintptr_t)code_line_table(code));
}

static uint32_t
frame_number(const Place *place, uint64_t key)
{
    uint32_t number = tables_frame(&tables, key);
    if (number != NONE) {
        return number;
    }
    char text[1024];
    Frame frame;
    uint32_t length = text_of(place->code->co_filename, text, sizeof text);
    frame.file = tables_text(&tables, text, length);
    length = text_of(code_function(place->code), text, sizeof text);
    frame.function = tables_text(&tables, text, length);
    if (frame.file == NONE || frame.function == NONE) {
        return NONE;
    }
    int line = PyCode_Addr2Line(place->code, place->lasti);
    frame.line = line > 0 ? (uint32_t)line : 0;
    return tables_add_frame(&tables, key, frame);
}

/* Forget dead stacks, but not more often than that pays. */
static bool
tidy(void)
{
    if (taken - tidied < tables.stacks.used) {
        return false;
    }
    tidied = taken;
    return tables_compact(&tables);
}

/* The number of this thread's stack; the lock is held. */
static uint32_t
stack_number(PyThreadState *state)
{
    int depth = walk_frames(state, places, nframe_limit);
    if (depth == 0) {
        return UNKNOWN_STACK;
    }
    PyObject *last_file = NULL;
    uint64_t last_mark = 0, key = (uint64_t)depth;
    for (int at = 0; at < depth; at++) {
        place_keys[at] = place_key(&places[at], &last_file, &last_mark);
        key = mixed(key, place_keys[at]);
    }
    key |= 1; /* 0 is the unknown stack's */
    uint32_t number = tables_stack(&tables, key);
    if (number == NONE && tables.stacks.used >= CROWDED &&
        tables.live_stacks < tables.stacks.used / 4) {
        tidy();
    }
    for (int attempt = 0; number == NONE && attempt < 2; attempt++) {
        bool whole = true;
        for (int at = 0; whole && at < depth; at++) {
            place_frames[at] = frame_number(&places[at], place_keys[at]);
            whole = place_frames[at] != NONE;
        }
        if (whole) {
            number = tables_add_stack(&tables, key, place_frames, (uint32_t)depth);
        }
        if (number == NONE && !tidy()) {
            break;
        }
    }
    if (number == NONE) {
        tables.unplaced++;
        return UNKNOWN_STACK;
    }
    return number;
}

/* -- the interval --------------------------------------------------------------------- */

static uint32_t
blocks_for(double p, uint64_t *random)
{
    double blocks = floor(1.0 / p + uniform(random) * (1.0 - 0x1p-30));
    return blocks < 1.0 ? 1 : blocks < (double)UINT32_MAX ? (uint32_t)blocks : UINT32_MAX;
}

/* Keep each sample with the probability that the coarser interval would have had. */
static void
thin(uint32_t interval)
{
    for (uint32_t at = tables.used; at-- > 0;) {
        Sample sample = tables.samples[at];
        if (intervals[sample.interval] >= intervals[interval]) {
            continue;
        }
        double before = probability(sample.size, sample.interval);
        double after = probability(sample.size, interval);
        tables_remove_at(&tables, at);
        if (uniform(&random_thin) * before <= after) {
            sample.interval = interval;
            sample.blocks = blocks_for(after, &random_thin);
            tables_insert(&tables, &sample);
        }
        else {
            filter_drop((void *)(uintptr_t)sample.address);
        }
    }
}

/* Whether the tables, and what samples waste, are at less than this part of their limits. */
static bool
within(double part)
{
    double padding = pace.budget > 0.0 ? MAX_PADDING_BUDGET : MAX_PADDING_FIXED;
    return tables.used < tables.limit * part && tables.padding < padding * part;
}

static void
make_room(void)
{
    uint32_t last = pace.budget > 0.0 ? COARSEST_STEP : INTERVALS - 1;
    while (!within(0.875) && pace.least < last) {
        thin(++pace.least);
    } /* what comes after the last is dropped, and counted */
    if (pace.step < pace.least) {
        pace.step = pace.least;
    }
}

/* The gaps that were drawn under another interval end here; the GIL is held. */
static void
redraw(void)
{
    interval_small = pace.step;
    hot.left = draw_gap(&random_small, intervals[pace.step]);
    hot.generation += 2; /* of RAW: each thread draws when it allocates next */
}

/* -- taking and forgetting samples ------------------------------------------------------ */

static void
take(void *address, size_t size, uint32_t interval, uint64_t *random)
{
    uint64_t began = clock_ns(CLOCK_MONOTONIC);
    PyThreadState *state = holding_gil();
    enter();
    if (!active) {
        leave();
        return;
    }
    uint32_t stack = UNKNOWN_STACK, step = pace.step;
    if (state != NULL) {
        if (PyThreadState_GetInterpreter(state) != main_interpreter) {
            fault("a subinterpreter allocates memory");
            leave();
            return;
        }
        stack = stack_number(state);
    }
    double p = probability(size, interval);
    Sample sample = {(uintptr_t)address, size, blocks_for(p, random), stack, interval, 0};
    if (tables_insert(&tables, &sample)) {
        filter_add(address);
        if (tables.bytes > peak) {
            peak = tables.bytes;
        }
    }
    if (tables.bytes >> 60) {
        fault("the estimate of live memory is absurd");
    }
    taken++;
    calls += 1.0 / p;
    pace.calls += 1.0 / p;
    if (UNLIKELY(!within(0.875))) {
        make_room();
    }
    /* Threads without the GIL leave the pace to the others: they may not touch `hot.left`. */
    if (state != NULL && pace.budget > 0.0 &&
        pace_sample(&pace, tables_importing(&tables, stack), (double)began)) {
        pace_reconsider(&pace, (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID), (double)began,
                        within(0.5));
    }
    if (state != NULL && pace.step != step) {
        redraw();
    }
    uint64_t cost = clock_ns(CLOCK_MONOTONIC) - began;
    double counted = (double)(cost < LONGEST_SAMPLE ? cost : LONGEST_SAMPLE) + UNSEEN_COST;
    cost_samples += counted;
    pace.cost += counted;
    leave();
}

/* Forget the sample at an address; false: there is none. */
static bool
forget(void *address, Sample *sample)
{
    enter();
    bool found = tables_remove(&tables, (uintptr_t)address, sample);
    if (found) {
        filter_drop(address);
    }
    leave();
    return found;
}

/* The block of a failed realloc is still there. */
static void
put_back(const Sample *sample)
{
    enter();
    if (active && tables_insert(&tables, sample)) {
        filter_add((void *)(uintptr_t)sample->address);
    }
    leave();
}

/* -- RAW: any thread, with or without the GIL ------------------------------------------- */

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

static void *
raw_realloc(void *ctx, void *old, size_t size)
{
    Sample before;
    uint32_t interval = 0;
    /* Before the address can become somebody else's. */
    bool had = old != NULL && may_be_sampled(old) && !thread.inside && forget(old, &before);
    bool fired = raw_counts(size) && raw_fired(size, &interval);
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

/* -- MEM and OBJ: the GIL is held --------------------------------------------------------- */

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

/* The countdown ran out: start the next one. False: nothing is to be sampled. */
static bool
small_fired(int domain, uint32_t *interval)
{
    if (probing) {
        reached |= 1u << domain;
    }
    *interval = interval_small;
    interval_small = pace.step;
    hot.left = active ? draw_gap(&random_small, intervals[interval_small]) : FAR;
    return active && !thread.inside && !probing;
}

static void
not_routed(void)
{
    if (++unrouted > 1000 && unrouted > taken / 2) {
        fault("Python's small object allocator does not pass large blocks on");
    }
}

static __attribute__((noinline)) void *
small_slow(int domain, void *ctx, size_t size, size_t zeroed)
{
    uint32_t interval;
    if (size && small_fired(domain, &interval)) {
        uint32_t before = route_begin(ROUTED);
        void *block = zeroed ? hot.saved[domain].calloc(ctx, 1, ROUTED)
                             : hot.saved[domain].malloc(ctx, ROUTED);
        void *routed = thread.routed;
        route_end(before);
        if (block != NULL) {
            if (routed == block) {
                take(block, size, interval, &random_small);
            }
            else {
                not_routed();
            }
            return block;
        }
    }
    return zeroed ? hot.saved[domain].calloc(ctx, 1, size) : hot.saved[domain].malloc(ctx, size);
}

static __attribute__((noinline)) void *
small_realloc(int domain, void *ctx, void *old, size_t size)
{
    uint32_t interval = 0;
    bool fired = small_fired(domain, &interval);
    uint32_t before = route_begin(ROUTED);
    void *block = NULL, *routed = NULL;
    if (fired) {
        block = hot.saved[domain].realloc(ctx, old, ROUTED);
        routed = thread.routed;
    }
    bool sampled = block != NULL;
    if (!sampled) {
        block = hot.saved[domain].realloc(ctx, old, size);
    }
    route_end(before);
    if (sampled) {
        if (routed == block) {
            take(block, size, interval, &random_small);
        }
        else {
            not_routed();
        }
    }
    return block;
}

#define ROUTE_HOOKS(name, domain)                                                             \
    static void *name##_malloc(void *ctx, size_t size)                                        \
    {                                                                                         \
        if (LIKELY(size <= SMALL) && UNLIKELY((hot.left -= (int64_t)size) < 0)) {           \
            return small_slow(domain, ctx, size, 0);                                          \
        }                                                                                     \
        return hot.saved[domain].malloc(ctx, size);                                               \
    }                                                                                         \
    static void *name##_calloc(void *ctx, size_t number, size_t each)                         \
    {                                                                                         \
        size_t size;                                                                          \
        if (!__builtin_mul_overflow(number, each, &size) && size <= SMALL &&                  \
            UNLIKELY((hot.left -= (int64_t)size) < 0)) {                                    \
            return small_slow(domain, ctx, size, 1);                                          \
        }                                                                                     \
        return hot.saved[domain].calloc(ctx, number, each);                                       \
    }                                                                                         \
    static void *name##_realloc(void *ctx, void *old, size_t size)                            \
    {                                                                                         \
        if (size > SMALL) { /* RAW counts it */                                               \
            return hot.saved[domain].realloc(ctx, old, size);                                     \
        }                                                                                     \
        if (UNLIKELY((hot.left -= (int64_t)size) < 0)) {                                      \
            return small_realloc(domain, ctx, old, size);                                     \
        }                                                                                     \
        uint32_t before = thread.generation; /* a large block may shrink: RAW counts nothing */ \
        thread.generation = 0;                                                                \
        thread.route = 1;                                                                     \
        void *block = hot.saved[domain].realloc(ctx, old, size);                              \
        route_end(before);                                                                    \
        return block;                                                                         \
    }

ROUTE_HOOKS(mem, MEM)
ROUTE_HOOKS(obj, OBJ)

/* -- MEM and OBJ where the allocator is not pymalloc: frees are hooked as well ------------- */

static void *
any_alloc(int domain, void *ctx, size_t size, size_t zeroed)
{
    uint32_t interval = 0;
    bool fired =
        UNLIKELY((hot.left -= (int64_t)size) < 0) && small_fired(domain, &interval) && size;
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
        UNLIKELY((hot.left -= (int64_t)size) < 0) && small_fired(domain, &interval) && size;
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
        pace.hook_cost = block_cost() - without;
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

/* -- self-test ----------------------------------------------------------------------------------- */

#define TRIALS 4096

static bool
holds(const unsigned char *block, size_t size, unsigned char value)
{
    for (size_t at = 0; at < size; at++) {
        if (block[at] != value) {
            return false;
        }
    }
    return true;
}

/* In a forked child, so no bytecode may run: other threads are gone. 0: all is well. */
static const char *
test_here(void)
{
    static unsigned char *blocks[TRIALS];
    static size_t sizes[TRIALS];
    const char *problem = start_engine(16, 4096.0, 0.0, 1);
    if (problem != NULL) {
        return problem;
    }
    uint64_t random = 1, truth = 0;
    for (int round = 0; round < 3; round++) {
        for (int at = 0; at < TRIALS; at++) {
            size_t size = 1 + next_random(&random) % (at % 8 ? 600 : 6000);
            unsigned char value = (unsigned char)at;
            unsigned char *block = NULL;
            int domain = at % DOMAINS;
            if (round == 0 && at % 5 == 0) {
                block = domain == RAW   ? PyMem_RawCalloc(1, size)
                        : domain == MEM ? PyMem_Calloc(1, size)
                                        : PyObject_Calloc(1, size);
                if (block == NULL || !holds(block, size, 0)) {
                    return "calloc does not return zeros";
                }
            }
            else {
                size_t kept = round == 0 ? 0 : sizes[at] < size ? sizes[at] : size;
                unsigned char *old = round == 0 ? NULL : blocks[at];
                block = domain == RAW   ? PyMem_RawRealloc(old, size)
                        : domain == MEM ? PyMem_Realloc(old, size)
                                        : PyObject_Realloc(old, size);
                if (block == NULL || !holds(block, kept, value)) {
                    return "realloc loses what a block holds";
                }
            }
            memset(block, value, size);
            blocks[at] = block;
            sizes[at] = size;
        }
        enter();
        problem = tables_problem(&tables);
        leave();
        if (problem != NULL) {
            return problem;
        }
    }
    for (int at = 0; at < TRIALS; at++) {
        truth += sizes[at];
    }
    double ratio = (double)tables.bytes / (double)truth;
    if (!(ratio > 0.6 && ratio < 1.6)) {
        return "the estimate of live memory is wrong";
    }
    PyThreadState *state = holding_gil();
    if (state == NULL || stack_number(state) == UNKNOWN_STACK) {
        return "the calling frames cannot be read";
    }
    for (int at = 0; at < TRIALS; at++) {
        if (!holds(blocks[at], sizes[at], (unsigned char)at)) {
            return "blocks overlap";
        }
        if (at % DOMAINS == RAW) {
            PyMem_RawFree(blocks[at]);
        }
        else if (at % DOMAINS == MEM) {
            PyMem_Free(blocks[at]);
        }
        else {
            PyObject_Free(blocks[at]);
        }
    }
    enter();
    problem = tables_problem(&tables);
    uint32_t remaining = tables.used;
    leave();
    if (problem != NULL) {
        return problem;
    }
    if (remaining > 4) {
        return "frees are not seen";
    }
    if (fault_reason != NULL) {
        return fault_reason;
    }
    stop_engine();
    PyObject_Free(PyObject_Malloc(100));
    return NULL;
}

/* Start, use and stop the engine in a forked child. What is wrong, or NULL. */
static const char *
self_test(char *said, size_t room)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return "no memory for the self-test";
    }
    snprintf(page, 4096, "its process crashed");
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM};
        setrlimit(RLIMIT_CORE, &none);
        for (size_t at = 0; at < sizeof faults / sizeof *faults; at++) {
            signal(faults[at], SIG_DFL);
        }
        sigset_t alarm_only;
        sigemptyset(&alarm_only);
        sigaddset(&alarm_only, SIGALRM);
        pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
        alarm(10);
        const char *problem = test_here();
        snprintf(page, 4096, "%s", problem != NULL ? problem : "");
        _exit(0);
    }
    const char *problem = said;
    if (child < 0) {
        problem = "a process for the self-test cannot be forked";
    }
    else {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
        }
        snprintf(said, room, "the self-test failed: %s", page);
        problem = page[0] ? said : NULL;
    }
    munmap(page, 4096);
    return problem;
}

/* -- the module ------------------------------------------------------------------------------------ */

/* The self-test, once per process and its children; what is wrong, or NULL. */
static const char *
fit(void)
{
    static bool tested, registered;
    static char said[512];
    if (!registered) {
        registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
        if (!registered) {
            return "its locks cannot be made safe for fork()";
        }
    }
    if (tested || active) {
        return NULL;
    }
    if (!only_interpreter()) {
        return "the process has subinterpreters";
    }
    const char *problem = self_test(said, sizeof said);
    tested = problem == NULL;
    return problem;
}

PyDoc_STRVAR(self_test_doc,
"self_test()\n--\n\n"
"Start, use and stop the engine in a forked child, once. None, or what is wrong.");

static PyObject *
self_test_now(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    const char *problem = fit();
    if (problem == NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(problem);
}

PyDoc_STRVAR(start_doc,
"start(nframe, interval, budget, seed=0)\n--\n\n"
"Begin sampling every `interval` bytes on average; 0: as often as `budget` (a share of\n"
"the CPU such as 0.01) allows. A `seed` makes the draws of this thread the same each time, for\n"
"tests. Raises RuntimeError with the reason where it cannot work.");

static PyObject *
start(PyObject *Py_UNUSED(module), PyObject *args)
{
    int nframe;
    double interval, share;
    unsigned long long seed = 0;
    if (!PyArg_ParseTuple(args, "idd|K:start", &nframe, &interval, &share, &seed)) {
        return NULL;
    }
    if (active) {
        Py_RETURN_NONE;
    }
    if (!(interval >= 0.0 && interval <= 1e12) || !(share >= 0.0 && share <= 1.0) ||
        (interval == 0.0 && share == 0.0)) {
        PyErr_SetString(PyExc_ValueError, "the interval or the budget is out of range");
        return NULL;
    }
    stop_engine(); /* what a fault may have left */
    const char *problem = fit();
    if (problem == NULL) {
        problem = start_engine(nframe, interval, share, seed);
    }
    if (problem != NULL) {
        PyErr_SetString(PyExc_RuntimeError, problem);
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stop_doc,
"stop()\n--\n\n"
"End sampling and forget the samples. Hooks with another tool's on top of them stay and\n"
"pass through.");

static PyObject *
stop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    stop_engine();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(is_active_doc, "is_active()\n--\n\nWhether samples are being taken.");

static PyObject *
is_active(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(active);
}

PyDoc_STRVAR(check_doc,
"check()\n--\n\n"
"None if samples are being taken and all hooks are called; else the reason why not. Hooks\n"
"that another tool has removed turn the engine off: frees went unseen.");

static PyObject *
check(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    if (active && reached_now() != ALL_HOOKS) {
        fault("another tool has removed the allocator hooks");
    }
    if (active) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(fault_reason != NULL ? fault_reason : "it was not started");
}

PyDoc_STRVAR(problem_doc,
"problem()\n--\n\nWhat is inconsistent in the tables, or None. Walks them all: for tests.");

static PyObject *
problem(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    enter();
    const char *found = tables_problem(&tables);
    leave();
    if (found == NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(found);
}

PyDoc_STRVAR(counters_doc,
"counters()\n--\n\n"
"(estimated live bytes, their peak, bytes of the engine's own tables)");

static PyObject *
counters(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    enter();
    unsigned long long bytes = tables.bytes, most = peak;
    size_t own = tables_memory(&tables) + sizeof filter;
    leave();
    return Py_BuildValue("(KKn)", bytes, most, (Py_ssize_t)own);
}

PyDoc_STRVAR(stats_doc,
"stats()\n--\n\nThe engine's figures as a dict; see leakhunt.engine.sampled for their meaning.");

static PyObject *
stats(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    double cpu = (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    enter();
    double spent = cpu - cpu_at_start;
    double hooks = calls * pace.hook_cost, cost = cost_samples, credit = pace.credit;
    double share = spent > 1e6 ? (cost + hooks) / spent : 0.0;
    double interval = intervals[pace.step];
    unsigned samples = tables.used, stacks = tables.stacks.used;
    unsigned long long all = taken, dropped = tables.dropped, unplaced = tables.unplaced,
                       ghosts = tables.ghosts, astray = unrouted,
                       compactions = tables.compactions;
    leave();
    return Py_BuildValue(
        "{s:d,s:I,s:I,s:K,s:K,s:K,s:K,s:K,s:K,s:d,s:d,s:d,s:d,s:d,s:d,s:O,s:O,s:i,s:z}",
        "interval", interval, "samples", samples, "stacks", stacks, "taken", all,
        "dropped", dropped, "unplaced", unplaced, "ghosts", ghosts, "unrouted", astray,
        "compactions", compactions, "overhead", share, "sample_ns", cost, "hook_ns", hooks,
        "call_ns", pace.hook_cost, "cpu_ns", spent, "credit_ns", credit, "importing",
        pace.importing ? Py_True : Py_False, "routing", routing ? Py_True : Py_False,
        "nframe", nframe_limit, "fault", fault_reason);
}

PyDoc_STRVAR(read_doc,
"read()\n--\n\n"
"A copy of the tables, as bytes of C structs (_tables.h): (samples, stacks, steps, frames,\n"
"texts, letters, intervals). The lock is held for the copy only.");

static PyObject *
read_tables(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    enum { PARTS = 7 };
    void *copies[PARTS] = {NULL};
    size_t lengths[PARTS];
    bool whole = true;
    enter();
    const void *parts[PARTS] = {tables.samples, tables.stacks.items, tables.steps,
                                tables.frames.items, tables.texts.items, tables.letters,
                                intervals};
    lengths[0] = tables.used * sizeof(Sample);
    lengths[1] = tables.stacks.used * sizeof(Stack);
    lengths[2] = tables.steps_used * sizeof(uint32_t);
    lengths[3] = tables.frames.used * sizeof(Frame);
    lengths[4] = tables.texts.used * sizeof(Text);
    lengths[5] = tables.letters_used;
    lengths[6] = sizeof intervals;
    for (int at = 0; at < PARTS; at++) {
        if (lengths[at]) {
            copies[at] = malloc(lengths[at]);
            if (copies[at] == NULL) {
                whole = false;
                break;
            }
            memcpy(copies[at], parts[at], lengths[at]);
        }
    }
    leave();
    PyObject *result = whole ? PyTuple_New(PARTS) : PyErr_NoMemory();
    for (int at = 0; at < PARTS; at++) {
        if (result != NULL) {
            PyObject *part = PyBytes_FromStringAndSize(copies[at], (Py_ssize_t)lengths[at]);
            if (part == NULL) {
                Py_CLEAR(result);
            }
            else {
                PyTuple_SET_ITEM(result, at, part);
            }
        }
        free(copies[at]);
    }
    return result;
}

#define HEADS 3
#define BATCH 512

PyDoc_STRVAR(heads_doc,
"heads(samples)\n--\n\n"
"What stands where an object in each block would have its type: three words per sample, for\n"
"objects that begin 0, 16 and 32 bytes into it. 0: no memory, no room, no reference count.");

/* The kernel copies, so a block that has gone is an error and not a crash. */
static PyObject *
heads(PyObject *Py_UNUSED(module), PyObject *samples)
{
    if (!PyBytes_Check(samples) || PyBytes_GET_SIZE(samples) % (Py_ssize_t)sizeof(Sample)) {
        PyErr_SetString(PyExc_TypeError, "heads() needs the samples of read()");
        return NULL;
    }
    const Sample *sample = (const Sample *)PyBytes_AS_STRING(samples);
    Py_ssize_t number = PyBytes_GET_SIZE(samples) / (Py_ssize_t)sizeof(Sample);
    PyObject *result = PyBytes_FromStringAndSize(NULL, number * HEADS * 8);
    if (result == NULL) {
        return NULL;
    }
    uint64_t *found = (uint64_t *)PyBytes_AS_STRING(result);
    memset(found, 0, (size_t)number * HEADS * 8);
#if defined(__linux__) && UINTPTR_MAX == UINT64_MAX
    static uint64_t words[BATCH][HEADS * 2];
    struct iovec to[BATCH], from[BATCH];
    for (Py_ssize_t first = 0; first < number;) {
        int many = 0;
        for (; many < BATCH && first + many < number; many++) {
            uint64_t size = sample[first + many].size & ~UINT64_C(15);
            size = size < sizeof words[0] ? size : sizeof words[0];
            memset(words[many], 0, sizeof words[0]);
            to[many].iov_base = words[many];
            from[many].iov_base = (void *)(uintptr_t)sample[first + many].address;
            to[many].iov_len = from[many].iov_len = (size_t)size;
        }
        ssize_t copied = process_vm_readv(getpid(), to, (unsigned long)many, from,
                                          (unsigned long)many, 0);
        if (copied < 0 && errno != EFAULT) {
            break; /* not allowed here: then types stay unknown */
        }
        int whole = 0;
        for (; whole < many && copied >= (ssize_t)to[whole].iov_len; whole++) {
            copied -= (ssize_t)to[whole].iov_len;
            for (int at = 0; at < HEADS; at++) {
#if PY_VERSION_HEX >= 0x030E0000
                bool alive = (uint32_t)words[whole][at * 2] != 0; /* flags above */
#else
                bool alive = (int64_t)words[whole][at * 2] > 0;
#endif
                found[(first + whole) * HEADS + at] = alive ? words[whole][at * 2 + 1] : 0;
            }
        }
        first += whole < many ? whole + 1 : many; /* the one that failed is skipped */
    }
#else
    (void)sample;
#endif
    return result;
}

static PyMethodDef methods[] = {
    {"self_test", self_test_now, METH_NOARGS, self_test_doc},
    {"start", start, METH_VARARGS, start_doc},
    {"stop", stop, METH_NOARGS, stop_doc},
    {"is_active", is_active, METH_NOARGS, is_active_doc},
    {"check", check, METH_NOARGS, check_doc},
    {"problem", problem, METH_NOARGS, problem_doc},
    {"counters", counters, METH_NOARGS, counters_doc},
    {"stats", stats, METH_NOARGS, stats_doc},
    {"heads", heads, METH_O, heads_doc},
    {"read", read_tables, METH_NOARGS, read_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakhunt.engine._sampler",
    .m_doc = "Samples allocations with their stacks, and knows which are still alive.",
    .m_size = -1, /* one per process: the allocator hooks are */
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__sampler(void)
{
    return PyModule_Create(&module);
}

#endif /* UNSUPPORTED */
