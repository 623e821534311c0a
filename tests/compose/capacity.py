"""Measures what orders cost in docker-compose.yml: cores, memory, bytes, connections. `tests/compose/run --capacity`
runs it; capacity_page.py writes the page and the limits that are derived from the figures."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT / "tests" / "bench"))

import capacity_page  # noqa: E402
from measure import Moment, follow, lowest_id_since, memory_mb, wait_until_final  # noqa: E402
from stack import Stack, cpu_model  # noqa: E402
from stack_of_containers import SERVICES, Containers  # noqa: E402

STATE = pathlib.Path(os.environ["ORDERFLOW_COMPOSE_STATE"])
RATE = 200
LOADS = {"200/s": ("--rate", str(RATE)), "closed": ("--closed", "256")}
WINDOW_S = 60
FINAL_WITHIN_S = 60
BROKER_PORT = 0x2384  # 9092


class Measured:
    def __init__(self, containers):
        self.containers = containers
        self.stack = Stack(STATE, needs=())
        self.pids = {name: containers.pid(name) for name in (
            *SERVICES, "edge", "gateway", "sandbox", "postgres", "prometheus", *containers.brokers)}

    def number(self, sql, database="orders"):
        return int(self.stack.query(sql, database, "auditor")[0][0])

    def bytes_of(self):
        """Returns the bytes of the databases, of all WAL since the start, and of Kafka's logs on all brokers, without
        indexes."""
        databases = "('orders', 'payments', 'inventory', 'shipping', 'analytics')"
        logs = 0
        for broker in self.containers.brokers:
            directory = self.containers.volume(f"{broker}-data")
            logs += sum(file.stat().st_size for file in directory.glob("*-events-*/*.log"))
        return {"postgresql": self.number("SELECT sum(pg_database_size(datname)) FROM pg_database"
                                          f" WHERE datname IN {databases}"),
                "wal": self.number("SELECT wal_bytes FROM pg_stat_wal"), "kafka": logs}

    def connections(self):
        """Returns the number of connections: of each service to PostgreSQL, and of all clients to Kafka's brokers."""
        rows = self.stack.query("SELECT datname, count(*) FROM pg_stat_activity WHERE usename = datname GROUP BY 1",
                                "orders", "auditor")
        kafka = 0
        for broker in self.containers.brokers:
            for table in ("tcp", "tcp6"):
                lines = pathlib.Path(f"/proc/{self.pids[broker]}/net/{table}").read_text().splitlines()[1:]
                kafka += sum(line.split()[1].endswith(f":{BROKER_PORT:04X}") and line.split()[3] == "01" for line in lines)
        return {"postgresql": {name: int(count) for name, count in sorted(rows)}, "kafka": kafka}

    def load(self, how):
        bench = subprocess.Popen([ROOT / "build/release/bin/bench-load", "--target", self.containers.edge, "--out",
                                  STATE / "capacity.csv", "--duration", str(WINDOW_S), "--warmup", "10", *how],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        before, after = [], []
        summary = follow(bench, lambda: before.extend((Moment(self.pids), self.bytes_of())),
                         lambda: after.extend((Moment(self.pids), memory_mb(self.pids), self.connections())))
        (cpu_before, disks), (cpu_after, memory, connections) = before, after
        finished = "SELECT count(*) FROM orders.audit_v1_orders WHERE finished_at >= to_timestamp({} / 1e6)"
        begin, end = summary["counted_from_us"], summary["counted_to_us"]
        completed = self.number(finished.format(begin)) - self.number(finished.format(end))
        since = lowest_id_since(begin / 1e6)
        if wait_until_final(self.stack, since, FINAL_WITHIN_S)[1] > 0:
            sys.exit("orders do not become final")
        time.sleep(5)  # analytics and the checkpoint write the rest of these orders
        # Now all bytes of the orders since the begin of the window are written, so they are divided by these orders.
        orders = self.number(f"SELECT count(*) FROM orders.audit_v1_orders WHERE order_id >= '{since}'")
        written = {name: round((now - disks[name]) / orders) for name, now in self.bytes_of().items()}
        return {"completed_per_s": round(completed / WINDOW_S, 1), "cores": self.cores(cpu_before, cpu_after, completed),
                "memory_mb": {name: max(one.values()) for name, one in memory.items()}, "bytes_per_order": written,
                "connections": connections}

    def cores(self, before, after, completed):
        """Returns CPU-seconds for 1,000 orders by part. The brokers are one part; gateway and sandbox are one part."""
        used = {}
        for name, cpu in after.cpu.items():
            part = re.sub(r"kafka-.*", "kafka", name.replace("sandbox", "gateway"))
            used[part] = used.get(part, 0) + (cpu - before.cpu.get(name, 0)) * 1000 / completed
        return {name: round(value, 3) for name, value in used.items()}


def limit_per_s():
    """Measures how fast this machine writes the same rows and messages without decisions (tests/bench/README.md), with
    a PostgreSQL and a Kafka without containers, encryption and replicas."""
    state, result = STATE / "limit", STATE / "limit.json"
    scripts = ROOT / "scripts"
    subprocess.run([scripts / "up", "--state", state, "--only", "postgres,kafka", "--free-ports", "--no-build"], check=True,
                   stdout=subprocess.DEVNULL)
    try:
        subprocess.run([ROOT / "tests/bench/limit", "--state", state, "--json", result], check=True,
                       stdout=subprocess.DEVNULL)
    finally:
        subprocess.run([scripts / "down", "--state", state, "--wipe"], check=True, stdout=subprocess.DEVNULL)
    return round(json.loads(result.read_text())["limit"]["orders_per_s"])


def main():
    containers = Containers(STATE)
    containers.down("--volumes")
    try:
        containers.up()
        containers.await_order(180)
        measured = Measured(containers)
        loads = {}
        for name, how in LOADS.items():
            loads[name] = measured.load(how)
            print(f"{name}: {json.dumps(loads[name])}", flush=True)
    finally:
        containers.down("--volumes")
    limit = limit_per_s()
    print(f"limit: {limit}/s", flush=True)
    meminfo = pathlib.Path("/proc/meminfo").read_text()
    capacity_page.write({
        "day": time.strftime("%Y-%m-%d"),
        "machine": {"cores": os.cpu_count(), "cpu": cpu_model(),
                    "memory_mb": int(re.search(r"MemTotal:\s+(\d+)", meminfo)[1]) // 1024},
        "rate": RATE, "loads": loads, "limit_per_s": limit})


if __name__ == "__main__":
    main()
