/* What whoever forks for a capture asks of the engine, which knows nothing of captures.
 *
 * A capture's child is made without the fork handlers that libraries have registered with
 * pthread_atfork(), the engine's own among them. So the engine hands these functions out, in a
 * capsule of this name.
 */
#ifndef LEAKHUNT_AT_FORK_H
#define LEAKHUNT_AT_FORK_H

#define AT_FORK "leakhunt.at_fork"

typedef struct {
    void (*hold)(void);            /* before the fork: nobody is changing the tables. Never waits
                                    * for somebody who waits for the GIL. */
    void (*let_go)(void);          /* afterwards, in the process */
    void (*let_go_in_child)(void); /* and in the child */
    void (*freed)(void *);         /* in the child: a block of the process's is freed */
} AtFork;

#endif
