"""Known leaks: clients of network services, made again and again or never closed."""

from __future__ import annotations

from leakhunt.advice.rule import Grows, Look, Rule, Sign

RULES = (
    Rule(
        "boto3-client-per-task",
        "a boto3 client or session made in each task",
        "Each client loads its service model (MBs of dicts), builds classes from it and registers "
        "handlers; sessions add loaders of their own.",
        "Make one client per process (module level or worker_process_init) and share it; clients "
        "are thread-safe.",
        "https://github.com/boto/boto3/issues/1670",
        (
            Sign(
                inside=(
                    Look(
                        "boto3|boto3.*|aioboto3.*|aiobotocore.*|botocore.session|botocore.client",
                        r"(?:\w+\.)?(?:client|resource|_get_default_session|create_client)"
                        r"|\w*Session\.__init__|get_session|ClientCreator\.\w+|\w+Factory\.\w+",
                    ),
                )
            ),
            Sign(innermost=Look("botocore.loaders|botocore.model|botocore.hooks|botocore.client")),
            Sign(line=r"\bboto3\.(?:client|resource|Session|session\.Session)\("),
        ),
    ),
    Rule(
        "google-client-per-task",
        "a Google API client made in each task",
        "build() fetches and parses the discovery document and makes methods that refer back to "
        "their service; cloud clients each own channels or sessions.",
        "Make it once per process; else close() it, and pass static_discovery or a cache.",
        "https://github.com/googleapis/google-api-python-client/issues/535",
        (
            Sign(
                inside=(
                    Look(
                        "googleapiclient.discovery|googleapiclient.schema",
                        r"build(?:_from_document)?|Resource\.__init__|Schemas\.__init__|createMethod",
                    ),
                )
            ),
            Sign(
                inside=(
                    Look("google.cloud.*", r"\w*Client\.(?:__init__|from_service_account_\w+)"),
                )
            ),
        ),
    ),
    Rule(
        "kubernetes-client-per-task",
        "a Kubernetes ApiClient made in each task",
        "An ApiClient starts a thread pool on first async use and registers it with atexit, which "
        "keeps it for good; Watch() makes one too.",
        "with client.ApiClient() as api, or one per process.",
        "https://github.com/kubernetes-client/python/pull/1073",
        (
            Sign(
                inside=(
                    Look(
                        "kubernetes.client.api_client|kubernetes.client.rest|kubernetes.watch.watch"
                        "|kubernetes.client.configuration|kubernetes.config.*",
                        r"\w+\.__init__|ApiClient\.pool|load_\w+|new_client_\w+",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "docker-client-per-task",
        "a Docker client made in each task",
        "Each client is a requests session with its own connection pools; they stay until close().",
        "Make one docker.from_env() per process, or client.close() in finally.",
        "https://docker-py.readthedocs.io/en/stable/client.html",
        (
            Sign(
                inside=(
                    Look("docker.client|docker.api.client", r"from_env|\w+\.(?:__init__|from_env)"),
                )
            ),
        ),
    ),
    Rule(
        "grpc-channel-per-task",
        "a gRPC channel made in each task",
        "A channel owns threads, sockets and native memory until close().",
        "Make one channel per process after the fork, or with grpc.insecure_channel(...) as channel.",
        "https://grpc.io/docs/guides/performance/",
        (
            Sign(
                inside=(
                    Look(
                        "grpc|grpc._channel|grpc.aio._channel",
                        r"(?:in)?secure_channel|Channel\.__init__|intercept_channel",
                    ),
                )
            ),
            Sign(
                line=r"\bgrpc\.(?:aio\.)?(?:in)?secure_channel\(", never_line=r"^(?:async )?with\b"
            ),
        ),
    ),
    Rule(
        "kafka-client-per-task",
        "a Kafka client made in each task",
        "A producer or consumer runs a thread and buffers records until close().",
        "Make one producer per process, flush() after the task, close() on worker_process_shutdown.",
        "https://kafka-python.readthedocs.io/en/master/apidoc/KafkaProducer.html",
        (
            Sign(
                inside=(
                    Look(
                        "kafka.producer.*|kafka.consumer.*|kafka.client_async|kafka.admin.*|aiokafka.*",
                        r"\w*(?:Kafka|AIOKafka)\w*\.__init__",
                    ),
                )
            ),
            Sign(
                line=r"\b(?:KafkaProducer|KafkaConsumer|confluent_kafka\.(?:Producer|Consumer)"
                r"|AIOKafka\w+)\("
            ),
        ),
    ),
    Rule(
        "ssh-client-never-closed",
        "SSH connections that are never closed",
        "A paramiko Transport is a thread with its buffers; it holds the client until close().",
        "with paramiko.SSHClient() as client, and close SFTP clients too.",
        "https://docs.paramiko.org/en/stable/api/client.html",
        (
            Sign(
                inside=(
                    Look(
                        "paramiko.client|paramiko.transport|paramiko.sftp_client|fabric.*|asyncssh.connection"
                    ),
                )
            ),
        ),
    ),
    Rule(
        "aiohttp-session-per-task",
        "an aiohttp session made in each task",
        "A ClientSession owns a connector with its pool and DNS cache; unclosed ones stay with "
        "their loop.",
        "async with aiohttp.ClientSession() as session, one for the whole run of the loop.",
        "https://docs.aiohttp.org/en/stable/client_quickstart.html#make-a-request",
        (
            Sign(
                inside=(
                    Look(
                        "aiohttp.client|aiohttp.connector",
                        r"(?:ClientSession|\w*Connector)\.__init__",
                    ),
                )
            ),
            Sign(line=r"\bClientSession\(", never_line=r"^async with\b"),
        ),
    ),
    Rule(
        "httpx-client-per-task",
        "an httpx client made in each task",
        "Each Client has a pool and an SSL context of its own (the CA bundle, parsed natively) until "
        "close().",
        "Make one httpx.Client per process, or with httpx.Client() as client.",
        "https://www.python-httpx.org/advanced/clients/",
        (
            Sign(
                inside=(
                    Look(
                        "httpx|httpx._client|httpx._transports.default",
                        r"\w*(?:Client|Transport)\.__init__",
                    ),
                ),
                never=(Look("openai.*|anthropic.*|elasticsearch.*"),),
            ),
            Sign(line=r"\bhttpx\.(?:Async)?Client\(", never_line=r"^(?:async )?with\b"),
        ),
    ),
    Rule(
        "llm-client-per-task",
        "an LLM client made in each task",
        "Each client has an HTTP pool and an SSL context of its own until close().",
        "Make one client per process, or use it as a context manager.",
        "https://github.com/openai/openai-python#managing-http-resources",
        (
            Sign(
                inside=(
                    Look(
                        "openai|openai._client|openai._base_client|anthropic|anthropic._client"
                        "|anthropic._base_client|mistralai.*|cohere.*|groq._client",
                        r"\w+\.__init__",
                    ),
                )
            ),
            Sign(
                line=r"\b(?:Async)?(?:Azure)?(?:OpenAI|Anthropic)\(",
                never_line=r"^(?:async )?with\b",
            ),
        ),
    ),
    Rule(
        "requests-session-per-task",
        "a requests Session made in each task",
        "A Session owns adapters with connection pools; kept or unclosed ones keep sockets and TLS "
        "state.",
        "with requests.Session() as session, or one per process and thread.",
        "https://requests.readthedocs.io/en/latest/user/advanced/#session-objects",
        (
            Sign(
                inside=(
                    Look(
                        "requests.sessions|requests.adapters|requests_toolbelt.*|cloudscraper.*",
                        r"Session\.(?:__init__|mount)|session|HTTPAdapter\.(?:__init__|init_poolmanager)",
                    ),
                ),
                never=(Look("requests.api"),),
            ),
            Sign(
                line=r"\brequests\.(?:sessions\.)?[sS]ession\(",
                never_line=r"^with\b",
            ),
        ),
    ),
    Rule(
        "urllib3-pool-per-task",
        "a urllib3 pool made in each task",
        "A PoolManager keeps up to num_pools hosts with their sockets until clear().",
        "Make one urllib3.PoolManager per process, or with urllib3.PoolManager() as http.",
        "https://urllib3.readthedocs.io/en/stable/advanced-usage.html#customizing-pool-behavior",
        (
            Sign(inside=(Look("urllib3.poolmanager", r"\w*(?:Pool|Proxy)Manager\.__init__"),)),
            Sign(line=r"\bPoolManager\(", never_line=r"^with\b"),
        ),
    ),
    Rule(
        "requests-responses-kept",
        "HTTP responses that are kept",
        "A Response holds its body, its history and, if it was streamed and not read, its "
        "connection.",
        "Keep what is needed of it (response.json(), status); with requests.get(..., stream=True) "
        "as response.",
        "https://requests.readthedocs.io/en/latest/user/advanced/#body-content-workflow",
        (
            Sign(
                inside=(
                    Look(
                        "requests.models|requests.adapters",
                        r"Response\.__init__|HTTPAdapter\.build_response",
                    ),
                )
            ),
            Sign(
                inside=(
                    Look(
                        "http.client",
                        r"HTTPResponse\.(?:__init__|begin)|parse_headers|_read_headers|_parse_header_lines",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "mail-connection-never-closed",
        "mail or FTP connections that are never closed",
        "Each connection keeps its socket and buffered files until quit() or close().",
        "with smtplib.SMTP(...) as server (the same for imaplib, poplib, ftplib).",
        "https://docs.python.org/3/library/smtplib.html#smtplib.SMTP",
        (
            Sign(
                inside=(
                    Look(
                        "smtplib|imaplib|poplib|ftplib|nntplib|telnetlib",
                        r"\w+\.(?:__init__|connect|open|login)",
                    ),
                )
            ),
            Sign(inside=(Look("ldap3.core.connection|ldap.ldapobject", r"\w+\.__init__"),)),
        ),
    ),
    Rule(
        "soap-client-per-task",
        "a SOAP client made in each task",
        "zeep and suds parse the WSDL and its schemas into a large cyclic object graph per Client.",
        "Make one Client per process; give zeep a cache (Transport(cache=SqliteCache())).",
        "https://docs.python-zeep.org/en/master/transport.html#caching",
        (Sign(inside=(Look("zeep.client|zeep.wsdl.*|zeep.xsd.schema|suds.client|suds.wsdl"),)),),
    ),
    Rule(
        "browser-never-closed",
        "browsers or pages that are never closed",
        "A driver holds a process, a pipe and its message history; each page and context stays in "
        "the browser until close().",
        "driver.quit(), or with sync_playwright() as p, browser.close() and context.close() in "
        "finally.",
        "https://playwright.dev/python/docs/library",
        (
            Sign(
                inside=(
                    Look(
                        "selenium.webdriver.*|playwright.*|pyppeteer.*|splinter.*",
                    ),
                )
            ),
            Sign(
                line=r"\bwebdriver\.(?:Chrome|Firefox|Remote|Edge|Safari)\(|\bsync_playwright\(\)\.start\("
            ),
        ),
    ),
    Rule(
        "geoip-reader-per-task",
        "a GeoIP reader opened in each task",
        "A Reader maps or loads the whole database (tens of MiB) and stays until close().",
        "Open one Reader per process, or with geoip2.database.Reader(path) as reader.",
        "https://geoip2.readthedocs.io/en/latest/",
        (
            Sign(
                inside=(
                    Look(
                        "geoip2.database|maxminddb|maxminddb.*", r"Reader\.__init__|open_database"
                    ),
                )
            ),
            Sign(
                line=r"\bgeoip2\.database\.Reader\(|\bmaxminddb\.open_database\(",
                never_line=r"^with\b",
            ),
        ),
    ),
    Rule(
        "ssl-context-per-call",
        "an SSL context made in each call",
        "create_default_context() loads the CA bundle each time: hundreds of KiB of native memory "
        "per context.",
        "Make one context at module level and pass it to every client.",
        "https://docs.python.org/3/library/ssl.html#ssl.create_default_context",
        (
            Sign(
                inside=(
                    Look(
                        "ssl",
                        r"create_default_context|_create_\w+_context|SSLContext\.(?:__new__|load_\w+)",
                    ),
                ),
            ),
            Sign(line=r"\bssl\.(?:create_default_context|SSLContext)\("),
        ),
    ),
    Rule(
        "sockets-never-closed",
        "sockets that are never closed",
        "The process has more open sockets with each task: connections are made and not given back.",
        "Close in finally (with contextlib.closing(...)), or take connections from a pool; "
        "`ss -tnp` shows to whom.",
        "https://docs.python.org/3/library/contextlib.html#contextlib.closing",
        (
            Sign(
                inside=(
                    Look(
                        "socket",
                        r"create_connection|socket\.(?:__init__|accept|makefile|dup)|socketpair",
                    ),
                ),
                never=(Look("asyncio.*"),),
            ),
            Sign(
                line=r"(?:[sS]ocket|[cC]onn\w*|[cC]lient|[sS]ession|connect)\(",
                never_line=r"^(?:async )?with\b",
                grows=(Grows("sockets", 0.2),),
            ),
        ),
        counted="sockets",
    ),
)
