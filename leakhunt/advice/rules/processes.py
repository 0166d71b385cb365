"""Known leaks: threads, pools, child processes, event loops, greenlets."""

from __future__ import annotations

from leakhunt.advice.rule import FACTS, Grows, Look, Rule, Sign

_LOOP = r"new_event_loop|\w*EventLoop\.(?:__init__|_make_self_pipe)|\w*EventLoopPolicy\.\w+"

RULES = (
    Rule(
        "thread-pool-per-task",
        "an executor made in each task",
        "An executor's threads wait for work until shutdown(); each keeps its stack and what its "
        "last call left.",
        "with ThreadPoolExecutor(...) as pool, or one executor per process.",
        "https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.Executor.shutdown",
        (
            Sign(
                inside=(
                    Look(
                        "concurrent.futures.thread|concurrent.futures.process",
                        r"\w+PoolExecutor\.(?:__init__|_adjust_\w+|_start_\w+)",
                    ),
                ),
                never=(Look("asyncio.*"),),
            ),
            Sign(
                inside=(Look("concurrent.futures.thread", r"\w+\._adjust_thread_count"),),
                never=(Look("asyncio.*"),),
                grows=(Grows("threads", 0.2),),
            ),
            Sign(line=r"\b(?:Thread|Process)PoolExecutor\(", never_line=r"^with\b"),
        ),
    ),
    Rule(
        "futures-kept",
        "futures that are kept",
        "A Future holds its result or its exception with the traceback; an executor that is behind "
        "holds its queue of calls as well.",
        "Keep future.result(), not the future; iterate as_completed() and drop; bound the queue "
        "with a semaphore.",
        "https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.as_completed",
        (
            Sign(
                inside=(
                    Look("concurrent.futures.thread|concurrent.futures.process", r"\w+\.submit"),
                ),
                never=(
                    Look("concurrent.futures.*", r"\w+PoolExecutor\.(?:_adjust_\w+|_start_\w+)"),
                    Look("asyncio.*"),
                ),
            ),
        ),
    ),
    Rule(
        "threads-never-joined",
        "threads that never end or are kept",
        "A running thread keeps its stack and all its locals; a Thread object that is kept keeps "
        "its target and arguments.",
        "Let its loop end (an Event, a timeout), join() it in finally, or hand the work to one "
        "bounded executor.",
        "https://docs.python.org/3/library/threading.html#threading.Thread.join",
        (
            Sign(
                inside=(Look("threading", r"(?:Thread|Timer)\.(?:__init__|start)|_newname"),),
                never=(Look("concurrent.futures.*|multiprocessing.*|billiard.*"),),
            ),
            Sign(
                inside=(Look("threading", r"(?:Thread|Timer)\.(?:__init__|start)"),),
                never=(Look("concurrent.futures.*|multiprocessing.*|billiard.*"),),
                grows=(Grows("threads", 0.2),),
            ),
            Sign(line=r"\bthreading\.(?:Thread|Timer)\(|(?<![\w.])(?:Thread|Timer)\("),
        ),
    ),
    Rule(
        "multiprocessing-pool-per-task",
        "a process or thread pool made in each task",
        "A Pool runs three threads and its workers until close() and join(); dropping it does not "
        "end them for sure.",
        "with multiprocessing.Pool() as pool, and pool.join(); or one pool per process.",
        "https://docs.python.org/3/library/multiprocessing.html#multiprocessing.pool.Pool",
        (
            Sign(
                inside=(
                    Look(
                        "multiprocessing.pool|billiard.pool|multiprocessing.context|billiard.context",
                        r"(?:Thread)?Pool\.__init__|\w+\.(?:Thread)?Pool|\w+\._repopulate_pool\w*",
                    ),
                ),
                never=(Look("celery.concurrency.*|kubernetes.*"),),
            ),
            Sign(
                line=r"\b(?:multiprocessing|billiard|mp)\.(?:pool\.)?(?:Thread)?Pool\(|\bThreadPool\(",
                never_line=r"^with\b",
            ),
        ),
    ),
    Rule(
        "multiprocessing-resources",
        "multiprocessing objects made in each task",
        "Managers, queues, locks and shared memory own processes, semaphores and descriptors, and "
        "register finalizers that keep them.",
        "Make them once per process; manager.shutdown(), queue.close(), shm.close() and "
        "shm.unlink() in finally.",
        "https://docs.python.org/3/library/multiprocessing.shared_memory.html",
        (
            Sign(
                inside=(
                    Look(
                        "multiprocessing.managers|multiprocessing.synchronize|multiprocessing.queues"
                        "|multiprocessing.shared_memory|multiprocessing.heap|multiprocessing.sharedctypes"
                        "|multiprocessing.util|multiprocessing.process|multiprocessing.resource_tracker"
                        "|billiard.managers|billiard.synchronize|billiard.queues|billiard.heap|billiard.util",
                        r"\w+\.__init__|\w+\.start|register|_resource_register|\w+\.register",
                    ),
                ),
                never=(
                    Look("celery.concurrency.*|concurrent.futures.*"),
                    Look("multiprocessing.pool|billiard.pool"),
                ),
            ),
        ),
    ),
    Rule(
        "popen-kept",
        "child processes that are never waited for",
        "A Popen keeps its pipes and buffered output; one that was not waited for stays as a zombie "
        "and in subprocess._active.",
        "with subprocess.Popen(...) as process, or subprocess.run(..., timeout=...).",
        "https://docs.python.org/3/library/subprocess.html#subprocess.Popen",
        (
            Sign(
                inside=(Look("subprocess", r"Popen\.(?:__init__|_execute_child|_get_handles)"),),
                never=(Look("subprocess", r"run|check_output|call|check_call|getoutput"),),
            ),
            Sign(line=r"\bPopen\(", never_line=r"^with\b"),
        ),
    ),
    Rule(
        "event-loop-per-task",
        "an event loop made in each task and never closed",
        "A loop owns a selector, a socket pair and its callbacks until close().",
        "asyncio.run(main()), or loop.close() in finally.",
        "https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.close",
        (
            Sign(
                inside=(Look("asyncio|asyncio.*|uvloop|uvloop.*", _LOOP),),
                never=(Look("asyncio.runners"),),
            ),
            Sign(line=r"\bnew_event_loop\("),
        ),
    ),
    Rule(
        "asyncio-tasks-kept",
        "asyncio tasks that are kept",
        "A task that is kept holds its coroutine's frame, its context and its result; one that "
        "never ends keeps its locals.",
        "task.add_done_callback(tasks.discard), or asyncio.TaskGroup; cancel and gather what is "
        "left.",
        "https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task",
        (
            Sign(
                inside=(
                    Look(
                        "asyncio.tasks|asyncio.base_events|asyncio.taskgroups|anyio.*|uvloop.*",
                        r"(?:\w+\.)?create_task|(?:_)?ensure_future|(?:_wrap_awaitable)|gather|\w+\.start_soon",
                    ),
                ),
            ),
            Sign(line=r"\b(?:create_task|ensure_future|run_coroutine_threadsafe)\("),
        ),
    ),
    Rule(
        "asyncio-timers",
        "callbacks scheduled on an event loop",
        "call_later() keeps the callback and its arguments until it is due, and a cancelled one "
        "for some time after; on a loop that does not run, for ever.",
        "Cancel the handle when the work is done, shorten the delay, or use one timer per loop.",
        "https://docs.python.org/3/library/asyncio-eventloop.html#scheduling-delayed-callbacks",
        (
            Sign(
                inside=(
                    Look(
                        "asyncio.base_events|asyncio.events",
                        r"\w*Loop\.(?:call_later|call_at|call_soon|call_soon_threadsafe|_call_soon)",
                    ),
                ),
                never=(
                    Look(
                        "asyncio.*",
                        r"(?:\w+\.)?(?:create_task|gather|run_in_executor)|ensure_future",
                    ),
                    Look("asyncio.*", _LOOP),
                ),
            ),
        ),
    ),
    Rule(
        "queue-unbounded",
        "a queue that nobody empties",
        "A queue without maxsize takes everything; what is put in faster than it is taken out, or "
        "after its consumer died, stays.",
        "queue.Queue(maxsize=...), restart the consumer thread after the fork, or drop when full "
        "(put_nowait and except queue.Full).",
        "https://docs.python.org/3/library/queue.html#queue.Queue",
        (
            Sign(
                inside=(
                    Look(
                        "queue|asyncio.queues|multiprocessing.queues|billiard.queues|gevent.queue|eventlet.queue|janus",
                        r"\w*Queue\.(?:put|put_nowait|_put|sync_put)",
                    ),
                ),
                never=(Look("logging.*|concurrent.futures.*"),),
            ),
            Sign(
                line=r"(?i)\b\w*(?:q|queue|inbox|outbox|jobs|mailbox|channel)\.(?:put|put_nowait)\("
            ),
        ),
    ),
    Rule(
        "greenlets-kept",
        "greenlets that are kept",
        "A greenlet that waits keeps its stack and locals; a finished one that is kept, its value "
        "and exception.",
        "gevent.pool.Pool(size) and join(), timeouts on what they wait for, and no list of them.",
        "https://www.gevent.org/api/gevent.pool.html",
        (
            Sign(
                inside=(
                    Look(
                        "gevent.greenlet|gevent.pool|gevent._greenlet_primitives|eventlet.greenthread"
                        "|eventlet.greenpool|gevent|eventlet",
                        r"(?:\w+\.)?(?:spawn\w*|apply_async|start_later)|\w*Gree\w+\.__init__",
                    ),
                )
            ),
            Sign(line=r"\b(?:gevent|eventlet)\.spawn\w*\("),
        ),
    ),
    Rule(
        "scheduler-jobs",
        "jobs added to a scheduler in each task",
        "A scheduler keeps each job, with its arguments, until it is removed or over.",
        "Add jobs once with a fixed id and replace_existing=True, or send a Celery task with "
        "countdown.",
        "https://apscheduler.readthedocs.io/en/3.x/userguide.html#adding-jobs",
        (
            Sign(
                inside=(
                    Look(
                        "apscheduler.*|schedule|sched",
                        r"(?:\w+\.)?(?:add_job|_real_add_job|do|enter|enterabs|add_schedule)",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "threads-growing",
        "threads that never end",
        "The process has more threads with each task: each keeps a native stack (up to 8 MiB) "
        "and its locals.",
        "Join them, shut executors down (with ThreadPoolExecutor() as pool), close clients that run "
        "threads; `py-spy dump --pid` names them.",
        "https://docs.python.org/3/library/threading.html#threading.Thread.join",
        (Sign(grows=(Grows("threads", 0.2),)),),
        FACTS,
    ),
    Rule(
        "sockets-growing",
        "connections that are never closed",
        "The process has more sockets with each task; native TLS and driver buffers grow with them.",
        "Close connections in finally (contextlib.closing) or take them from a pool; `ss -tnp` "
        "shows to whom they go.",
        "https://docs.python.org/3/library/contextlib.html#contextlib.closing",
        (Sign(grows=(Grows("sockets", 0.05),), untraced=True),),
        FACTS,
    ),
    Rule(
        "descriptors-growing",
        "files that are never closed",
        "The process has more open descriptors with each task, and their buffers with them.",
        "with open(...) as file; `ls -l /proc/PID/fd` shows which; -X dev warns at the line.",
        "https://docs.python.org/3/library/devmode.html",
        (Sign(grows=(Grows("open_files", 0.05),), untraced=True),),
        FACTS,
    ),
)
