/* What the engine knows, its clocks, its dice and its lock.
 *
 * Part of _sampler.c, which includes it once, after the parts that it uses.
 */
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

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* obmalloc.c: SMALL_REQUEST_THRESHOLD */
#define SMALL 512
#define ROUTED (SMALL + 1)

/* What is expected in RAW is not a request but a free. */
#define A_FREE SIZE_MAX

#define MAX_NFRAME 128
#define LONGEST_TEXT 1024
#define FAR (INT64_MAX / 2)

/* Samples and stacks that are kept. With more samples the interval is made coarser. */
#define MAX_SAMPLES_BUDGET 16384u
#define MAX_SAMPLES_FIXED (1u << 18)
/* Bytes that small samples take more than they were asked for. */
#define MAX_PADDING_BUDGET (1u << 20)
#define MAX_PADDING_FIXED (1u << 27)
#define MAX_STACKS 32768u
/* With so many stacks, three quarters of them without a live sample, these are forgotten. */
#define CROWDED 8192u

/* A sample that took longer was interrupted: nanoseconds. */
#define LONGEST_SAMPLE 100000
/* A hook costs more among a program's own code and memory than in the loop that times it: the
 * loop saw a third to all of what real workers were slowed down by with nothing to sample. */
#define IN_SITU 2.0
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

/* -ln of a number that is uniform in (0, 1), to 1e-8, from registers: libm's tables are cold here.
 *
 * u = m * 2^-k with m in [1/2, 1): k is the number of leading zeros and one, ln m = 2 artanh of
 * (m - 3/4) / (m + 3/4), plus ln 3/4.
 */
static double
exponential(uint64_t *state)
{
    uint64_t bits = next_random(state) | 1;
    int zeros = __builtin_clzll(bits);
    double m = (double)((bits << zeros) >> 11) * 0x1p-53;
    double t = (m - 0.75) / (m + 0.75), square = t * t;
    double series = 1.0 / 9 + square * (1.0 / 11);
    series = 1.0 / 7 + square * series;
    series = 1.0 / 5 + square * series;
    series = 1.0 / 3 + square * series;
    return (double)zeros * 0.69314718055994531 + 0.28768207245178093 -
           2.0 * t * (1.0 + square * series);
}

static int64_t
draw_gap(uint64_t *state, double interval)
{
    double gap = exponential(state) * interval;
    return gap < (double)FAR ? (int64_t)gap : FAR;
}

static double
probability(uint64_t size, uint32_t interval)
{
    double x = (double)size / intervals[interval];
    if (x < 0.01) { /* to 1e-12, and without libm */
        return x * (1.0 - x * (1.0 / 2 - x * (1.0 / 6 - x * (1.0 / 24 - x * (1.0 / 120)))));
    }
    return -expm1(-x);
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
