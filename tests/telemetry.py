"""A StatsD listener and an OTLP receiver on this machine, which keep what they are sent."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

Tags = frozenset[tuple[str, str]]


@dataclass
class StatsdListener:
    """Lines of the StatsD protocol, as they came in by UDP."""

    port: int = 0
    lines: list[str] = field(default_factory=list)

    def named(self, name: str) -> dict[Tags, tuple[float, str]]:
        """The newest value and type of a metric, by its tags in the dialect of InfluxDB."""
        found: dict[Tags, tuple[float, str]] = {}
        for line in self.lines:
            stat, _, rest = line.partition(":")
            base, *tags = stat.split(",")
            if base == name:
                value, _, kind = rest.partition("|")
                pairs = frozenset((tag.partition("=")[0], tag.partition("=")[2]) for tag in tags)
                found[pairs] = float(value), kind
        return found


@contextmanager
def statsd_listener() -> Iterator[StatsdListener]:
    """Listen on a free UDP port of the loopback interface."""
    listener, over = StatsdListener(), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.2)
        listener.port = listening.getsockname()[1]

        def listen() -> None:
            while not over.is_set():
                try:
                    packet = listening.recv(65536)
                except TimeoutError:
                    continue
                listener.lines.extend(packet.decode().splitlines())

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield listener
        finally:
            over.set()
            thread.join()


@dataclass
class OtlpReceiver:
    """Export requests of the OTLP protocol over HTTP, decoded."""

    port: int = 0
    requests: list[ExportMetricsServiceRequest] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """What `OTEL_EXPORTER_OTLP_ENDPOINT` is to say."""
        return f"http://127.0.0.1:{self.port}"

    def points(self, name: str) -> dict[Tags, Any]:
        """The newest data point of a metric by its attributes."""
        found: dict[Tags, Any] = {}
        for metric in self._metrics():
            if metric.name != name:
                continue
            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                tags = frozenset((each.key, each.value.string_value) for each in point.attributes)
                found[tags] = point
        return found

    def values(self, name: str) -> dict[Tags, float]:
        """The newest value of a gauge or counter by its attributes."""
        return {
            tags: float(getattr(point, point.WhichOneof("value")))
            for tags, point in self.points(name).items()
        }

    def _metrics(self) -> Iterator[Any]:
        for request in self.requests:
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    yield from scope.metrics


@contextmanager
def otlp_receiver() -> Iterator[OtlpReceiver]:
    """Run a receiver of OTLP/HTTP on a free port."""
    receiver = OtlpReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/metrics":
                receiver.requests.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
