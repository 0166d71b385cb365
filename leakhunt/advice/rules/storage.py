"""Known leaks: databases, their drivers, ORMs and caches."""

from __future__ import annotations

from leakhunt.advice.rule import Look, Rule, Sign

_DRIVERS = (
    "psycopg2|psycopg.connection|psycopg.connection_async|pymysql|pymysql.connections|MySQLdb"
    "|MySQLdb.connections|mysql.connector|mysql.connector.*|pg8000|pg8000.*|asyncpg.connection"
    "|asyncpg.connect_utils|aiomysql.connection|aiosqlite.core|sqlite3|sqlite3.dbapi2|oracledb"
    "|oracledb.connection|cx_Oracle|pyodbc|snowflake.connector|snowflake.connector.connection"
)
_POOLED = Look("sqlalchemy.*|django.*|psycopg2.pool|psycopg_pool.*|peewee|tortoise.*")

RULES = (
    Rule(
        "db-connection-never-closed",
        "database connections that are never closed",
        "connect() makes a new connection each time; without close() it stays, with its buffers, "
        "its socket and a session on the server. `with connection` only ends the transaction.",
        "with contextlib.closing(connect(...)) as connection, or take it from a pool that is made "
        "once per process.",
        "https://docs.python.org/3/library/contextlib.html#contextlib.closing",
        (
            Sign(
                inside=(Look(_DRIVERS, r"(?:\w+\.)?(?:connect|Connect|__init__|Connection)"),),
                never=(_POOLED,),
            ),
            Sign(
                line=r"\b(?:psycopg2?|sqlite3|pymysql|MySQLdb|mysql\.connector|pg8000(?:\.\w+)?|asyncpg"
                r"|aiomysql|aiosqlite|oracledb|cx_Oracle|pyodbc|snowflake\.connector)\.connect\("
                r"|(?<![\w.])connect\(",
                never_line=r"\bclosing\(",
            ),
        ),
    ),
    Rule(
        "db-cursor-never-closed",
        "database cursors that are never closed",
        "A cursor keeps the rows it fetched, and some drivers keep a statement on the server.",
        "with connection.cursor() as cursor, or contextlib.closing(connection.cursor()).",
        "https://peps.python.org/pep-0249/#cursor-objects",
        (
            Sign(
                line=r"\.cursor\([^()]*\)\s*(?:#.*)?$",
                never_line=r"^(?:async )?with\b",
                itself=True,
            ),
            Sign(
                inside=(
                    Look(
                        _DRIVERS + "|psycopg.cursor|pymysql.cursors|MySQLdb.cursors",
                        r"\w*Cursor\w*\.__init__|\w+\.cursor",
                    ),
                ),
                never=(_POOLED,),
            ),
        ),
    ),
    Rule(
        "django-debug-queries",
        "Django's query log, which DEBUG keeps",
        "With DEBUG=True Django appends every SQL statement to connection.queries; a request would "
        "reset it, a Celery task never does.",
        "Set DEBUG=False in the worker; where it must be on, call django.db.reset_queries() after "
        "each task.",
        "https://docs.djangoproject.com/en/stable/faq/models/#why-is-django-leaking-memory",
        (
            # A CursorDebugWrapper exists only where DEBUG (or force_debug_cursor) is on.
            Sign(inside=(Look("django.db.backends.utils", r"CursorDebugWrapper\.\w+"),)),
            Sign(line=r"\.queries_log\b"),
        ),
    ),
    Rule(
        "django-connections",
        "Django connections that stay open per thread",
        "Django keeps one connection per thread and alias; threads that tasks start themselves "
        "never give theirs back.",
        "Call django.db.close_old_connections() before and after, and connections.close_all() at "
        "the end of each thread.",
        "https://docs.djangoproject.com/en/stable/ref/databases/#connection-management",
        (
            Sign(
                inside=(
                    Look(
                        "django.db.backends.base.base|django.db.utils|django.utils.connection"
                        "|django.db.backends.*.base",
                        r"\w+\.(?:connect|get_new_connection|create_connection)",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "django-queryset-kept",
        "rows of a Django QuerySet that are kept",
        "A QuerySet that was iterated keeps all its model instances in its result cache for as "
        "long as anybody holds it.",
        "Use .iterator() or .values_list(), keep primary keys instead of instances, and let the "
        "QuerySet go with the task.",
        "https://docs.djangoproject.com/en/stable/topics/db/queries/#caching-and-querysets",
        (
            Sign(
                inside=(
                    Look(
                        "django.db.models.query",
                        r"QuerySet\._fetch_all|\w+Iterable\.__iter__",
                    ),
                ),
                never=(Look("django.db.backends.utils", "CursorDebugWrapper.*"),),
            ),
        ),
    ),
    Rule(
        "sqlalchemy-engine-per-task",
        "an SQLAlchemy engine made in each task",
        "An Engine owns a connection pool and caches of dialect and compiled statements; it is "
        "meant to be made once per process.",
        "Make it at module level (after the fork: engine.dispose(close=False) in "
        "worker_process_init), or dispose() it in finally.",
        "https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage",
        (
            Sign(
                inside=(
                    Look(
                        "sqlalchemy.engine.create|sqlalchemy.create|sqlalchemy.engine"
                        "|sqlalchemy.ext.asyncio.engine|sqlmodel.*",
                        "create_(?:async_)?engine(?:_from_config)?|engine_from_config",
                    ),
                )
            ),
            Sign(line=r"\bcreate_(?:async_)?engine\("),
        ),
    ),
    Rule(
        "sqlalchemy-compiled-cache",
        "SQLAlchemy statements compiled anew each time",
        "Statements that differ in structure each time (names from f-strings, a new table or type "
        "per call) fill the compiled cache of every engine, and are never hit.",
        "Use bound parameters instead of text in names, keep Table objects at module level, lower "
        "query_cache_size.",
        "https://docs.sqlalchemy.org/en/20/core/connections.html#sql-compilation-caching",
        (
            Sign(
                inside=(
                    Look(
                        "sqlalchemy.sql.*",
                        r"\w+\.(?:_compile_w_cache|_generate_cache_key|_gen_cache_key)",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "sqlalchemy-tables",
        "tables or models defined in tasks",
        "Each Table registers in its MetaData, each model in its registry; both are kept and every "
        "lookup goes through them.",
        "Define them at module level; for one-off tables use a MetaData of their own and drop it.",
        "https://docs.sqlalchemy.org/en/20/core/metadata.html",
        (
            Sign(
                inside=(
                    Look(
                        "sqlalchemy.sql.schema",
                        r"Table\.(?:_new|__new__|_init|_autoload|__init__)|MetaData\.(?:_add_table|reflect)",
                    ),
                )
            ),
            Sign(
                inside=(
                    Look(
                        "sqlalchemy.orm.decl_base|sqlalchemy.orm.decl_api|sqlalchemy.ext.declarative.*"
                        "|sqlalchemy.ext.automap",
                        r".*(?:__init__|_as_declarative|setup_mapping|declarative_base|prepare).*",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "sqlalchemy-listeners",
        "SQLAlchemy event listeners added in tasks",
        "event.listen() keeps the function, and what it closes over, for as long as its target "
        "lives; an engine lives as long as the process.",
        "Listen once at import, or event.remove() in finally.",
        "https://docs.sqlalchemy.org/en/20/core/event.html",
        (
            Sign(inside=(Look("sqlalchemy.event.api", r"listen|listens_for.*"),)),
            Sign(line=r"\bevent\.listens?(?:_for)?\("),
        ),
    ),
    Rule(
        "sqlalchemy-session",
        "SQLAlchemy sessions that are never closed",
        "A Session holds the objects it added or changed and a connection of the pool; a "
        "scoped_session holds one Session per thread until remove().",
        "with Session() as session, or scoped.remove() in finally or task_postrun; "
        "expunge_all() between batches.",
        "https://docs.sqlalchemy.org/en/20/orm/session_basics.html#closing",
        (
            Sign(
                inside=(
                    Look(
                        "sqlalchemy.orm.session|sqlalchemy.orm.scoping|sqlalchemy.orm.identity"
                        "|sqlalchemy.orm.loading|sqlalchemy.ext.asyncio.session|sqlalchemy.util.*",
                        r"\w*Session\.(?:__init__|_save\w*|_register\w*|_update_impl|_before_attach)"
                        r"|sessionmaker\.__call__|scoped_session\.\w+|\w*IdentityMap\.\w+"
                        r"|WeakInstanceDict\.\w+|_instance_processor\..*|_instance\w*"
                        r"|(?:ThreadLocal|Scoped)Registry\.\w+",
                    ),
                )
            ),
            Sign(line=r"(?i)(?<!\w)(?:\w+\.)*\w*session\.(?:add|add_all|merge)\(", stores=True),
        ),
    ),
    Rule(
        "sqlalchemy-objects-kept",
        "ORM objects that are kept",
        "A mapped object keeps its state, what it loaded and, while it is attached, its session; a "
        "session keeps the objects it has yet to flush.",
        "Commit and close the session in the task (with Session() as session); keep ids or plain "
        "tuples, not objects.",
        "https://docs.sqlalchemy.org/en/20/orm/session_state_management.html",
        (
            Sign(
                inside=(
                    Look(
                        "sqlalchemy.orm.instrumentation|sqlalchemy.orm.state",
                        r"ClassManager\._new_state_if_none|InstanceState\.__init__|InstanceState\._initialize_instance",
                    ),
                ),
                never=(Look("sqlalchemy.orm.loading"),),
            ),
        ),
    ),
    Rule(
        "redis-client-per-task",
        "a redis client made in each task",
        "Each Redis() makes a ConnectionPool of its own; what keeps the client keeps the pool, "
        "its sockets and read buffers.",
        "Make one client (or ConnectionPool) per process and share it; else close() it in finally.",
        "https://redis.readthedocs.io/en/stable/connections.html",
        (
            Sign(
                inside=(
                    Look(
                        "redis.client|redis.asyncio.client|redis.connection|redis.asyncio.connection"
                        "|redis.utils|redis.cluster|redis.sentinel",
                        r"(?:\w*Redis\w*|\w*ConnectionPool|Sentinel)\.(?:__init__|from_url|from_pool)"
                        r"|from_url",
                    ),
                ),
                never=(Look("kombu.*|celery.*|django_redis.*|redis_lock.*"),),
            ),
            Sign(
                line=r"\b(?:redis|aioredis)\.(?:asyncio\.)?(?:Strict)?(?:Redis|from_url|ConnectionPool)"
                r"(?:\.from_url)?\("
            ),
        ),
    ),
    Rule(
        "redis-pubsub-never-closed",
        "redis subscriptions that are never closed",
        "A PubSub takes a connection out of the pool and keeps its channels and callbacks until "
        "close().",
        "with client.pubsub() as pubsub, or pubsub.close() in finally.",
        "https://redis.readthedocs.io/en/stable/advanced_features.html#publish-subscribe",
        (
            Sign(
                inside=(
                    Look(
                        "redis.client|redis.asyncio.client",
                        r"PubSub\.\w+|\w*Redis\.pubsub",
                    ),
                ),
                never=(Look("kombu.*|celery.*"),),
            ),
            Sign(line=r"\.pubsub\(", never_line=r"^(?:async )?with\b"),
        ),
    ),
    Rule(
        "mongo-client-per-task",
        "a MongoClient made in each task",
        "Each MongoClient runs monitor threads and a pool for its topology until close().",
        "Make one per process, after the fork (worker_process_init); else client.close() in "
        "finally.",
        "https://mongodb.com/docs/languages/python/pymongo-driver/connect/mongoclient",
        (
            Sign(
                inside=(
                    Look(
                        "pymongo.mongo_client|pymongo.synchronous.mongo_client"
                        "|pymongo.asynchronous.mongo_client|motor.*",
                        r"\w*MongoClient\.(?:__init__|_connect|_init_background|_get_topology)",
                    ),
                )
            ),
            Sign(line=r"\b(?:Async)?MongoClient\(|\bAsyncIOMotorClient\("),
        ),
    ),
    Rule(
        "search-client-per-task",
        "an Elasticsearch or OpenSearch client made in each task",
        "Each client has a transport with node pools and an HTTP pool; they stay open until "
        "close().",
        "Make one client per process and share it; else client.close() in finally.",
        "https://elasticsearch-py.readthedocs.io/en/latest/",
        (
            Sign(
                inside=(
                    Look(
                        "elasticsearch.*|elasticsearch_dsl.*|opensearchpy.*|elastic_transport.*",
                        r"\w*(?:Elasticsearch|OpenSearch|Transport)\.__init__|create_connection",
                    ),
                )
            ),
            Sign(line=r"\b(?:Async)?(?:Elasticsearch|OpenSearch)\("),
        ),
    ),
    Rule(
        "django-locmem-cache",
        "Django's local-memory cache with a high limit",
        "LocMemCache is a dict per process; it culls only above MAX_ENTRIES and drops expired "
        "entries only when they are asked for.",
        "Lower OPTIONS['MAX_ENTRIES'], or use a shared cache (redis, memcached) in workers.",
        "https://docs.djangoproject.com/en/stable/topics/cache/#local-memory-caching",
        (
            Sign(
                inside=(
                    Look(
                        "django.core.cache.backends.locmem",
                        r"LocMemCache\.(?:_set|set|add|get_or_set)",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "cachetools-unbounded",
        "a cachetools cache that never evicts",
        "cached({}) has no bound, a maxsize that is never reached has none either, and a TTLCache "
        "drops expired entries only when it is written to.",
        "Give cached() an LRUCache or TTLCache with a maxsize that fits, and getsizeof where values "
        "are large.",
        "https://cachetools.readthedocs.io/en/stable/",
        (Sign(inside=(Look("cachetools|cachetools.*"),)),),
    ),
)
