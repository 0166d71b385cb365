/* Where tracemalloc keeps whether it traces.
 *
 * It has no function that stops it and gives no memory back, so its flag is set where it lies. Up to 3.11 that
 * is a symbol of its own; since then it is a part of the runtime's state, which grew in front of it within
 * 3.13 (24 bytes, for perf's trampolines). So what is there is compared with what the module says of itself, and
 * looked for nearby where it differs. See Include/internal/pycore_tracemalloc.h. Include after Python.h,
 * with Py_BUILD_CORE_MODULE from before it.
 */
#ifndef LEAKHUNT_TRACEMALLOC_H
#define LEAKHUNT_TRACEMALLOC_H

#if PY_VERSION_HEX >= 0x030C0000
#include "internal/pycore_runtime.h"

typedef __typeof__(_PyRuntime.tracemalloc.config) Tracing;

static inline int
is_tracing_to(const Tracing *candidate, long limit)
{
    return candidate->initialized == TRACEMALLOC_INITIALIZED && candidate->tracing == 1 &&
           candidate->max_nframe == limit;
}

enum { NEARBY = 512 };

/* While it traces, with stacks of at most `limit` frames: its state; NULL where that is not to be told: nothing
 * within so many bytes fits, or more than one. */
static inline Tracing *
tracing_of(long limit)
{
    Tracing *expected = &_PyRuntime.tracemalloc.config, *only = NULL;
    if (is_tracing_to(expected, limit)) {
        return expected;
    }
    for (int off = -NEARBY; off <= NEARBY; off += (int)sizeof(void *)) {
        Tracing *candidate = (Tracing *)((char *)expected + off);
        if (is_tracing_to(candidate, limit)) {
            if (only != NULL) {
                return NULL;
            }
            only = candidate;
        }
    }
    return only;
}
#else
#include "internal/pycore_pymem.h"

typedef __typeof__(_Py_tracemalloc_config) Tracing;

static inline Tracing *
tracing_of(long limit)
{
    (void)limit;
    return &_Py_tracemalloc_config;
}
#endif

#endif
