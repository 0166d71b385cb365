"""Which versions of which libraries a process runs: known leaks depend on them."""

from __future__ import annotations

import contextlib
import posix
import sys
from collections.abc import Mapping, Sequence
from typing import Any

#: Whose versions a snapshot tells, where they are imported.
DISTRIBUTIONS = (
    "leakhunt", "celery", "billiard", "kombu", "amqp", "vine", "redis", "django", "sqlalchemy",
    "sentry_sdk", "ddtrace", "newrelic", "opentelemetry", "prometheus_client", "requests", "httpx",
    "aiohttp", "boto3", "botocore", "pandas", "numpy", "jinja2", "psycopg2", "psycopg", "pymongo",
    "lxml", "matplotlib", "pydantic", "gevent", "eventlet",
)  # fmt: skip
#: Distributions with another name than their package's.
_SOLD_AS = {"opentelemetry": "opentelemetry-api", "sentry_sdk": "sentry-sdk"}


def versions(
    modules: Mapping[str, Any] | None = None, path: Sequence[str] | None = None
) -> dict[str, str]:
    """{package: version} of the imported ones among DISTRIBUTIONS.

    ``modules`` and ``path``: None for this process's own; of another one's modules the names are enough.

    As the packages say themselves, else by the names of the folders in which installers leave what
    they know (``celery-5.3.6.dist-info``): importlib.metadata would import extensions, which a
    forked child may not.
    """
    modules = sys.modules if modules is None else modules
    path = sys.path if path is None else path
    versions_of, untold = {}, {}
    for name in DISTRIBUTIONS:
        if modules.get(name) is None:
            continue
        module = modules[name]
        version = getattr(module, "__version__", None) if name != "leakhunt" else None
        if isinstance(version, str):
            versions_of[name] = version
        else:
            untold[_normal(_SOLD_AS.get(name, name))] = name
    for entry in path if untold else ():
        with contextlib.suppress(OSError):
            for folder in sorted(posix.listdir(entry or ".")):
                label, dash, rest = folder.partition("-")
                if dash and rest.endswith((".dist-info", ".egg-info")):
                    name = untold.get(_normal(label), "")
                    version = rest[: -len(".dist-info")].partition("-py")[0]
                    if name and version:
                        versions_of.setdefault(name, version)
    return versions_of


def _normal(label: str) -> str:
    """One spelling for all of a distribution's name (PEP 503)."""
    return label.lower().replace("_", "-").replace(".", "-")
