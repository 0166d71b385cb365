/* Taking and forgetting samples, and making room for more.
 *
 * Part of _sampler.c, which includes it once, after the parts that it uses.
 */
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
    double stands_for = 1.0 / p;
    calls += stands_for;
    pace.calls += stands_for;
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
