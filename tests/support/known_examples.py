"""How each known leak looks: the stacks and source lines that its rule must recognise.

One example a line: pattern | the application's line | frames below it | what else is
known. Frames are ``path:function``, outermost first; ``~`` marks the standard library;
without an application's line the stack is in none.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from leakhunt.advice.evidence import Evidence
from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import Frame, Spot
from tests.support.builders import FACTS

APP, SITE, STDLIB = (
    "/srv/shop",
    "/srv/venv/lib/python3.11/site-packages",
    "/usr/lib/python3.11",
)
CHAIN = (
    f"{SITE}/celery/app/trace.py:trace_task",
    f"{SITE}/celery/app/trace.py:__protected_call__",
    f"{SITE}/sentry_sdk/integrations/celery/__init__.py:_wrap_task_call.inner",
)


@dataclass(frozen=True)
class Example:
    pattern: str
    code: str
    below: tuple[str, ...]
    known: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.pattern}: {self.code or '-'} > {' > '.join(self.below)}"


def evidence(
    code: str, *below: str, head: str = "", shared: str = "", function: str = "export", **more: Any
) -> Evidence:
    """One stack: Celery, the application's line, then library frames (``path:function``)."""
    frames: list[Frame] = []
    spots: dict[Frame, Spot] = {}
    heads: dict[Frame, str] = {}
    for at, place in enumerate(CHAIN if code else ()):
        file, _, name = place.rpartition(":")
        frames.append(Frame(file, 100 + at))
        spots[frames[-1]] = Spot(name, None)
    site = None
    if code:
        site = Frame(f"{APP}/shop/tasks.py", 40)
        frames.append(site)
        spots[site] = Spot(function, code)
        if head:
            heads[site] = head
    for at, place in enumerate(below):
        file, _, name = place.partition(":")
        root = STDLIB if file.startswith("~") else SITE
        frames.append(Frame(f"{root}/{file.lstrip('~')}", 200 + at))
        spots[frames[-1]] = Spot(name, None)
    plain = Evidence(
        stacks=(tuple(frames),),
        site=site,
        spots=MappingProxyType(spots),
        heads=MappingProxyType(heads),
        shared={site: shared.split()} if site else {},
        prefixes=prefixes(FACTS),
        blocks_per_unit=1.0,
        bytes_per_unit=500.0,
        role="child",
        pool="prefork",
        task="shop.export",
        versions={"celery": "5.7.0", "kombu": "5.7.0", "amqp": "5.4.2"},
        facts_first={"tasks_done": 100, "threads": 3},
        facts_last={"tasks_done": 1100, "threads": 3},
    )
    return replace(plain, **more)


def seen(example: Example) -> Evidence:
    """An example as evidence; its last column's words are ``key=value``."""
    more: dict[str, Any] = {}
    versions = {"celery": "5.7.0", "kombu": "5.7.0", "amqp": "5.4.2"}
    first: dict[str, Any] = {"tasks_done": 100, "threads": 3}
    first.update({"sockets": 8} if "sockets" in example.known else {})
    last = {**first, "tasks_done": 1100}
    for key, value in example.known.items():
        if key in versions:
            versions[key] = value
        elif key in first:
            last[key] = int(value)
        elif key == "gc":
            first["gc"] = {"enabled": False, "counts": [100, 0, 0]}
            last["gc"] = {"enabled": False, "counts": [int(value), 0, 0]}
        elif key == "block":
            more["bytes_per_unit"] = float(value)
        else:
            more[key] = value.replace("\\n", "\n")
    return evidence(
        example.code,
        *example.below,
        versions=versions,
        facts_first=first,
        facts_last=last,
        **more,
    )


def parse(text: str) -> tuple[Example, ...]:
    """The table below."""
    examples = []
    for row in text.strip().splitlines():
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        pattern, code, below, known = (
            part.strip() for part in [*re.split(r" \|(?= |$)", row), "", "", ""][:4]
        )
        frames = tuple(filter(None, (frame.strip() for frame in below.split(" > "))))
        words = dict(word.split("=", 1) for word in shlex.split(known))
        examples.append(Example(pattern, code, frames, words))
    return tuple(examples)


EXAMPLES = parse(
    r"""
# The application's own containers and caches
lru-cache-on-method | return self.client.load(key) | | 'head=@lru_cache(maxsize=None)\ndef load(self, key):' function=Catalog.load
lru-cache-on-method | price = tax(self, key) | | 'head=@functools.cache\ndef price(self, key):' function=Catalog.price
lru-cache-unbounded | return json.loads(text) | ~json/__init__.py:loads > ~json/decoder.py:JSONDecoder.raw_decode | 'head=@functools.cache\ndef parsed(text):'
lru-cache-unbounded | return text.upper() | | 'head=@lru_cache(maxsize=None)\ndef upper(text):'
lru-cache-unbounded | cached = lru_cache(maxsize=None)(quote)
mutable-default-argument | seen.append(order) | | 'head=def export(order, seen=[]):'
mutable-default-argument | index[order] = total(order) | | 'head=def export(order, *, index: dict = {}, limit=3):'
threading-local | _local.rows.append(row)
threading-local | thread_local.session = open_session(order)
threading-local | local.cache[key] = value
task-instance-state | self.seen.append(order) | | function=export
task-instance-state | self.cache[order] = total | | function=ExportTask.run
class-attribute | Registry.instances.append(self) | | function=Registry.__init__
class-attribute | cls._cache[key] = value | | function=Catalog.get
callbacks-never-removed | listeners.append(lambda: notify(order))
callbacks-never-removed | bus.add_listener(on_order)
global-container | rows.append(row) | | shared=rows
unbounded-dict-cache | prices[sku] = price | | shared=prices
keyed-container | groups[customer].append(order) | | shared=groups
deque-without-maxlen | recent.appendleft(order)
keyed-container | BY_CUSTOMER[customer].append(order)
keyed-container | _totals.setdefault(customer, []).append(total)
keyed-container | COUNTS[order_id] += 1
unbounded-dict-cache | CACHE[order_id] = render(order)
unbounded-dict-cache | _template_cache[key] = template
unbounded-dict-cache | CACHE[key] = json.loads(text) | ~json/__init__.py:loads > ~json/decoder.py:JSONDecoder.raw_decode
unbounded-dict-cache | price_cache[(sku, day)] = price
global-container | HISTORY.append(payload)
global-container | leaky_list.append("data" * n)
global-container | state.SEEN.add(order_id)
instance-container | self.items.append(item) | | function=Basket.add
# Celery and its friends
celery-unhandled-exceptions | | celery/app/trace.py:build_tracer.trace_task > billiard/einfo.py:ExceptionInfo.__init__ > billiard/einfo.py:_Frame.__init__ | celery=5.5.3
celery-unhandled-exceptions | raise ValueError(order) | | celery=5.3.6
celery-unhandled-exceptions | | celery/app/trace.py:trace_task_ret > celery/app/trace.py:TraceInfo.handle_failure | celery=5.6.0rc1
celery-exception-info | | celery/worker/request.py:Request.on_timeout > billiard/einfo.py:ExceptionInfo.__init__
celery-retry-exc | raise self.retry(exc=error, countdown=60)
celery-retry-exc | again(self) | celery/app/task.py:Task.retry > celery/app/task.py:Task.signature_from_request
eta-tasks | | celery/worker/consumer/consumer.py:Consumer.create_task_handler.on_task_received > celery/worker/strategy.py:default.task_message_handler > kombu/asynchronous/timer.py:Timer.call_at > kombu/asynchronous/timer.py:Entry.__init__ | role=main
eta-tasks | | celery/worker/strategy.py:default.task_message_handler > celery/worker/request.py:Request.__init__ | role=main
pool-backlog | | celery/worker/request.py:Request.execute_using_pool > celery/concurrency/base.py:BasePool.apply_async > billiard/pool.py:Pool.apply_async > billiard/pool.py:ApplyResult.__init__ | role=main
event-buffer | | celery/events/dispatcher.py:EventDispatcher.send > celery/events/dispatcher.py:EventDispatcher._prepare_event | role=main
event-state | | celery/events/receiver.py:EventReceiver._receive > celery/events/state.py:State.event > celery/events/state.py:State._event | role=program
revoked-tasks | | celery/worker/control.py:revoke > celery/worker/control.py:_revoke > celery/utils/collections.py:LimitedSet.add | role=main
revoked-tasks | | celery/utils/collections.py:LimitedSet.update | role=main
asyncresults-kept | result = add.delay(1) | celery/app/task.py:Task.delay > celery/app/task.py:Task.apply_async > celery/app/base.py:Celery.send_task > celery/result.py:AsyncResult.__init__
asyncresults-kept | RESULTS.append(add.delay(order))
pending-results | result.get() | celery/result.py:AsyncResult.get > celery/backends/asynchronous.py:AsyncBackendMixin.wait_for_pending > celery/backends/asynchronous.py:AsyncBackendMixin._add_pending_result
pending-results | | celery/backends/asynchronous.py:BaseResultConsumer.on_state_change
result-consumer-redis | add.delay(1) | celery/app/base.py:Celery.send_task > celery/backends/redis.py:RedisBackend.on_task_call > celery/backends/redis.py:ResultConsumer.consume_from
result-cache | state = result.state | celery/result.py:AsyncResult.state > celery/result.py:AsyncResult._get_task_meta > celery/backends/base.py:Backend.get_task_meta
kombu-simplequeue-per-message | queue = connection.SimpleQueue(name) | kombu/connection.py:Connection.SimpleQueue > kombu/simple.py:SimpleQueue.__init__ > kombu/entity.py:Queue.__init__
kombu-simplequeue-per-message | publish(message) | kombu/connection.py:Connection.SimpleQueue > kombu/simple.py:SimpleQueue.__init__
kombu-connection-per-task | connection = Connection(url) | kombu/connection.py:Connection.__init__
kombu-connection-per-task | channel = connection.channel() | kombu/connection.py:Connection.connect > kombu/transport/pyamqp.py:Transport.establish_connection > amqp/connection.py:Connection.__init__
kombu-on-tick | | celery/worker/consumer/consumer.py:Consumer.register_with_event_loop > kombu/transport/redis.py:Transport.register_with_event_loop | role=main kombu=5.2.2
amqp-collect | | kombu/connection.py:Connection._establish_connection > kombu/transport/pyamqp.py:Transport.establish_connection > amqp/connection.py:Connection.connect > amqp/transport.py:TCPTransport.connect | amqp=5.0.6 role=main
celery-app-per-task | app = make() | celery/app/base.py:Celery.__init__
celery-app-per-task | app = Celery("shop", broker=url)
task-defined-in-task | @app.task | celery/app/base.py:Celery.task.<locals>.inner_create_task_cls > celery/app/base.py:Celery._task_from_fun
task-defined-in-task | @shared_task | celery/app/__init__.py:shared_task.create_shared_task
exceptions-kept | ERRORS.append(error)
exceptions-kept | self.last = exc
exceptions-kept | ERRORS.append(e)
exceptions-kept | self.last_error = e
global-container | KEPT.append(e)
exceptions-kept | raise OrderError(order)
exceptions-kept | FAILED.append((order.id, exc))
signal-receivers | post_save.connect(on_save, weak=False) | django/dispatch/dispatcher.py:Signal.connect
signal-receivers | task_success.connect(log_it) | celery/utils/dispatch/signal.py:Signal.connect > celery/utils/dispatch/signal.py:Signal._connect_signal
signal-receivers | watch(order) | blinker/base.py:Signal.connect
# Storage
db-connection-never-closed | connection = psycopg2.connect(DSN) | psycopg2/__init__.py:connect
db-connection-never-closed | db = sqlite3.connect(path)
db-connection-never-closed | db = pymysql.connect(**options) | pymysql/connections.py:Connection.__init__ > pymysql/connections.py:Connection.connect
db-connection-never-closed | conn = connect(dsn) | psycopg/connection.py:Connection.connect
db-cursor-never-closed | cursor = connection.cursor()
django-debug-queries | Order.objects.count() | django/db/models/query.py:QuerySet.count > django/db/backends/utils.py:CursorDebugWrapper.execute > django/db/backends/utils.py:CursorDebugWrapper.debug_sql
django-debug-queries | for order in Order.objects.all(): | django/db/models/query.py:QuerySet.__iter__ > django/db/models/query.py:QuerySet._fetch_all > django/db/backends/utils.py:CursorDebugWrapper.execute > django/db/backends/utils.py:CursorDebugWrapper.debug_sql
django-connections | Order.objects.count() | django/db/models/query.py:QuerySet.count > django/db/backends/base/base.py:BaseDatabaseWrapper.ensure_connection > django/db/backends/base/base.py:BaseDatabaseWrapper.connect > psycopg2/__init__.py:connect
django-queryset-kept | ORDERS.extend(Order.objects.all()) | django/db/models/query.py:QuerySet.__iter__ > django/db/models/query.py:QuerySet._fetch_all > django/db/models/query.py:ModelIterable.__iter__ > django/db/models/base.py:Model.from_db
sqlalchemy-engine-per-task | engine = create_engine(URL) | sqlalchemy/engine/create.py:create_engine > sqlalchemy/pool/impl.py:QueuePool.__init__
sqlalchemy-engine-per-task | engine = database() | sqlalchemy/engine/create.py:create_engine > psycopg2/__init__.py:connect
sqlalchemy-compiled-cache | connection.execute(query) | sqlalchemy/engine/base.py:Connection.execute > sqlalchemy/sql/elements.py:ClauseElement._compile_w_cache > sqlalchemy/sql/compiler.py:SQLCompiler.__init__
sqlalchemy-tables | table = Table(name, metadata) | sqlalchemy/sql/schema.py:Table.__new__ > sqlalchemy/sql/schema.py:Table._new
sqlalchemy-listeners | event.listen(engine, "connect", on_connect) | sqlalchemy/event/api.py:listen
sqlalchemy-session | order = session.get(Order, key) | sqlalchemy/orm/session.py:Session.get > sqlalchemy/orm/loading.py:load_on_ident > sqlalchemy/orm/loading.py:_instance_processor._instance
sqlalchemy-session | SESSION.add(Order(name=name)) | sqlalchemy/orm/state.py:InstanceState.__init__
sqlalchemy-session | session = Session() | sqlalchemy/orm/session.py:sessionmaker.__call__ > sqlalchemy/orm/session.py:Session.__init__
sqlalchemy-objects-kept | ORDERS.append(Order(name=name)) | sqlalchemy/orm/instrumentation.py:ClassManager._new_state_if_none > sqlalchemy/orm/state.py:InstanceState.__init__
redis-client-per-task | client = redis.Redis(host=host) | redis/client.py:Redis.__init__ > redis/connection.py:ConnectionPool.__init__
redis-client-per-task | store = make_store() | redis/client.py:Redis.from_url > redis/connection.py:ConnectionPool.from_url
redis-pubsub-never-closed | sub = client.pubsub() | redis/client.py:Redis.pubsub > redis/client.py:PubSub.__init__
mongo-client-per-task | client = MongoClient(uri) | pymongo/synchronous/mongo_client.py:MongoClient.__init__ > ~threading.py:Thread.__init__
search-client-per-task | es = Elasticsearch(HOSTS) | elasticsearch/_sync/client/__init__.py:Elasticsearch.__init__
django-locmem-cache | cache.set(key, value) | django/core/cache/backends/locmem.py:LocMemCache.set > django/core/cache/backends/locmem.py:LocMemCache._set
cachetools-unbounded | total = quote(order) | cachetools/__init__.py:cached.decorator.wrapper > cachetools/__init__.py:Cache.__setitem__
# Web
jinja2-template-per-task | page = Environment().from_string(source).render() | jinja2/environment.py:Environment.from_string > jinja2/environment.py:Environment.compile
jinja2-template-per-task | page = render(source) | jinja2/environment.py:Template.__new__ > jinja2/environment.py:Environment.from_string > jinja2/environment.py:Environment.compile > ~re/__init__.py:_compile
django-template-per-task | page = Template(source) | django/template/base.py:Template.__init__ > django/template/base.py:Template.compile_nodelist
mako-template-per-task | page = Template(source) | mako/template.py:Template.__init__ > mako/template.py:_compile_text
flask-app-per-task | app = create_app() | flask/app.py:Flask.__init__
flask-context-pushed | app.app_context().push() | flask/ctx.py:AppContext.push
pydantic-model-per-task | Model = create_model(name, **fields) | pydantic/main.py:create_model > pydantic/_internal/_model_construction.py:ModelMetaclass.__new__
class-per-task | Row = namedtuple("Row", columns) | ~collections/__init__.py:namedtuple
class-per-task | kind = type("Dynamic", (Base,), {})
class-per-task | class Handler(Base):
class-per-task | @dataclass | ~dataclasses.py:dataclass.wrap > ~dataclasses.py:_process_class
dateparser-settings | when = dateparser.parse(text, settings=now) | dateparser/__init__.py:parse > dateparser/conf.py:Settings.__new__
dateparser-settings | when = dateparser.parse(text, settings=now) | dateparser/languages/dictionary.py:Dictionary._construct_split_regex > ~re/__init__.py:compile > ~re/__init__.py:_compile
protobuf-descriptors | message = make(proto) | google/protobuf/message_factory.py:GetMessageClass > google/protobuf/descriptor_pool.py:DescriptorPool.FindMessageTypeByName
# Observing
logger-per-id | log = logging.getLogger(f"shop.order.{order}") | ~logging/__init__.py:getLogger > ~logging/__init__.py:Manager.getLogger
logger-per-id | log = logging.getLogger("shop." + order) | ~logging/__init__.py:getLogger > ~logging/__init__.py:Manager.getLogger > ~logging/__init__.py:Logger.__init__
logger-per-id | | ~logging/__init__.py:Manager.getLogger
logger-per-id | log = log_for(order) | celery/utils/log.py:get_task_logger > celery/utils/log.py:get_logger > ~logging/__init__.py:Manager.getLogger
log-handler-per-task | log.addHandler(logging.StreamHandler(stream)) | ~logging/__init__.py:StreamHandler.__init__ > ~logging/__init__.py:Handler.__init__ > ~logging/__init__.py:Handler.createLock
log-handler-per-task | handler = logging.FileHandler(path) | ~logging/__init__.py:FileHandler.__init__ > ~logging/__init__.py:FileHandler._open
log-handler-per-task | setup_logging(order) | loguru/_logger.py:Logger.add
log-records-kept | log.info("order %s", order) | ~logging/__init__.py:Logger.info > ~logging/__init__.py:Logger._log > ~logging/__init__.py:Logger.makeRecord > ~logging/__init__.py:LogRecord.__init__
prometheus-labels | ORDERS.labels(order_id).inc() | prometheus_client/metrics.py:MetricWrapperBase.labels > prometheus_client/metrics.py:Counter.__init__ > prometheus_client/metrics.py:MetricWrapperBase.__init__
prometheus-metric-per-task | counter = Counter(name, "orders") | prometheus_client/metrics.py:Counter.__init__ > prometheus_client/metrics.py:MetricWrapperBase.__init__ > prometheus_client/registry.py:CollectorRegistry.register
statsd-buffer | pipe.incr("orders") | statsd/client/base.py:StatsClientBase.incr > statsd/client/base.py:PipelineBase._after
statsd-buffer | stats.gauge("orders", n) | datadog/threadstats/base.py:ThreadStats.gauge > datadog/threadstats/metrics.py:MetricsAggregator.add_point
sentry-breadcrumbs | sentry_sdk.add_breadcrumb(data=order) | sentry_sdk/api.py:add_breadcrumb > sentry_sdk/scope.py:Scope.add_breadcrumb
sentry-breadcrumbs | log.info("order %s", order) | ~logging/__init__.py:Logger.info > sentry_sdk/integrations/logging.py:BreadcrumbHandler.emit > sentry_sdk/scope.py:Scope.add_breadcrumb
sentry-spans | span = sentry_sdk.start_span(op="export") | sentry_sdk/api.py:start_span > sentry_sdk/tracing.py:Span.start_child > sentry_sdk/tracing.py:Span.__init__
sentry-spans | response = session.get(url) | requests/sessions.py:Session.get > ~http/client.py:HTTPConnection.putrequest > sentry_sdk/integrations/stdlib.py:putrequest > sentry_sdk/api.py:start_span > ~uuid.py:uuid4
sentry-scopes | scope = sentry_sdk.Scope() | sentry_sdk/scope.py:Scope.__init__ > sentry_sdk/scope.py:Scope.clear
sentry-scopes | SCOPES.append(scope.fork()) | sentry_sdk/scope.py:Scope.fork > ~copy.py:copy
opentelemetry-attributes | counter.add(1, {"order": order}) | opentelemetry/sdk/metrics/_internal/instrument.py:Counter.add > opentelemetry/sdk/metrics/_internal/_view_instrument_match.py:_ViewInstrumentMatch.consume_measurement
opentelemetry-spans | span = tracer.start_span("export") | opentelemetry/sdk/trace/__init__.py:Tracer.start_span > opentelemetry/sdk/trace/__init__.py:Span.__init__
ddtrace-spans | response = requests.get(url) | requests/api.py:get > requests/sessions.py:Session.__init__ > ddtrace/contrib/requests/connection.py:_wrap_send > ddtrace/_trace/tracer.py:Tracer.start_span
newrelic-transactions | rows = query(order) | psycopg2/extensions.py:execute > newrelic/hooks/database_psycopg2.py:CursorWrapper.execute > newrelic/api/database_trace.py:DatabaseTrace.__init__
elasticapm-spans | rows = query(order) | elasticapm/instrumentation/packages/dbapi2.py:CursorProxy.execute > elasticapm/traces.py:Transaction.begin_span
warnings-registry | warnings.warn(f"order {order} is late")
warnings-registry | warn("order %s is late" % order)
warnings-filters | warnings.filterwarnings("ignore", order) | ~warnings.py:filterwarnings > ~warnings.py:_add_filter
# Clients
boto3-client-per-task | s3 = boto3.client("s3") | boto3/__init__.py:client > boto3/session.py:Session.client > botocore/session.py:Session.create_client > botocore/loaders.py:JSONFileLoader._load_file > ~json/__init__.py:loads
boto3-client-per-task | bucket = bucket_for(order) | boto3/session.py:Session.resource > boto3/resources/factory.py:ResourceFactory.load_from_definition
google-client-per-task | sheets = build("sheets", "v4") | googleapiclient/discovery.py:build > googleapiclient/discovery.py:build_from_document > googleapiclient/discovery.py:Resource.__init__
google-client-per-task | storage_client = storage.Client() | google/cloud/storage/client.py:Client.__init__ > requests/sessions.py:Session.__init__
kubernetes-client-per-task | api = client.CoreV1Api() | kubernetes/client/api/core_v1_api.py:CoreV1Api.__init__ > kubernetes/client/api_client.py:ApiClient.__init__ > kubernetes/client/rest.py:RESTClientObject.__init__ > urllib3/poolmanager.py:PoolManager.__init__
docker-client-per-task | hub = docker.from_env() | docker/client.py:DockerClient.from_env > docker/api/client.py:APIClient.__init__ > requests/sessions.py:Session.__init__
grpc-channel-per-task | channel = grpc.insecure_channel(target) | grpc/__init__.py:insecure_channel > grpc/_channel.py:Channel.__init__
kafka-client-per-task | producer = KafkaProducer(bootstrap_servers=HOSTS) | kafka/producer/kafka.py:KafkaProducer.__init__ > ~threading.py:Thread.__init__
ssh-client-never-closed | client.connect(host) | paramiko/client.py:SSHClient.connect > paramiko/transport.py:Transport.__init__ > ~threading.py:Thread.__init__
aiohttp-session-per-task | session = aiohttp.ClientSession() | aiohttp/client.py:ClientSession.__init__ > aiohttp/connector.py:TCPConnector.__init__
httpx-client-per-task | client = httpx.Client() | httpx/_client.py:Client.__init__ > httpx/_config.py:create_ssl_context > ~ssl.py:create_default_context
httpx-client-per-task | client = api() | httpx/_client.py:Client.__init__ > httpx/_config.py:create_ssl_context > ~ssl.py:create_default_context > ~ssl.py:SSLContext.__new__
llm-client-per-task | client = OpenAI() | openai/_client.py:OpenAI.__init__ > openai/_base_client.py:SyncAPIClient.__init__ > httpx/_client.py:Client.__init__
requests-session-per-task | session = requests.Session() | requests/sessions.py:Session.__init__ > requests/adapters.py:HTTPAdapter.__init__ > urllib3/poolmanager.py:PoolManager.__init__
urllib3-pool-per-task | http = urllib3.PoolManager() | urllib3/poolmanager.py:PoolManager.__init__
requests-responses-kept | RESPONSES.append(requests.get(url)) | requests/api.py:get > requests/sessions.py:Session.send > requests/adapters.py:HTTPAdapter.send > requests/adapters.py:HTTPAdapter.build_response > requests/models.py:Response.__init__
mail-connection-never-closed | server = smtplib.SMTP(host) | ~smtplib.py:SMTP.__init__ > ~smtplib.py:SMTP.connect > ~socket.py:create_connection > ~socket.py:socket.__init__
soap-client-per-task | client = zeep.Client(wsdl) | zeep/client.py:Client.__init__ > zeep/wsdl/wsdl.py:Document.__init__
browser-never-closed | driver = webdriver.Chrome() | selenium/webdriver/chrome/webdriver.py:WebDriver.__init__ > ~subprocess.py:Popen.__init__
geoip-reader-per-task | reader = geoip2.database.Reader(path) | geoip2/database.py:Reader.__init__ > maxminddb/reader.py:Reader.__init__
ssl-context-per-call | context = ssl.create_default_context() | ~ssl.py:create_default_context > ~ssl.py:SSLContext.__new__
sockets-never-closed | sock = socket.create_connection((host, port)) | ~socket.py:create_connection > ~socket.py:socket.__init__
sockets-never-closed | feed = FeedClient(host) | | sockets=1010
# Data and documents
dataframes-kept | FRAMES.append(pd.read_csv(path)) | pandas/io/parsers/readers.py:read_csv > pandas/core/frame.py:DataFrame.__init__
dataframes-kept | frame = pd.DataFrame(rows)
numpy-arrays-kept | grid = np.zeros((n, n)) | | block=80000
numpy-arrays-kept | PARTS.append(fold(grid)) | numpy/lib/function_base.py:percentile | block=80000
model-per-task | model = AutoModel.from_pretrained(name) | transformers/modeling_utils.py:PreTrainedModel.from_pretrained
model-per-task | nlp = spacy.load("en_core_web_sm") | spacy/__init__.py:load > spacy/util.py:load_model
spacy-vocab | doc = nlp(text) | spacy/language.py:Language.__call__ > spacy/language.py:Language.make_doc
chat-history | messages.append({"role": "user", "content": text})
chat-history | chain.run(text) | langchain/memory/chat_memory.py:BaseChatMemory.save_context > langchain_core/chat_history.py:InMemoryChatMessageHistory.add_message
matplotlib-figures | figure, axes = plt.subplots() | matplotlib/pyplot.py:subplots > matplotlib/pyplot.py:figure > matplotlib/figure.py:Figure.__init__ > numpy/core/numeric.py:ones | block=80000
images-never-closed | thumb = Image.open(path) | PIL/Image.py:open
workbooks-kept | book = load_workbook(path) | openpyxl/reader/excel.py:load_workbook > openpyxl/worksheet/_reader.py:WorkSheetParser.parse > ~xml/etree/ElementTree.py:iterparse.iterator
pdf-pages-kept | text = page.extract_text() | pdfplumber/page.py:Page.extract_text > pdfminer/layout.py:LTChar.__init__
soup-strings-kept | soup = BeautifulSoup(html, "html.parser") | bs4/__init__.py:BeautifulSoup.__init__ > ~html/parser.py:HTMLParser.feed > bs4/builder/_htmlparser.py:BeautifulSoupHTMLParser.handle_starttag
lxml-trees-kept | root = etree.fromstring(text)
xml-iterparse | for event, element in iterparse(path): | ~xml/etree/ElementTree.py:iterparse.iterator
dom-never-unlinked | document = minidom.parseString(text) | ~xml/dom/minidom.py:parseString > ~xml/dom/expatbuilder.py:ExpatBuilder.start_element_handler
faker-unique | name = fake.unique.name() | faker/proxy.py:UniqueProxy._wrap.wrapper
# Threads, processes, loops
thread-pool-per-task | pool = ThreadPoolExecutor(4) | ~concurrent/futures/thread.py:ThreadPoolExecutor.__init__
thread-pool-per-task | pool.submit(work) | ~concurrent/futures/thread.py:ThreadPoolExecutor.submit > ~concurrent/futures/thread.py:ThreadPoolExecutor._adjust_thread_count > ~threading.py:Thread.start
futures-kept | FUTURES.append(pool.submit(work)) | ~concurrent/futures/thread.py:ThreadPoolExecutor.submit > ~concurrent/futures/_base.py:Future.__init__
threads-never-joined | threading.Thread(target=work).start() | ~threading.py:Thread.__init__ | threads=1003
threads-never-joined | start_watch(order) | ~threading.py:Thread.start | threads=1003
multiprocessing-pool-per-task | pool = multiprocessing.Pool(2) | ~multiprocessing/context.py:BaseContext.Pool > ~multiprocessing/pool.py:Pool.__init__ > ~multiprocessing/pool.py:Pool._repopulate_pool_static > ~multiprocessing/process.py:BaseProcess.start
multiprocessing-resources | lock = multiprocessing.Lock() | ~multiprocessing/context.py:BaseContext.Lock > ~multiprocessing/synchronize.py:SemLock.__init__ > ~multiprocessing/util.py:register_after_fork
popen-kept | process = subprocess.Popen(command) | ~subprocess.py:Popen.__init__ > ~subprocess.py:Popen._execute_child
event-loop-per-task | loop = asyncio.new_event_loop() | ~asyncio/events.py:new_event_loop > ~asyncio/unix_events.py:_UnixSelectorEventLoop.__init__ > ~asyncio/selector_events.py:BaseSelectorEventLoop._make_self_pipe > ~socket.py:socketpair
asyncio-tasks-kept | TASKS.add(asyncio.create_task(work(order))) | ~asyncio/tasks.py:create_task > ~asyncio/base_events.py:BaseEventLoop.create_task
asyncio-timers | loop.call_later(3600, expire, order) | ~asyncio/base_events.py:BaseEventLoop.call_later > ~asyncio/events.py:TimerHandle.__init__
queue-unbounded | QUEUE.put(order) | ~queue.py:Queue.put > ~queue.py:Queue._put
greenlets-kept | GREENLETS.append(gevent.spawn(work, order))
scheduler-jobs | scheduler.add_job(expire, "date", args=[order]) | apscheduler/schedulers/base.py:BaseScheduler.add_job > apscheduler/job.py:Job.__init__
threads-growing | text = json.loads(raw) | ~json/__init__.py:loads > ~json/decoder.py:JSONDecoder.raw_decode | threads=1003
# The standard library
tempfile-never-closed | file = tempfile.NamedTemporaryFile() | ~tempfile.py:NamedTemporaryFile > ~tempfile.py:_TemporaryFileWrapper.__init__
tempfile-never-closed | folder = scratch() | ~tempfile.py:TemporaryDirectory.__init__ > ~weakref.py:finalize.__init__
file-never-closed | report = open(path, "w")
file-never-closed | file = open(os.path.join(folder, name))
file-never-closed | log = Path(folder, name).open() | ~pathlib.py:Path.open
weakref-finalize | weakref.finalize(order, order.release) | ~weakref.py:finalize.__init__
atexit-per-task | atexit.register(cleanup, order)
sys-state-grows | sys.path.insert(0, folder)
contextvars-kept | current = ContextVar(f"order-{order}")
contextvars-kept | request_ctx.set(order)
regex-per-id | pattern = re.compile(rf"\b{order}\b") | ~re/__init__.py:compile > ~re/__init__.py:_compile > ~re/_compiler.py:compile
code-per-task | exec(source, namespace)
code-per-task | module = importlib.import_module(name)
linecache-lines | log.exception("failed") | ~logging/__init__.py:Formatter.formatException > ~traceback.py:print_exception > ~traceback.py:TracebackException.__init__ > ~linecache.py:updatecache
traceback-objects-kept | REPORTS.append(TracebackException.from_exception(problem)) | ~traceback.py:TracebackException.from_exception > ~traceback.py:TracebackException.__init__ > ~traceback.py:StackSummary._extract_from_extended_frame_gen
frames-kept | caller = inspect.stack()[1] | ~inspect.py:stack > ~inspect.py:getouterframes
mock-call-history | client.send(order) | ~unittest/mock.py:CallableMixin.__call__ > ~unittest/mock.py:CallableMixin._increment_mock_call
pickler-memo | pickler.dump(order)
buffer-never-emptied | buffer.write(line)
buffer-never-emptied | writer.writerow(row)
itertools-tee | first, rest = tee(rows)
interned-strings | key = sys.intern(f"order-{order}")
ctypes-types | data = (ctypes.c_char * size)()
ctypes-types | pointer = cast(data, make_type(size)) | ~ctypes/__init__.py:POINTER
singledispatch-cache | total = price(order) | ~functools.py:singledispatch.wrapper > ~functools.py:singledispatch.dispatch
translations-per-task | catalogue = gettext.translation("shop", folder) | ~gettext.py:translation > ~gettext.py:GNUTranslations._parse
tracemalloc-snapshots | before = tracemalloc.take_snapshot()
profiler-never-disabled | profile = cProfile.Profile() | ~cProfile.py:Profile.__init__
gc-disabled | node.parent = tree | | gc=90000
"""
)
