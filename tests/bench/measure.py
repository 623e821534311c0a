"""What a run costs: counters of processes, PostgreSQL and Kafka, read before and after, and their differences."""

import json
import math
import os
import pathlib
import re
import sys
import time

from stack import DATABASES, ROOT, SERVICES, fetch

sys.path.append(str(ROOT / "tests" / "support"))
import kafka_clients  # pylint: disable=wrong-import-position

TICK = os.sysconf("SC_CLK_TCK")
# An idle backend tells its table counters at the latest after 10 s (PostgreSQL's PGSTAT_IDLE_INTERVAL).
STATISTICS_SETTLE_S = 11


# ---- a load -----------------------------------------------------------------------------------------

FINAL = ("COMPLETED", "CANCELLED")


def follow(bench, at_begin, at_end):
    """bench-load's summary at its end. `bench` is the process, with pipes; calls back as its window opens and closes."""
    ended, complaints = False, []
    for line in bench.stderr:
        if line.startswith("counting from"):
            at_begin()
        elif line.startswith("counted to"):
            at_end()
            ended = True
        else:
            complaints.append(line)
    summary = bench.stdout.read()
    if bench.wait() != 0 or not ended:
        sys.exit("the load generator failed: " + "".join(complaints))
    return json.loads(summary)


def wait_until_final(stack, since, within_s):
    """Seconds from now until no order with this id or a higher one is open, and how many still are; gives up after a
    minute more than allowed."""
    begin = time.monotonic()
    open_orders = ("SELECT count(*) FROM orders.audit_v1_orders WHERE order_id >= '" + since + "' AND state NOT IN "
                   + str(FINAL))
    while True:
        left = int(stack.query(open_orders, "orders", "auditor")[0][0])
        waited = time.monotonic() - begin
        if left == 0 or waited > within_s + 60:
            return round(waited, 2), left
        time.sleep(0.2)


# ---- processes ------------------------------------------------------------------------------------

def _process_table():
    """pid → (parent, CPU seconds of the process and of its children that have ended)."""
    table = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        fields = stat[stat.rindex(")") + 2:].split()
        table[int(entry)] = (int(fields[1]), sum(int(field) for field in fields[11:15]) / TICK)
    return table


def _tree(table, root):
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(child for child, (parent, _) in table.items() if parent == pid)
    return found


def cpu_seconds(pids):
    """Of each part with all its descendants. A backend that ends is not lost: its time moves to the postmaster's
    children's time."""
    table = _process_table()
    return {name: sum(table[p][1] for p in _tree(table, pid)) for name, pid in pids.items() if pid in table}


def machine_seconds():
    """(busy, stolen) of all cores since boot."""
    fields = [int(f) / TICK for f in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return user + nice + system + irq + softirq, steal


def memory_mb(pids):
    """{"peak_rss": of the main process since its start, "pss": of the tree now, shared pages counted once}."""
    table = _process_table()
    result = {}
    for name, pid in pids.items():
        if pid not in table:
            continue
        peak = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
        pss = 0
        for member in _tree(table, pid):
            try:
                pss += int(re.search(r"Pss:\s+(\d+)", pathlib.Path(f"/proc/{member}/smaps_rollup").read_text())[1])
            except (OSError, TypeError):
                pass
        if peak:  # a process that has just ended has none
            result[name] = {"peak_rss": round(int(peak[1]) / 1024, 1), "pss": round(pss / 1024, 1)}
    return result


class Moment:
    """CPU of everything at one instant."""

    def __init__(self, pids):
        self.at = time.time()
        self.cpu = cpu_seconds(pids)
        self.busy, self.stolen = machine_seconds()


def cpu_report(before, after, completed):
    """CPU-seconds per 1,000 completed orders between two moments."""
    per_thousand = 1000 / completed if completed else 0
    used = {name: (after.cpu[name] - before.cpu.get(name, 0)) * per_thousand for name in after.cpu}
    own = [name for name in used if name in SERVICES or name in ("postgres", "kafka")]
    seconds = after.at - before.at
    return {
        "per_1000_orders": {name: round(value, 4) for name, value in used.items()},
        "services_postgresql_kafka": round(sum(used[name] for name in own), 4),
        "all_parts": round(sum(used.values()), 4),
        "machine": round((after.busy - before.busy) * per_thousand, 4),
        "cores_busy": round((after.busy - before.busy) / seconds, 3),
        "cores_stolen": round((after.stolen - before.stolen) / seconds, 3),
    }


# ---- connections to the database --------------------------------------------------------------------

def pools(stack):
    """{service: (time, seconds that its connections have spent in statements, connections)}, as it says itself."""
    found = {}
    for service in SERVICES:
        page = fetch(stack.env[service.upper() + "_URL"] + "/metrics")
        value = lambda name, page=page: float(re.search(rf"^orderflow_database_{name} (\S+)$", page, re.M)[1])
        found[service] = (time.time(), value("busy_seconds_total"), int(value("connections")))
    return found


def pools_report(before, after):
    """{service: connections, and the share of their time that they were busy}"""
    return {service: {"connections": connections, "busy_share": round((busy - before[service][1])
                                                                      / (at - before[service][0]) / connections, 4)}
            for service, (at, busy, connections) in after.items()}


# ---- PostgreSQL and Kafka --------------------------------------------------------------------------

TABLES = """SELECT t.schemaname || '.' || t.relname, t.n_tup_ins, t.n_tup_upd, t.n_tup_hot_upd, t.n_tup_del,
       (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
        WHERE i.indrelid = t.relid AND a.amname = 'btree' AND i.indpred IS NULL)
FROM pg_stat_user_tables t"""

CHECKPOINTS = {
    True: "SELECT num_timed + num_requested FROM pg_stat_checkpointer",  # PostgreSQL 17 on
    False: "SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter",
}


def checkpoints(stack):
    version = int(stack.query("SELECT current_setting('server_version_num')")[0][0])
    return int(stack.query(CHECKPOINTS[version >= 170000])[0][0])


def counters(stack, databases=DATABASES):
    """Cumulative counters of the cluster, the tables of these databases, and the topics."""
    tables = {}
    for database in databases:
        for name, *values in stack.query(TABLES, database):
            tables[name] = [int(value) for value in values]
    wal = stack.query("SELECT wal_records, wal_fpi, wal_bytes FROM pg_stat_wal")[0]
    commits = stack.query("SELECT datname, xact_commit, xact_rollback, deadlocks FROM pg_stat_database"
                          " WHERE datname = ANY ('{" + ",".join(databases) + "}')")
    return {
        "tables": tables,
        "wal": [int(value) for value in wal],
        "transactions": {name: [int(value) for value in values] for name, *values in commits},
        "topics": kafka_clients.end_offsets(stack.env),
    }


def rows_report(before, after, orders):
    """Differences per order. A row version is an insert or an update; an index entry is one B-tree entry per index for
    every version that is not HOT."""
    per = 1 / orders if orders else 0
    tables, total = {}, [0.0] * 5
    for name, now in sorted(after["tables"].items()):
        was = before["tables"].get(name, [0] * 5)
        inserted, updated, hot, deleted = (now[i] - was[i] for i in range(4))
        if not inserted + updated + deleted:
            continue
        entries = (inserted + updated - hot) * now[4]
        values = [inserted, updated, hot, deleted, entries]
        total = [a + b for a, b in zip(total, values)]
        tables[name] = _rows(values, per)
    records, fpi, wal_bytes = (a - b for a, b in zip(after["wal"], before["wal"]))
    return {
        "orders": orders,
        "tables": tables,
        "all": _rows(total, per),
        "wal": {"bytes": round(wal_bytes * per, 1), "records": round(records * per, 2),
                "full_pages": round(fpi * per, 3)},
        "transactions": {name: round((now[0] - before["transactions"].get(name, [0])[0]) * per, 3)
                         for name, now in after["transactions"].items()},
        "deadlocks": sum(now[2] - before["transactions"].get(name, [0] * 3)[2]
                         for name, now in after["transactions"].items()),
        "messages": {name: round((topic["records"] - before["topics"].get(name, {"records": 0})["records"]) * per, 3)
                     for name, topic in after["topics"].items()},
    }


def _rows(values, per):
    inserted, updated, hot, deleted, entries = values
    return {"inserted": round(inserted * per, 3), "updated": round(updated * per, 3),
            "versions": round((inserted + updated) * per, 3), "deleted": round(deleted * per, 3),
            "hot_share": round(hot / updated, 4) if updated else None, "index_entries": round(entries * per, 3)}


def lowest_id_since(seconds):
    """The smallest UUIDv7 of this millisecond: order ids from now on are not below it."""
    digits = f"{int(seconds * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000"


# ---- latencies --------------------------------------------------------------------------------------

def percentiles_ms(values_us):
    """Nearest rank; None without values."""
    ordered = sorted(values_us)

    def at(share):
        return round(ordered[max(1, math.ceil(share * len(ordered))) - 1] / 1000, 3) if ordered else None

    return {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p99.9": at(0.999), "max": at(1)}
