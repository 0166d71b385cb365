/* A fork that runs nobody's fork handlers, and a child that ends whatever happens in it.
 *
 * fork() of libc runs what libraries have registered with pthread_atfork(). One may wait for
 * threads that wait for the GIL (OpenBLAS joins its own), one may never return in the child: no
 * timer helps, because it runs inside fork() itself. The bare fork leaves each lock of libc and of
 * every library as it is at that moment, so that the child may use none of them.
 *
 * _Fork(): glibc 2.34, musl 1.2.2, POSIX.1-2024. Before that the system call, which leaves libc's
 * copy of the thread's number as it was; nothing in the child looks at it.
 */
#ifndef LEAKHUNT_BARE_FORK_H
#define LEAKHUNT_BARE_FORK_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>

extern pid_t _Fork(void) __attribute__((weak));
#endif

static pid_t
bare_fork(void)
{
#ifdef __linux__
    if (_Fork != NULL) {
        return _Fork();
    }
#ifdef SYS_fork
    return (pid_t)syscall(SYS_fork);
#elif !defined(__s390__)
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
#endif
    return fork();
}

/* Whether this process's children begin in another pid namespace than its own (unshare(2) of CLONE_NEWPID).
 * The first of them is its init: when that ends, no other can be made there. */
static inline int
children_are_elsewhere(void)
{
#ifdef __linux__
    static const char others[] = "/proc/self/ns/pid_for_children";
    char own[64], theirs[64];
    ssize_t length = readlink("/proc/self/ns/pid", own, sizeof own);
    if (length <= 0) {
        return 0;
    }
    ssize_t other = readlink(others, theirs, sizeof theirs);
    if (other < 0) { /* it has no process yet, or the kernel is older than 4.12 */
        struct stat status;
        return errno == ENOENT && lstat(others, &status) == 0;
    }
    return other != length || memcmp(own, theirs, (size_t)length) != 0;
#else
    return 0;
#endif
}

/* In the child, first of all, by system calls only: it ends after so many seconds of CPU time,
 * whatever it does, and after so many of the clock's, whatever it waits for; and no core is left. */
static void
bound(unsigned cpu_seconds, unsigned wall_seconds)
{
    struct rlimit none = {0, 0}, cpu = {cpu_seconds, cpu_seconds + 2};
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_CPU, &cpu);
    signal(SIGXCPU, SIG_DFL);
#if defined(__linux__) && defined(SYS_timer_create)
    /* From the kernel's side: no handler, no mask and no library is in between. */
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec until = {{0, 0}, {(time_t)wall_seconds, 0}};
    int timer = 0;
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0) {
        syscall(SYS_timer_settime, timer, 0, &until, NULL);
        return;
    }
#endif
    sigset_t alarm_only;
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
    alarm(wall_seconds);
}

/* How far a process has come: CPU time used, and time that it was ready to run but did not get a
 * CPU, in ns, from its /proc/PID/schedstat (Documentation/scheduler/sched-stats.rst). One that waits
 * for a lock of somebody who is gone makes none, one on a starved machine does. 0: cannot be told. */
static inline unsigned long long
progress(const char *schedstat)
{
    unsigned long long words[2] = {0, 0};
    char text[64];
    int file = open(schedstat, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t length = read(file, text, sizeof text);
        for (ssize_t at = 0, word = 0; at < length && word < 2; at++) {
            if (text[at] >= '0' && text[at] <= '9') {
                words[word] = words[word] * 10 + (unsigned)(text[at] - '0');
            }
            else {
                word++;
            }
        }
        close(file);
    }
    return words[0] + words[1];
}

#endif
