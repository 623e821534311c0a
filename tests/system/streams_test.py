"""What becomes of standard output and error (closed, full, never read, not there at all) neither ends nor holds up a
program that serves. And the addresses that it can be told to listen on."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from beside import Program
from processes import metric
from stack import SERVICES, Stack, eventually, request

NOBODY = "127.0.0.1:1"  # no server is there
REQUESTS = 100          # a log line each
PIPE_BYTES = 4096


class Pipe:
    """The write end for a program; `closed`: nobody is at the other end, `full`: nobody reads, and there is no room."""

    def __init__(self, state):
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        if state == "closed":
            os.close(self.reader)
            self.reader = None
        elif state == "full":
            os.set_blocking(self.writer, False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(self.writer, b"." * 64)
            os.set_blocking(self.writer, True)

    def close(self):
        for end in (self.reader, self.writer):
            if end is not None:
                os.close(end)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.bin = Stack().env["STACK_BIN"]
        self.directory = self.enterContext(tempfile.TemporaryDirectory())

    def command(self, name, *flags):
        if name == "gateway-sandbox":
            return [f"{self.bin}/{name}", "--database", f"{self.directory}/ledger.sqlite", *flags]
        return [f"{self.bin}/{name}-service", "--brokers", NOBODY, "--log-level", "debug", "--database-url",
                "host=127.0.0.1 port=1", *flags]

    def start(self, name, *flags, **streams):
        return self.enterContext(Program(self.command(name, *flags), **streams))

    @staticmethod
    def answers(url):
        """Without a look at api/openapi.yaml: the sandbox is not described there."""
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status == 200

    def enterContext(self, manager):  # unittest has it from Python 3.11 on
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value


class Streams(ProgramTest):
    def check_serves(self, name, origin):
        live = "/v1/ledger?after=0&limit=1" if name == "gateway-sandbox" else "/livez"
        self.assertTrue(eventually(5, lambda: self.answers(origin + live)), f"{name} does not serve")
        noisy = {"order": "/api/orders", "analytics": "/api/analytics"}.get(name)
        for _ in range(REQUESTS if noisy else 0):
            self.assertEqual(request("GET", origin + noisy, timeout=2).status, 503)
        self.assertTrue(self.answers(origin + live))

    def test_a_pipe_that_is_closed_or_full(self):
        for streams in (("stderr",), ("stdout",), ("stdout", "stderr")):
            for state in ("closed", "full", "unread"):
                running = [self.start_with(name, streams, state) for name in (*SERVICES, "gateway-sandbox")]
                for name, program, origin, _ in running:
                    with self.subTest(name, streams=streams, pipe=state):
                        self.check_serves(name, origin)
                        if name in ("order", "analytics") and "stderr" in streams and state == "closed":
                            self.assertGreaterEqual(metric(origin, "orderflow_log_lines_lost_total"), REQUESTS)
                for _, program, _, _ in running:
                    program.process.send_signal(signal.SIGTERM)
                begun = time.monotonic()
                for name, program, _, pipe in running:
                    with self.subTest(name, streams=streams, pipe=state):
                        code = program.code(max(0, begun + 10 - time.monotonic()))
                        pipe.close()
                        self.assertEqual(code, 0, f"after {time.monotonic() - begun:.1f} s")

    def start_with(self, name, streams, state):
        """(name, program, origin, the pipe that it writes to)"""
        pipe, port = Pipe(state), free_port()
        program = self.start(name, "--port", port, **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} |
                             {stream: pipe.writer for stream in streams})
        return name, program, f"http://127.0.0.1:{port}", pipe

    def test_what_was_not_read_is_there_for_a_late_reader_up_to_the_last_line(self):
        pipe = Pipe("unread")
        program = self.start("order", "--port", "0", stderr=pipe.writer)
        os.close(pipe.writer)
        for _ in range(REQUESTS):
            self.assertEqual(program.get("/api/orders").status, 503)
        program.process.send_signal(signal.SIGTERM)
        with open(pipe.reader, encoding="utf-8") as late:
            log = late.read()
        self.assertEqual(program.code(10), 0)
        self.assertGreaterEqual(log.count("GET /api/orders"), REQUESTS)
        self.assertIn('"message":"stopped"', log)

    def test_streams_that_are_not_there_at_all(self):
        for name in (*SERVICES, "gateway-sandbox"):
            with self.subTest(name):
                port = free_port()
                program = self.enterContext(Program(
                    ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *self.command(name, "--port", port)]))
                self.check_serves(name, f"http://127.0.0.1:{port}")
                for number in (0, 1, 2):
                    self.assertEqual(os.readlink(f"/proc/{program.process.pid}/fd/{number}"), "/dev/null")
                self.assertEqual(program.stop()[0], 0)

    def test_an_end_for_a_reason_says_it_last(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        service = self.start("payment", "--port", port)
        self.assertEqual(service.code(10), 1)
        self.assertTrue(eventually(5, lambda: service.messages("critical")))
        self.assertIn(f"cannot listen on 127.0.0.1, port {port}", service.messages("critical")[0])
        full = Pipe("full")
        self.addCleanup(full.close)
        self.assertEqual(self.start("payment", "--port", port, stderr=full.writer).code(10), 1)


class Addresses(ProgramTest):
    def test_names_and_both_kinds_of_addresses(self):
        for name in ("order", "gateway-sandbox"):
            for bind, host in (("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "[::1]"),
                               ("[::1]", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")):
                with self.subTest(name, bind=bind):
                    program = self.start(name, "--port", "0", "--bind", bind)
                    port = urllib.parse.urlsplit(program.url(5)).port
                    path = "/livez" if name == "order" else "/v1/ledger?after=0&limit=1"
                    self.assertTrue(self.answers(f"http://{host}:{port}{path}"))
                    self.assertEqual(program.stop()[0], 0)

    def test_one_that_is_none_is_named(self):
        for name in ("order", "gateway-sandbox"):
            for bind in ("nowhere.invalid", "300.1.1.1", "192.0.2.1", "", "::1::"):
                with self.subTest(name, bind=bind):
                    program = self.start(name, "--port", "0", "--bind", bind)
                    self.assertEqual(program.code(30), 1)
                    self.assertTrue(eventually(5, lambda: "cannot listen on" in "".join(program.log)), program.log)


if __name__ == "__main__":
    unittest.main()
