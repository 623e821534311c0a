"""A collector of OpenTelemetry traces as tests need one: it takes OTLP over HTTP in JSON, reads it with OpenTelemetry's
own message types, and answers what it is told to."""

import base64
import http.server
import json
import os
import pathlib
import sys
import threading

from stack import ROOT

DEPS = pathlib.Path(os.environ.get("ORDERFLOW_DEPS") or ROOT / ".deps")
sys.path.insert(0, str(DEPS / "python"))  # before a protobuf of the system
# pylint: disable=wrong-import-position
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def parsed(body):
    """An ExportTraceServiceRequest; raises for a member that OTLP does not have, or of another type. Ids are hex digits
    in OTLP's JSON, where protobuf's own has base64."""
    def with_ids(value):
        if isinstance(value, list):
            return [with_ids(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {name: base64.b64encode(bytes.fromhex(one)).decode() if name in ("traceId", "spanId", "parentSpanId")
                else with_ids(one) for name, one in value.items()}
    return json_format.ParseDict(with_ids(json.loads(body)), ExportTraceServiceRequest())


def attributes(attributed):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributed.attributes}


class Collector:
    """On a port of its own; answers 200 unless `answers` holds what comes before that: [(503, {"Retry-After": "1"})]."""

    def __init__(self):
        self.answers = []
        self.calls = []   # (status, path, content type, body) of every request
        self.lock = threading.Lock()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                collector.take(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, call):
        body = call.rfile.read(int(call.headers["Content-Length"]))
        with self.lock:
            status, headers = self.answers.pop(0) if self.answers else (200, {})
            self.calls.append((status, call.path, call.headers["Content-Type"], body))
        call.send_response(status)
        for name, value in (headers | {"Content-Type": "application/json", "Content-Length": "2"}).items():
            call.send_header(name, value)
        call.end_headers()
        call.wfile.write(b"{}")

    def spans(self, order_id):
        """[(service, span)] of the order, of all requests that were answered 200."""
        with self.lock:
            calls = list(self.calls)
        return [(attributes(resource.resource)["service.name"], span)
                for status, _, _, body in calls if status == 200 and order_id.encode() in body
                for resource in parsed(body).resource_spans for scope in resource.scope_spans for span in scope.spans
                if attributes(span)["orderflow.order.id"] == order_id]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
