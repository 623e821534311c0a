"""The running stack as the benchmark sees it: its settings file, its processes, its databases.

Used by run and rows. Reads what scripts/up wrote into the state directory; changes nothing but the
one CHECKPOINT that run asks for.
"""

import csv
import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("postgres", "kafka", "gateway", "order", "payment", "inventory", "shipping", "analytics", "edge")
SERVICES = ("order", "payment", "inventory", "shipping", "analytics")
DATABASES = ("orders", "payments", "inventory", "shipping", "analytics")  # in the same order; schemas have these names
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "wal_buffers", "max_wal_size",
            "checkpoint_timeout", "wal_compression", "wal_sync_method", "commit_delay", "autovacuum", "jit")

KAFKA_SETTINGS = re.compile(r"^((?:num|log\.flush|min\.insync|default\.repl|compression|background)[\w.]*)=(.*)$", re.M)


def default_state():
    return os.environ.get("ORDERFLOW_STATE", str(ROOT / ".stack"))


class Stack:
    def __init__(self, state, needs=PARTS):
        self.state = pathlib.Path(state)
        file = self.state / "stack.env"
        if not file.exists():
            sys.exit(f"no stack in {self.state}: start one with {self.up()}")
        self.env = dict(read_env_line(line) for line in file.read_text().splitlines()
                        if "=" in line and not line.startswith("#"))
        missing = [part for part in needs if part not in self.pids()]
        if missing:
            sys.exit(f"the stack in {self.state} does not run ({', '.join(missing)} missing): start it with "
                     f"{self.up('--no-build', '--build-dir', str(pathlib.Path(self.env['STACK_BIN']).parent))}")

    def up(self, *more):
        """The command that starts it, for a shell."""
        return shlex.join([str(ROOT / "scripts" / "up"), "--state", str(self.state.resolve()), *more])

    def program(self, name):
        return str(pathlib.Path(self.env["STACK_BIN"]) / name)

    def pids(self):
        """Main process of each part that runs: {"order": 123, "postgres": 124, ...}."""
        found = {}
        for file in sorted((self.state / "run").glob("*.pid")):
            pid = int(file.read_text())
            if pathlib.Path(f"/proc/{pid}").exists():
                found[file.stem] = pid
        return found

    def query(self, sql, database="postgres", role=None):
        """Rows as lists of strings. As the superuser, or as a role that stack.env has a URL for."""
        key = f"{role.upper()}_{database.upper()}_DATABASE_URL" if role else "ADMIN_DATABASE_URL"
        settings = read_conninfo(self.env[key]) | {"dbname": database}
        names = {"dbname": "PGDATABASE"} | {name: "PG" + name.upper() for name in (
            "host", "port", "user", "password", "passfile", "sslmode", "sslrootcert")}
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        environment |= {names[k]: v for k, v in settings.items()}
        command = [str(pathlib.Path(self.env["POSTGRES_BIN"]) / "psql"), "-X", "-q", "--csv", "-t",
                   "-v", "ON_ERROR_STOP=1", "-c", sql]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{database}: {done.stderr.strip()}\n{sql}")
        return list(csv.reader(io.StringIO(done.stdout)))

    def gateway_delay_ms(self):
        """The sandbox's delay of an answer; None when it does not run."""
        try:
            return json.loads(fetch(f"http://127.0.0.1:{self.env['GATEWAY_PORT']}/v1/faults"))["delayMs"]
        except OSError:
            return None

    def describe(self):
        """What was measured on: versions, machine, settings of the servers."""
        meminfo = pathlib.Path("/proc/meminfo").read_text()
        names = ",".join(f"'{name}'" for name in SETTINGS)
        return {
            "machine": {"cores": os.cpu_count(), "cpu": cpu_model(), "kernel": os.uname().release,
                        "memory_mb": int(re.search(r"MemTotal:\s+(\d+)", meminfo)[1]) // 1024},
            "postgresql": dict(self.query("SELECT 'version', current_setting('server_version')"))
            | dict(self.query("SELECT name, current_setting(name) FROM pg_settings"
                              f" WHERE name IN ({names}) ORDER BY 1")),
            "kafka": self.kafka_settings(),
            "gateway_delay_ms": self.gateway_delay_ms(),
        }

    def kafka_settings(self):
        pid = self.pids().get("kafka")
        if pid is None:
            return {}
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        jars = " ".join(word for word in words if "kafka" in word)
        version = re.search(r"kafka-clients-([\d.]+)\.jar", jars) or newest_jar(jars)
        settings = {"version": version[1] if version else "unknown",
                    "java": " ".join(word for word in words if word.startswith("-X"))}
        for word in words:
            if word.endswith(".properties") and not word.startswith("-") and os.path.exists(word):
                settings |= dict(KAFKA_SETTINGS.findall(pathlib.Path(word).read_text()))
        return settings


def newest_jar(class_path):
    for directory in re.findall(r"([^:\s]*)/\*", class_path):
        for jar in pathlib.Path(directory).glob("kafka-clients-*.jar"):
            return re.search(r"kafka-clients-([\d.]+)\.jar", jar.name)
    return None


def cpu_model():
    found = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return found[1] if found else os.uname().machine


def read_env_line(line):
    """KEY="value" with the escapes of sh's double quotes."""
    key, value = line.split("=", 1)
    if value.startswith('"'):
        value = re.sub(r'\\([\\"$`])', r"\1", value[1:-1])
    return key, value


def read_conninfo(text):
    """libpq's `key=value key='quoted value'` as a dictionary."""
    pairs = re.findall(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)", text)
    return {key: re.sub(r"\\(.)", r"\1", value[1:-1] if value.startswith("'") else value) for key, value in pairs}


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()
