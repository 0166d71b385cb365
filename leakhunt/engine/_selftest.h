/* The engine tries itself in a forked child before it touches a process.
 *
 * Part of _sampler.c, which includes it once, after the parts that it uses.
 */
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
