"""Known leaks: logging, metrics, error reporting, tracing."""

from __future__ import annotations

from leakhunt.advice.rule import AGENT, Look, Rule, Sign

RULES = (
    Rule(
        "logger-per-id",
        "a logger per id",
        "logging keeps every logger by name until the process ends; a name with an id in it makes "
        "a new one each time.",
        "Use one logger, logging.getLogger(__name__), and pass the id in the message, in extra= or "
        "with a LoggerAdapter.",
        "https://docs.python.org/3/library/logging.html#logging.getLogger",
        (
            Sign(
                inside=(
                    Look("logging|celery.utils.log", r"getLogger|Logger\.getChild|get_task_logger"),
                ),
            ),
            Sign(
                line=r"(?:getLogger|get_logger|get_task_logger|getChild)\((?:\s*f[\"']|.*[+%]|.*\.format\()"
            ),
        ),
    ),
    Rule(
        "log-handler-per-task",
        "log handlers or filters added in each task",
        "addHandler() on a logger is for good: handlers pile up with their locks and files, and "
        "each record is written once more.",
        "Configure logging once (dictConfig at start), or removeHandler() and close() in finally.",
        "https://docs.python.org/3/library/logging.html#logging.Logger.addHandler",
        (
            Sign(
                inside=(
                    Look(
                        "logging|logging.handlers|logging.config|loguru._logger|loguru._handler",
                        r"Logger\.(?:addHandler|add)|\w*Handler\.__init__|Filterer\.addFilter"
                        r"|_?addHandlerRef|basicConfig|dictConfig|fileConfig|\w*Configurator\.\w+",
                    ),
                ),
            ),
            Sign(line=r"\.(?:addHandler|addFilter)\(|\blogger\.add\("),
        ),
    ),
    Rule(
        "log-records-kept",
        "log records that are kept",
        "A MemoryHandler, a queue without a listener or a handler that collects keeps every "
        "record, with its arguments and exception.",
        "Flush or bound it: MemoryHandler(capacity, target=...), a running QueueListener, "
        "queue.Queue(maxsize).",
        "https://docs.python.org/3/library/logging.handlers.html#memoryhandler",
        (
            Sign(
                innermost=Look(
                    "logging|logging.handlers|celery.utils.log",
                    r"LogRecord\.\w+|Logger\.(?:makeRecord|findCaller)"
                    r"|\w*Handler\.(?:emit|enqueue|prepare|format)|\w*Formatter\.\w+",
                ),
                never=(Look("logging", r"Logger\.(?:addHandler|getChild)|getLogger"),),
            ),
        ),
    ),
    Rule(
        "prometheus-labels",
        "a metric with too many label values",
        "labels() keeps one child per combination of values for ever; ids, urls or messages as "
        "labels never end.",
        "Drop the label or map it to a few values; remove() what is over.",
        "https://prometheus.io/docs/practices/naming/#labels",
        (
            Sign(
                inside=(
                    Look(
                        "prometheus_client.metrics",
                        r"MetricWrapperBase\.labels|\w+\._metric_init",
                    ),
                ),
                never=(Look("prometheus_client.registry"),),
            ),
            Sign(innermost=Look("prometheus_client.values|prometheus_client.mmap_dict")),
        ),
    ),
    Rule(
        "prometheus-metric-per-task",
        "metrics or registries made in each task",
        "A metric registers itself, and each registry keeps its collectors.",
        "Make metrics at module level; label them instead of naming them anew.",
        "https://prometheus.github.io/client_python/instrumenting/",
        (
            Sign(
                inside=(
                    Look(
                        "prometheus_client.metrics|prometheus_client.registry",
                        r"\w+\.__init__|CollectorRegistry\.\w+",
                    ),
                ),
                never=(Look("prometheus_client.metrics", r"MetricWrapperBase\.labels"),),
            ),
            Sign(line=r"\bCollectorRegistry\("),
        ),
    ),
    Rule(
        "statsd-buffer",
        "metrics that pile up in the client's buffer",
        "A pipeline, a buffering client or ThreadStats keeps each metric until it is flushed; "
        "after a fork the flushing thread is gone.",
        "Send or flush at the end of the task, start the client in worker_process_init, keep tag "
        "values few.",
        "https://statsd.readthedocs.io/en/stable/pipeline.html",
        (
            Sign(
                innermost=Look("statsd|statsd.*|datadog.dogstatsd.*|datadog.threadstats.*"),
            ),
            Sign(
                inside=(
                    Look(
                        "statsd.client.*|datadog.threadstats.*",
                        r"(?:Pipeline|ThreadStats|Metrics\w*|\w+Aggregator)\w*\.\w+",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "sentry-breadcrumbs",
        "Sentry breadcrumbs that are not cleared",
        "Breadcrumbs belong to a scope; on a scope that lives as long as the process they and what "
        "they refer to stay, up to max_breadcrumbs per scope.",
        "Keep CeleryIntegration on (a scope per task), lower max_breadcrumbs, put ids rather than "
        "objects in data=.",
        "https://github.com/getsentry/sentry-python/pull/4167",
        (
            Sign(
                inside=(
                    Look("sentry_sdk|sentry_sdk.*", r"(?:.*\.)?add_breadcrumb|.*breadcrumb.*"),
                ),
            ),
            Sign(line=r"\badd_breadcrumb\("),
        ),
        AGENT,
    ),
    Rule(
        "sentry-spans",
        "Sentry spans and transactions that never end",
        "A transaction keeps its spans until it finishes; one that is started without `with`, or "
        "is the parent of all tasks, never does.",
        "with sentry_sdk.start_transaction(...), upgrade sentry-sdk, lower traces_sample_rate or "
        "max_spans.",
        "https://github.com/getsentry/sentry-python/issues/1980",
        (
            Sign(
                inside=(
                    Look(
                        "sentry_sdk|sentry_sdk.*",
                        r"(?:.*\.)?start_(?:inactive_)?(?:span|transaction|child)|.*[sS]pan\w*\.\w+"
                        r"|(?:_)?SpanRecorder\.\w+|Transaction\.\w+",
                    ),
                ),
            ),
            Sign(innermost=Look("sentry_sdk.tracing|sentry_sdk.tracing_utils|sentry_sdk.traces")),
        ),
        AGENT,
    ),
    Rule(
        "sentry-scopes",
        "Sentry scopes that are never left",
        "A pushed or forked scope copies tags, contexts and breadcrumbs and stays until it is "
        "popped; init() in a task installs everything again.",
        "with sentry_sdk.new_scope() as scope; call sentry_sdk.init() once per process; upgrade "
        "sentry-sdk.",
        "https://github.com/getsentry/sentry-python/issues/2034",
        (
            Sign(
                inside=(
                    Look(
                        "sentry_sdk|sentry_sdk.*",
                        r"\w*Scope\.(?:fork|__copy__|__init__|clear)|(?:new|push|isolation)_scope|init"
                        r"|_?Client\.__init__|_Client\._init_impl",
                    ),
                )
            ),
            Sign(innermost=Look("sentry_sdk|sentry_sdk.*")),
        ),
        AGENT,
    ),
    Rule(
        "opentelemetry-attributes",
        "an OpenTelemetry metric with too many attribute values",
        "The SDK keeps one aggregation per combination of attributes; ids never end.",
        "Keep few attributes with a View(attribute_keys={...}); put ids on spans instead.",
        "https://github.com/open-telemetry/opentelemetry-python/issues/2737",
        (
            Sign(
                inside=(
                    Look(
                        "opentelemetry.sdk.metrics|opentelemetry.sdk.metrics.*|opentelemetry.metrics.*"
                    ),
                )
            ),
        ),
        AGENT,
    ),
    Rule(
        "opentelemetry-spans",
        "OpenTelemetry spans that pile up",
        "A span that is not ended, or a processor whose exporting thread died with the fork, keeps "
        "spans, events and links.",
        "with tracer.start_as_current_span(...); set the provider up in worker_process_init, not "
        "before the fork.",
        "https://opentelemetry-python.readthedocs.io/en/latest/examples/fork-process-model/README.html",
        (
            Sign(
                innermost=Look(
                    "opentelemetry.trace|opentelemetry.trace.*|opentelemetry.sdk.trace"
                    "|opentelemetry.sdk.trace.*|opentelemetry.exporter.*|opentelemetry.attributes",
                ),
                never=(Look("opentelemetry.sdk.metrics|opentelemetry.sdk.metrics.*"),),
            ),
        ),
        AGENT,
    ),
    Rule(
        "ddtrace-spans",
        "Datadog traces that pile up",
        "ddtrace keeps the spans of a trace until all of them finished; unfinished ones, and "
        "services it cannot reach, let them grow.",
        "Upgrade ddtrace, finish spans with `with tracer.trace(...)`, and try "
        "DD_TRACE_PARTIAL_FLUSH_ENABLED=true.",
        "https://github.com/DataDog/dd-trace-py/issues/1632",
        (Sign(innermost=Look("ddtrace|ddtrace.*")),),
        AGENT,
    ),
    Rule(
        "newrelic-transactions",
        "New Relic transactions that pile up",
        "The agent collects traces and metrics per transaction; a task that never ends its "
        "transaction, or thousands of names, let them grow.",
        "Upgrade newrelic, name transactions by task and not by id, leave long loops out "
        "(ignore_transaction).",
        "https://docs.newrelic.com/docs/apm/agents/python-agent/python-agent-api/ignoretransaction-python-agent-api/",
        (Sign(innermost=Look("newrelic|newrelic.*")),),
        AGENT,
    ),
    Rule(
        "elasticapm-spans",
        "Elastic APM transactions that pile up",
        "The agent buffers spans and transactions until its sender thread takes them; a "
        "transaction that is begun and not ended keeps its spans.",
        "End transactions in finally, lower transaction_max_spans, upgrade elastic-apm.",
        "https://www.elastic.co/docs/reference/apm/agents/python/configuration",
        (Sign(innermost=Look("elasticapm|elasticapm.*")),),
        AGENT,
    ),
    Rule(
        "warnings-registry",
        "warnings with changing texts",
        "Each distinct text is remembered in the module's __warningregistry__, so that it is shown "
        "once.",
        "Keep the text constant and log the id; or filter the warning with 'always' or 'ignore', "
        "which remember nothing.",
        "https://docs.python.org/3/library/warnings.html#the-warnings-filter",
        (
            Sign(
                line=r"(?:(?<![\w.])|\bwarnings\.)warn(?:_explicit)?\(\s*(?:f[\"']|.*[%]\s*|.*\.format\()",
                itself=True,
            ),
            Sign(
                inside=(Look("warnings|_py_warnings", r"warn|warn_explicit"),),
                never=(Look("warnings|_py_warnings", r"\w*filter\w*|catch_warnings\.\w+"),),
            ),
        ),
    ),
    Rule(
        "warnings-filters",
        "warning filters added in each task",
        "filterwarnings() puts a new entry into warnings.filters unless the same one is there; a "
        "text that changes is never the same.",
        "Set filters once at start, or inside with warnings.catch_warnings().",
        "https://docs.python.org/3/library/warnings.html#warnings.filterwarnings",
        (
            Sign(
                inside=(Look("warnings|_py_warnings", r"filterwarnings|simplefilter|_?add_filter"),)
            ),
        ),
    ),
)
