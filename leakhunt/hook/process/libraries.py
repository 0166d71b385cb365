"""Which versions of which libraries a process runs: known leaks depend on them."""

from __future__ import annotations

import sys

#: Whose versions a snapshot tells, where they are imported.
DISTRIBUTIONS = (
    "leakhunt", "celery", "billiard", "kombu", "amqp", "vine", "redis", "django", "sqlalchemy",
    "sentry_sdk", "ddtrace", "newrelic", "opentelemetry", "prometheus_client", "requests", "httpx",
    "aiohttp", "boto3", "botocore", "pandas", "numpy", "jinja2", "psycopg2", "psycopg", "pymongo",
    "lxml", "matplotlib", "pydantic", "gevent", "eventlet",
)  # fmt: skip
#: Distributions with another name than their package's.
_SOLD_AS = {"opentelemetry": "opentelemetry-api", "sentry_sdk": "sentry-sdk"}


def versions() -> dict[str, str]:
    """{package: version} of the imported ones among DISTRIBUTIONS."""
    from importlib import metadata  # in the forked child: the worker does not pay for it

    found = {}
    for name in DISTRIBUTIONS:
        module = sys.modules.get(name)
        if module is None:
            continue
        version = getattr(module, "__version__", None) if name != "leakhunt" else None
        try:
            found[name] = (
                version if isinstance(version, str) else metadata.version(_SOLD_AS.get(name, name))
            )
        except metadata.PackageNotFoundError:
            continue
    return found
