"""The stack's processes as tests treat them: frozen, killed, given other settings, doubled.

Every change is taken back at the end of its `with` block, whatever happens inside.
"""

import contextlib
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import threading

from stack import Stack, eventually, is_running, request


@contextlib.contextmanager
def frozen(*pids):
    """SIGSTOP for the length of the block; SIGCONT may be sent earlier."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def with_children(pid):
    """The process and those that it has started: nginx's workers, PostgreSQL's backends."""
    return [pid, *map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def thaw(pid):
    os.kill(pid, signal.SIGCONT)


def kill(pid):
    """kill -9, and wait for the end."""
    os.kill(pid, signal.SIGKILL)
    if not eventually(10, lambda: not is_running(pid)):
        raise AssertionError(f"process {pid} survived kill -9")


@contextlib.contextmanager
def settings(part, **environment):
    """Runs the part with other settings, by their environment names; afterwards with its own again."""
    stack = Stack()
    try:
        stack.stop(part)
        stack.restart(**environment)
        yield Stack()
    finally:
        stack.stop(part)
        stack.restart()


class Instance:
    """One more process of a service, on a free port, with the first one's flags and environment.

    `flags`: {"--gateway-url": "http://..."}, beside or in place of the first one's.
    """

    def __init__(self, stack, service, flags=None):
        pid = stack.pid(service)
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
        for name, value in ({"--port": "0"} | (flags or {})).items():
            if name in command:
                command[command.index(name) + 1] = value
            else:
                command += [name, value]
        environment = dict(word.split("=", 1) for word in
                           pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0") if "=" in word)
        log = pathlib.Path(stack.env["STACK_STATE"]) / "log" / f"{service}-second.log"
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=errors)
        ready = re.match(rb"ready port=(\d+)", self.process.stdout.readline())
        if not ready:
            self.stop()
            raise AssertionError(f"a second {service}-service does not start, see {log}")
        self.url = f"http://127.0.0.1:{int(ready[1])}"
        if not eventually(60, self.is_ready):
            self.stop()
            raise AssertionError(f"a second {service}-service is not ready, see {log}")

    def is_ready(self):
        """It serves, and has joined its group."""
        answer = request("GET", self.url + "/readyz")
        return answer.status == 200 and answer.json()["waiting"] == []

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class HeldGateway:
    """A way to the gateway on which charges get stuck: they arrive when release() is called, and not before."""

    def __init__(self, stack):
        self.gateway = stack.url("gateway", "")
        self.held = []        # keys of charges on their way
        self.answers = {}     # what the gateway said to them in the end
        self.released = threading.Event()
        held = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                held.forward(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def forward(self, call):
        body = call.rfile.read(int(call.headers.get("Content-Length", 0)))
        key = None
        if call.path == "/v1/charges":
            key = json.loads(body)["key"]
            self.held.append(key)
            self.released.wait(120)
        answer = request("POST", self.gateway + call.path, body)
        if key:
            self.answers[key] = answer.status
        with contextlib.suppress(OSError):  # the caller may have given up
            call.send_response(answer.status)
            call.send_header("Content-Type", "application/json")
            call.send_header("Content-Length", str(len(answer.body)))
            call.end_headers()
            call.wfile.write(answer.body)


def metric(origin, name, **labels):
    """The sum of the samples with these labels: metric(url, "orderflow_gateway_calls", pool="charge")."""
    total = 0.0
    for line in request("GET", origin + "/metrics").body.decode().splitlines():
        found = re.match(rf"{name}(?:{{(.*)}})? ([^ ]+)$", line)
        if found and labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', found[1] or "")).items():
            total += float(found[2])
    return total
