"""Looks as metrics, over HTTP and in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from leakhunt.errors import SettingError
from leakhunt.report.watch import WatchReport


@contextmanager
def metrics(address: str | None, textfile: Path | None) -> Iterator[Callable[[WatchReport], None]]:
    """Publishes each look over HTTP and in a file, as far as asked. Raises SettingError."""
    if address is None and textfile is None:
        yield lambda seen: None
        return
    try:
        from leakhunt.render import prometheus
    except ImportError as error:
        raise SettingError(
            "metrics need the package prometheus-client: pip install 'leakhunt[prometheus]'"
        ) from error
    collector = prometheus.Collector()
    server = _served(address, prometheus.registry(collector)) if address is not None else None

    def publish(seen: WatchReport) -> None:
        collector.latest = seen
        if textfile is not None:
            _replace(textfile, prometheus.text(seen))

    try:
        yield publish
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()


def _served(address: str, registry: Any) -> Any:
    """The HTTP server at ``:PORT`` or ``HOST:PORT``; None where an old client tells of none."""
    from prometheus_client import start_http_server

    host, _, port = address.rpartition(":")
    is_number = port.isdecimal() and port.isascii() and len(port) <= 5
    if not is_number or int(port) > 65535:
        raise SettingError(f"--prometheus {address}: give a port, as :9898, or 127.0.0.1:9898")
    try:
        started = start_http_server(
            int(port), addr=host.strip("[]") or "0.0.0.0", registry=registry
        )
    except OSError as error:
        raise SettingError(f"--prometheus {address}: {error.strerror or error}") from error
    return started[0] if isinstance(started, tuple) else None


def _replace(path: Path, content: bytes) -> None:
    """Whoever reads the file sees the old look or the new one, and nothing between."""
    torn = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        torn.write_bytes(content)
        torn.chmod(0o644)  # node_exporter is another user
        torn.replace(path)
    except OSError as error:
        with suppress(OSError):
            torn.unlink()
        raise type(error)(error.errno, error.strerror, str(path)) from error
