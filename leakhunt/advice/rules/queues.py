"""Known leaks: Celery, kombu, billiard, py-amqp."""

from __future__ import annotations

from leakhunt.advice.rule import Look, Rule, Sign, Versions

_CELERY = "https://docs.celeryq.dev/en/stable"

RULES = (
    Rule(
        "celery-unhandled-exceptions",
        "the exception leak of Celery before 5.6",
        "Before 5.6 Celery kept the traceback of an exception that a task did not handle, and with "
        "it the locals of every frame; Python 3.11 and later made it worse.",
        "Upgrade to celery>=5.6; until then catch exceptions inside the task and recycle children "
        "(worker_max_tasks_per_child).",
        "https://github.com/celery/celery/pull/9799",
        (
            Sign(
                inside=(Look("billiard.einfo"),),
                versions=(Versions("celery", before="5.6"),),
            ),
            Sign(
                innermost=Look("celery.app.trace", "trace_task|handle_.*|on_error"),
                versions=(Versions("celery", before="5.6"),),
            ),
            Sign(line=r"^raise\b(?!.*\.retry\()", versions=(Versions("celery", before="5.6"),)),
        ),
    ),
    Rule(
        "celery-exception-info",
        "exception reports that are kept",
        "An ExceptionInfo holds a copy of the traceback; results, callbacks or a time limit that "
        "keep it keep one per failed task.",
        "Catch expected exceptions in the task, set ignore_result or forget() results, and upgrade "
        "Celery (time limits kept tracebacks after 5.6 too).",
        "https://github.com/celery/celery/issues/10489",
        (Sign(inside=(Look("billiard.einfo"),)),),
    ),
    Rule(
        "celery-retry-exc",
        "retries that carry their exception",
        "retry(exc=...) holds the exception, its traceback and so the arguments and locals of the "
        "task while the retry is pending.",
        "Pass ids instead of payloads, and retry without exc where the original exception does not "
        "matter.",
        "https://github.com/celery/celery/issues/4371",
        (
            Sign(line=r"\.retry\(.*\bexc\s*="),
            Sign(inside=(Look("celery.app.task", "Task.retry"),)),
        ),
    ),
    Rule(
        "eta-tasks",
        "ETA and countdown tasks waiting in the main process",
        "The worker takes a task with an ETA from the broker at once and holds it in memory until "
        "it is due, outside the prefetch limit; children forked meanwhile inherit it.",
        "Set worker_eta_task_limit, or keep far-off work in a table and let beat send it when it "
        "is due.",
        "https://github.com/celery/celery/pull/9853",
        (
            Sign(
                inside=(Look("kombu.asynchronous.timer|kombu.async.timer"),),
                roles=("main", "worker"),
            ),
            Sign(
                inside=(Look("celery.worker.strategy|celery.worker.request|celery.worker.state"),),
                roles=("main", "worker"),
                never=(
                    Look("celery.concurrency.*|billiard.*"),
                    Look("celery.events.*"),
                ),
            ),
        ),
    ),
    Rule(
        "pool-backlog",
        "tasks handed to the pool faster than it works",
        "The main process keeps a record of each task that it gave to the pool until the result "
        "is back.",
        "Lower worker_prefetch_multiplier, set task_acks_late, and look for children that hang "
        "(time limits).",
        f"{_CELERY}/userguide/optimizing.html#prefetch-limits",
        (
            Sign(
                inside=(
                    Look("billiard.pool", "ApplyResult.__init__|Pool.apply_async|apply_async"),
                ),
                roles=("main",),
            ),
        ),
    ),
    Rule(
        "event-buffer",
        "events buffered while the broker is away",
        "The event dispatcher keeps what it cannot send and buffers it in groups; a broken or slow "
        "connection lets the buffer grow.",
        "Turn events off where nobody reads them (worker_send_task_events=False, no -E), and try "
        "--without-heartbeat.",
        "https://github.com/celery/celery/issues/5047",
        (Sign(inside=(Look("celery.events.dispatcher", "EventDispatcher.(?!__init__).*"),)),),
    ),
    Rule(
        "event-state",
        "an event State that remembers tasks",
        "events.State keeps up to 10,000 tasks and every worker it has heard of, with their "
        "arguments.",
        "Bound it: app.events.State(max_tasks_in_memory=1000), or handle events without a State.",
        f"{_CELERY}/userguide/monitoring.html#real-time-processing",
        (Sign(inside=(Look("celery.events.state"),)),),
    ),
    Rule(
        "revoked-tasks",
        "a long list of revoked tasks",
        "The worker remembers revoked ids (50,000 of them, for three hours) and shares them with "
        "other workers.",
        "Revoke less: expires= on the task; or set CELERY_WORKER_REVOKES_MAX and "
        "CELERY_WORKER_REVOKE_EXPIRES.",
        f"{_CELERY}/userguide/workers.html#revoke-revoking-tasks",
        (
            Sign(
                inside=(Look("celery.worker.control|celery.worker.state", ".*revoke.*"),),
            ),
            Sign(
                inside=(Look("celery.utils.collections", "LimitedSet.*"),),
                roles=("main", "worker"),
            ),
        ),
    ),
    Rule(
        "asyncresults-kept",
        "AsyncResults that are never forgotten",
        "Each AsyncResult that is kept, or waits for its result, holds the backend's subscription, "
        "its children and what it returned.",
        "Set ignore_result=True where nobody reads the result; else keep the id only, and call "
        "result.get() or result.forget().",
        f"{_CELERY}/userguide/tasks.html#ignore-results-you-don-t-want",
        (
            Sign(inside=(Look("celery.result", r".*\.__init__|result_from_tuple"),)),
            Sign(innermost=Look("celery.result")),
            Sign(
                line=r"(?:\.(?:append|add|extend|put)\(|\]\s*=\s*).*\.(?:delay|apply_async|send_task)\(",
                stores=True,
            ),
        ),
    ),
    Rule(
        "pending-results",
        "results that the backend still waits for",
        "The result consumer keeps an entry in _pending_results or _pending_messages for every "
        "task whose result was never fetched.",
        "Set ignore_result=True on tasks whose result nobody reads; call result.get() or "
        "result.forget() on the others.",
        "https://github.com/celery/celery/issues/6963",
        (
            Sign(
                inside=(
                    Look(
                        "celery.backends.asynchronous|celery.backends.rpc|celery.backends.redis",
                        ".*(?:pending|_maybe_resolve|on_state_change|on_out_of_band).*",
                    ),
                ),
            ),
            Sign(
                innermost=Look("celery.backends.asynchronous|celery.backends.rpc"),
            ),
        ),
    ),
    Rule(
        "result-consumer-redis",
        "redis result subscriptions that are never dropped",
        "Each task sent with a result subscribes the process to that result's channel and is "
        "unsubscribed only when it is fetched.",
        "Set ignore_result=True, or fetch or forget() every result; upgrade Celery.",
        "https://github.com/celery/celery/issues/3813",
        (
            Sign(
                inside=(
                    Look(
                        "celery.backends.redis",
                        "ResultConsumer.(?:_?consume_from|start|on_after_fork)|on_task_call",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "result-cache",
        "the result backend's own cache",
        "With result_cache_max at 0 or None every result that is read stays in the backend object.",
        "Leave result_cache_max at -1, or give it a small number.",
        f"{_CELERY}/userguide/configuration.html#result-cache-max",
        (
            Sign(
                inside=(
                    Look(
                        "celery.backends.base",
                        r"(?:Base)?Backend\.(?:get_task_meta|reload_task_result)",
                    ),
                ),
            ),
        ),
    ),
    Rule(
        "kombu-simplequeue-per-message",
        "a SimpleQueue made for each message",
        "Each SimpleQueue opens a channel with its consumer and keeps both until close().",
        "Make one per process, or close each: with connection.SimpleQueue(name) as queue.",
        "https://github.com/celery/kombu/issues/626",
        (
            Sign(inside=(Look("kombu.simple", r"Simple\w+\.__init__"),)),
            Sign(
                inside=(Look("kombu.connection", r"Connection\.Simple(?:Queue|Buffer)"),),
            ),
            Sign(line=r"\.Simple(?:Queue|Buffer)\(", never_line=r"^with\b|enter_context"),
        ),
    ),
    Rule(
        "kombu-connection-per-task",
        "a broker connection made in each task",
        "A kombu Connection keeps its transport, channels and 65,535 free channel ids until it is "
        "released, and kombu.pools keeps a pool per distinct connection.",
        "Take it from the pool: with app.producer_pool.acquire() as producer, or "
        "with app.connection_for_write() as connection.",
        "https://github.com/celery/kombu/issues/844",
        (
            Sign(
                inside=(
                    Look(
                        "kombu.connection",
                        r"Connection\.(?:__init__|clone|connect|_establish_connection|create_transport"
                        r"|ChannelPool|Pool)",
                    ),
                ),
                roles=("child", "worker", "program", "fork"),
                never=(Look("celery.backends.*|celery.worker.*"),),
            ),
            Sign(inside=(Look("kombu.pools", r".*\.(?:create|__missing__|new)"),)),
            Sign(
                line=r"(?:\bkombu\.Connection|(?<!\w)BrokerConnection)\(",
                never_line=r"^(?:async )?with\b",
            ),
        ),
    ),
    Rule(
        "kombu-on-tick",
        "kombu's redis transports that stay in the event loop",
        "Before 5.2.3 a disconnected redis transport left its callback in the hub's on_tick: one "
        "transport is kept per reconnect.",
        "Upgrade to kombu>=5.2.3.",
        "https://github.com/celery/kombu/pull/1476",
        (
            Sign(
                inside=(Look("kombu.transport.redis|kombu.transport.virtual.base"),),
                versions=(Versions("kombu", before="5.2.3"),),
                roles=("main", "worker"),
            ),
        ),
    ),
    Rule(
        "amqp-collect",
        "py-amqp transports kept after a broken connection",
        "Before 5.0.7 closing a connection that the broker had closed raised, and the transport "
        "with its socket stayed: one per reconnect.",
        "Upgrade to amqp>=5.0.7.",
        "https://github.com/celery/py-amqp/pull/374",
        (
            Sign(
                inside=(Look("amqp.transport|amqp.connection"),),
                versions=(Versions("amqp", before="5.0.7"),),
            ),
        ),
    ),
    Rule(
        "celery-app-per-task",
        "a Celery app made in each task",
        "An app registers itself, its tasks, its signal receivers and its pools; none of that is "
        "given back.",
        "Make one app at import and use current_app or shared_task in tasks.",
        f"{_CELERY}/userguide/application.html",
        (
            Sign(inside=(Look("celery.app.base", "Celery.__init__"),)),
            Sign(line=r"(?<![\w.])(?:celery\.)?Celery\("),
        ),
    ),
    Rule(
        "task-defined-in-task",
        "a task defined while tasks run",
        "The decorator registers the task with the app for the life of the process, with the "
        "closure it captures.",
        "Define tasks at module level and pass arguments instead of closing over them.",
        f"{_CELERY}/userguide/tasks.html#how-it-works",
        (
            Sign(
                inside=(
                    Look(
                        "celery.app.base", r"Celery\.(?:task|_task_from_fun|register_task)(?:\..*)?"
                    ),
                )
            ),
            Sign(inside=(Look("celery.app.registry", "TaskRegistry.register"),)),
            Sign(inside=(Look("celery.app", r"shared_task(?:\..*)?"),)),
        ),
    ),
    Rule(
        "exceptions-kept",
        "exceptions that are kept",
        "An exception holds its traceback, and the traceback every frame with all its locals.",
        "Keep text instead (traceback.format_exc()), or clear it: error.with_traceback(None), "
        "traceback.clear_frames(tb).",
        "https://docs.python.org/3/library/traceback.html#traceback.clear_frames",
        (
            Sign(
                line=r"\.(?:append|appendleft|add|put|put_nowait|extend)\(\s*\(?(?:[\w.]+,\s*)*"
                r"(?:exc?|err|error|exception|exc_info|sys\.exc_info\(\))\s*[,)]",
                stores=True,
            ),
            Sign(
                line=r"(?:\]|\.\w+)\s*=\s*(?:exc?|err|error|exception|sys\.exc_info\(\))\s*(?:#.*)?$",
                stores=True,
            ),
            # A bare e may be anything: where it goes must speak of errors.
            Sign(
                line=r"(?i)(?:err|exc|fail|problem)\w*(?:\[.+\])?(?:\.(?:append|add|put)\(\s*"
                r"\(?(?:[\w.]+,\s*)*e\s*[,)]|\s*=\s*e\s*(?:#.*)?$)",
                stores=True,
            ),
            Sign(line=r"\.__traceback__|\bsys\.exc_info\(\)|\.tb_frame\b"),
            Sign(line=r"^raise\b(?!.*\.retry\()"),
        ),
    ),
    Rule(
        "signal-receivers",
        "signal receivers connected in each task",
        "A receiver connected with weak=False is never dropped, nor is what its closure holds; "
        "a dispatch_uid that changes adds one more each time.",
        "Connect once at import, or disconnect in finally; give a constant dispatch_uid.",
        "https://docs.djangoproject.com/en/stable/topics/signals/#listening-to-signals",
        (
            Sign(
                inside=(
                    Look(
                        "django.dispatch.dispatcher|celery.utils.dispatch.signal|blinker|blinker.base"
                        "|blinker._*|pydispatch.*",
                        r"(?:Named)?(?:Model)?Signal\.(?:connect|_connect.*|connect_via.*)|connect",
                    ),
                )
            ),
            Sign(line=r"\.connect\(.*\bweak\s*=\s*False"),
        ),
    ),
)
