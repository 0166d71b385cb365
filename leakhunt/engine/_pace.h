/* How finely is sampled: the mean interval between two samples follows what they cost.
 *
 * Sampling may take `budget` (a share, such as 0.01) of the CPU time of the process. On top
 * of that a process has a credit of CPU time, 20 budgets of a second (0.2 s at one per cent), that
 * it spends while it is young: a test run of some hundred tasks is over before a one per
 * cent engine has seen a handful of its blocks, so it is sampled nearly exactly instead. The
 * more of the credit is left, the faster it is spent: at first 20 budgets of the CPU (20 %), by its
 * square root less, so that it is gone after 2 seconds of work, and a worker that runs for a
 * minute has paid a third of a per cent. Evenly enough: to tell a leak from a cache that fills,
 * late samples are worth as much as early ones. It comes back while the process sleeps, a
 * twentieth of the budget of the time asleep: after minutes of idling the next few hundred tasks
 * are seen finely again, and at a light load sampling stays finer than at full load.
 *
 * Imports are not worth a credit: a worker's start-up allocates as much as thousands of tasks and
 * keeps most of it for good, and whoever looks for a leak looks at what comes after. So
 * there are two intervals, each follows its own measured costs: four samples in a row with a
 * frame of importlib on their stack switch to that of imports, one without it switches back
 * (at that coarse interval it stands for several tasks).
 *
 * The gaps are redrawn at each change: an exponential gap has no memory, so that is
 * without bias, and a coarse gap that was drawn long ago does not outlive its interval.
 *
 * A forked child begins with a credit of its own, out of its parent's purse: full for the
 * first 32 children, then as it refills, half a budget of the time. A pool that replaces its
 * children every few seconds does not pay the price of youth over and over.
 *
 * Everything here is guarded by the engine's lock. Durations are nanoseconds.
 */
#ifndef LEAKHUNT_PACE_H
#define LEAKHUNT_PACE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Intervals of the budget: FINEST * 2^(k/2) bytes. */
#define INTERVALS 48
#define FINEST 256.0
#define COARSEST_STEP 34 /* 32 MiB */
#define FIRST_PLAIN 4    /* 1 KiB */
#define FIRST_IMPORT 14  /* 32 KiB */

/* The interval is reconsidered every so many samples, or after so many nanoseconds. */
#define ADAPT_EVERY 64
#define ADAPT_AFTER 500000000u
/* Less CPU time than this says nothing about a share. */
#define ADAPT_AT_LEAST 2e5
/* Samples of the other kind in a row that switch to importing, and back. */
#define SWITCH_AFTER 4
#define SWITCH_BACK_AFTER 1
/* Of the budget: what samples may cost however much the hooks do. */
#define AT_LEAST 0.2
/* At most so many steps finer at once: an eighth. */
#define FINER_STEPS 6

/* In budgets: seconds of credit, share that may be spent of it, refill per time asleep. */
#define CREDIT 20.0
#define SPENT_AT_MOST 20.0
#define SPENT_CAP 0.33
#define REFILL 0.05
#define CHILDREN 32
#define CHILDREN_REFILL 0.5

typedef struct {
    double budget;     /* share of the CPU; 0: the interval is fixed */
    uint32_t step;     /* index of the interval now */
    uint32_t least;    /* no finer than this: there is no room for more samples */
    uint32_t steps[2]; /* where each kind, plain and importing, was left */
    uint32_t others;   /* samples in a row that are not of the present kind */
    bool importing;
    bool met;          /* the credit below has been given: once per process */
    double credit;     /* left to be spent, of credit_limit() */
    double purse;      /* for children */
    double filled;     /* when `purse` was filled last */
    double hook_cost;  /* of a block that is no sample */
    /* Since the interval was last reconsidered. */
    double cpu, began, cost, calls;
    uint32_t samples;
} Pace;

static inline double
credit_limit(const Pace *pace)
{
    return CREDIT * 1e9 * pace->budget;
}

static inline void
pace_window(Pace *pace, double cpu, double now)
{
    pace->cpu = cpu;
    pace->began = now;
    pace->cost = pace->calls = 0.0;
    pace->samples = 0;
}

/* Begin, or go on where the last run of the process ended: youth does not come back. */
static inline void
pace_start(Pace *pace, double budget, double cpu, double now)
{
    if (!pace->met && budget > 0.0) {
        pace->met = true;
        pace->steps[0] = pace->step = FIRST_PLAIN;
        pace->steps[1] = FIRST_IMPORT;
        pace->budget = budget;
        pace->credit = credit_limit(pace);
        pace->purse = CHILDREN * pace->credit;
        pace->filled = now;
    }
    pace->step = budget > 0.0 ? pace->steps[0] : 0;
    pace->budget = budget;
    pace->importing = false;
    pace->others = pace->least = 0;
    pace_window(pace, cpu, now);
}

/* Remember the interval of this kind for later. */
static inline void
pace_keep(Pace *pace)
{
    if (pace->budget > 0.0) {
        pace->steps[pace->importing] = pace->step;
    }
}

/* In the parent, before a fork: what the child may spend. */
static inline double
pace_grant(Pace *pace, double now)
{
    double limit = credit_limit(pace);
    pace->purse += (now - pace->filled) * CHILDREN_REFILL * pace->budget;
    pace->filled = now;
    if (pace->purse > CHILDREN * limit) {
        pace->purse = CHILDREN * limit;
    }
    double grant = pace->purse < limit ? pace->purse : limit;
    pace->purse -= grant;
    return grant;
}

static inline void
pace_forked(Pace *pace, double grant, double now)
{
    pace->credit = grant;
    pace->others = 0;
    if (pace->budget > 0.0) {
        pace->importing = false;
        if (grant > credit_limit(pace) / 2 || pace->steps[0] < FIRST_PLAIN) {
            pace->steps[0] = FIRST_PLAIN;
        }
        pace->step = pace->steps[0] > pace->least ? pace->steps[0] : pace->least;
    }
    pace_window(pace, 0.0, now);
}

/* Settle the account of the window that ends here and reconsider the interval. */
static inline void
pace_adapt(Pace *pace, double cpu, double now, bool room)
{
    double spent = cpu - pace->cpu, asleep = now - pace->began - spent;
    if (spent < ADAPT_AT_LEAST) {
        return;
    }
    double limit = credit_limit(pace), share = pace->cost / spent;
    double hooks = pace->calls * pace->hook_cost / spent;
    double base = pace->budget - hooks;
    if (base < pace->budget * AT_LEAST) {
        base = pace->budget * AT_LEAST; /* the hooks alone may take it all */
    }
    pace->credit += base * spent - pace->cost;
    if (asleep > 0.0) {
        pace->credit += asleep * REFILL * pace->budget;
    }
    pace->credit = fmax(-limit / 8, fmin(pace->credit, limit));
    double allowed = base, left = pace->credit / limit;
    if (left < 0.0) {
        allowed *= 1.0 + 4.0 * left; /* more than was allowed: half of it at the least */
    }
    else if (!pace->importing) {
        allowed += sqrt(left) * fmin(SPENT_AT_MOST * pace->budget, SPENT_CAP);
    }
    pace_window(pace, cpu, now);
    if (share > allowed * 1.2) {
        int steps = (int)ceil(2.0 * log2(share / allowed));
        pace->step += (uint32_t)(steps < COARSEST_STEP ? steps : COARSEST_STEP);
        if (pace->step > COARSEST_STEP) {
            pace->step = COARSEST_STEP;
        }
    }
    else if (share < allowed * 0.7) {
        double ratio = allowed / fmax(share, allowed / 64);
        uint32_t steps = (uint32_t)fmin(2.0 * log2(ratio), FINER_STEPS);
        pace->step -= steps < pace->step ? steps : pace->step;
    }
    if (room && pace->least > 0) {
        pace->least--;
    }
    if (pace->step < pace->least) {
        pace->step = pace->least;
    }
}

static inline bool
pace_switches(const Pace *pace)
{
    return pace->others >= (pace->importing ? SWITCH_BACK_AFTER : SWITCH_AFTER);
}

/* A sample of this kind was taken. True: reconsider the interval. */
static inline bool
pace_sample(Pace *pace, bool importing, double now)
{
    pace->others = importing == pace->importing ? 0 : pace->others + 1;
    return ++pace->samples % ADAPT_EVERY == 0 || pace_switches(pace) ||
           now - pace->began > ADAPT_AFTER;
}

/* Reconsider the interval; `room`: the tables are less than half full. */
static inline void
pace_reconsider(Pace *pace, double cpu, double now, bool room)
{
    pace_adapt(pace, cpu, now, room);
    if (pace_switches(pace)) {
        pace->others = 0;
        pace_keep(pace);
        pace->importing = !pace->importing;
        pace->step = pace->steps[pace->importing];
        if (pace->step < pace->least) {
            pace->step = pace->least;
        }
    }
}

#endif
