"""Beside the common stack: a PostgreSQL and a Kafka of one's own, ways to them that can be cut, and single services on
those ways."""

import contextlib
import json
import os
import pathlib
import queue
import re
import select
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time

from stack import ROOT, Stack, request

DATABASES = {"order": "orders", "payment": "payments", "inventory": "inventory", "shipping": "shipping",
             "analytics": "analytics"}


class Servers:
    """A PostgreSQL with the five databases, empty at first, and a Kafka without topics; or what `how` says to up()."""

    def __init__(self, *how):
        self.state = tempfile.mkdtemp(prefix="orderflow-beside-")
        self.bin = pathlib.Path(Stack().env["STACK_BIN"])
        self.up(*(how or ("--only", "postgres,kafka")))

    def up(self, *how):
        self.script("up", "--free-ports", "--no-build", "--build-dir", self.bin.parent, *how)
        self.read()

    def read(self):
        """Where everything is, after each `up`."""
        words = shlex.split((pathlib.Path(self.state) / "stack.env").read_text(), comments=True)
        self.env = dict(word.split("=", 1) for word in words)

    def script(self, name, *arguments, **settings):
        done = subprocess.run([ROOT / "scripts" / name, "--state", self.state, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=180, check=False, env=os.environ | settings)
        if done.returncode != 0:
            raise AssertionError(f"scripts/{name}: {done.stdout}")

    def ctl(self, *arguments):
        """orderctl's exit code, and its document; where it could say none, why."""
        done = subprocess.run([self.bin / "orderctl", "--json", "--stack-env", f"{self.state}/stack.env", *arguments],
                              capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def close(self):
        self.script("down", "--wipe")

    def psql(self, sql, database="postgres"):
        done = subprocess.run([pathlib.Path(self.env["POSTGRES_BIN"]) / "psql", "-X", "-q", "-At", "-v",
                               "ON_ERROR_STOP=1", "-d", f"{self.env['ADMIN_DATABASE_URL']} dbname={database}", "-c", sql],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{sql}: {done.stderr}")
        return done.stdout.strip()

    def database_url(self, service, port, **other):
        """By TCP through `port`, as the service's role; `other` parts of the conninfo in place of its own."""
        url = self.env[f"{DATABASES[service].upper()}_DATABASE_URL"]
        parts = dict(word.split("=", 1) for word in shlex.split(url))
        return " ".join(f"{key}={value}" for key, value in
                        (parts | {"host": "127.0.0.1", "port": port} | other).items())

    def empty(self, service):
        """Takes the service's schema away."""
        name = DATABASES[service]
        self.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        self.psql(f"DROP SCHEMA IF EXISTS {name} CASCADE", name)

    def make_topics(self):
        subprocess.run([self.bin / "orderctl", "--stack-env", f"{self.state}/stack.env", "topics", "apply"], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)

    def migrate(self, service, dbname=None):
        """Brings the service's schema up to date, as its owner."""
        url = self.env[f"{DATABASES[service].upper()}_OWNER_DATABASE_URL"]
        url += f" dbname={dbname}" if dbname else ""
        done = subprocess.run([self.bin / f"{service}-service", "--migrate"], env=os.environ | {"DATABASE_URL": url},
                              capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"{service}-service --migrate: {done.stderr}")


class Way:
    """A port on the way to a server: `open`; `shut`: connections are refused and those there were are cut; `silent`:
    they are taken, and not a byte comes through, as of a server that is frozen."""

    def __init__(self, target_port, state="open"):
        self.target = ("127.0.0.1", int(target_port))
        self.flowing = threading.Event()
        self.connections = set()
        self.listener = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        getattr(self, state)()

    def open(self):
        self.listen()
        self.flowing.set()

    def silent(self):
        self.flowing.clear()
        self.listen()

    def shut(self):
        listener, self.listener = self.listener, None
        if listener:
            self.acceptor.join()  # a socket that somebody waits at keeps its port when it is closed
            listener.close()
        self.flowing.set()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def listen(self):
        if self.listener:
            return
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(128)
        self.acceptor = threading.Thread(target=self.accept, args=(self.listener,), daemon=True)
        self.acceptor.start()

    def accept(self, listener):
        while self.listener is listener:
            if not select.select([listener], [], [], 0.05)[0]:
                continue
            client, _ = listener.accept()
            self.connections.add(client)
            threading.Thread(target=self.forward, args=(client,), daemon=True).start()

    def forward(self, client):
        self.flowing.wait()
        try:
            with socket.create_connection(self.target) as server:
                self.connections.add(server)
                back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
                back.start()
                self.pump(client, server)
                back.join()
                self.connections.discard(server)
        except OSError:
            pass
        self.connections.discard(client)
        client.close()

    def pump(self, source, sink):
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(65536)
                self.flowing.wait()
                if not data:
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Program:
    """A program of the build that prints a "ready" line. Its log is read as it comes, unless `stderr` says otherwise."""

    def __init__(self, command, environment=None, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "KAFKA_"))}
        self.process = subprocess.Popen([str(word) for word in command], env=clean | (environment or {}),
                                        stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, **how)
        self.log = []
        if stderr == subprocess.PIPE:
            threading.Thread(target=self.read_log, daemon=True).start()
        self.lines = queue.SimpleQueue()
        if stdout == subprocess.PIPE:
            threading.Thread(target=self.read_output, daemon=True).start()

    def read_log(self):
        with self.process.stderr as lines:
            for line in lines:
                self.log.append(line.decode())

    def read_output(self):
        with self.process.stdout as lines:
            for line in lines:
                self.lines.put(line)
        self.lines.put(b"")

    def url(self, within_s=2):
        """Where it listens, as its first line says."""
        try:
            line = self.lines.get(timeout=within_s)
        except queue.Empty:
            line = b"nothing"
        found = re.match(rb"ready port=(\d+)\n", line)
        if not found:
            raise AssertionError(f"no ready line within {within_s} s but {line}: {''.join(self.log)}")
        return f"http://127.0.0.1:{int(found[1])}"

    def get(self, path):
        return request("GET", self.base + path)

    @property
    def base(self):
        if not hasattr(self, "known"):
            self.known = self.url()
        return self.known

    def ready(self):
        """The answer of /readyz, None if it is not 200."""
        answer = self.get("/readyz")
        return answer.json() if answer.status == 200 else None

    def code(self, within_s):
        """Its exit code; None: it still runs then."""
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, sign=signal.SIGTERM, within_s=10):
        """(exit code, seconds) after a signal."""
        begun = time.monotonic()
        self.process.send_signal(sign)
        return self.code(within_s), time.monotonic() - begun

    def messages(self, level):
        return [line["message"] for line in map(json.loads, self.log) if line["level"] == level]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
