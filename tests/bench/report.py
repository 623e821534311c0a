"""Results of run and rows as text. The figures beside them are the project's own limits."""

import math
import statistics

from stack import SERVICES

ROW_VERSIONS_BUDGET = 18
HOT_SHARE_WANTED = 0.95
CPU_SECONDS_BUDGET = 1.0
SERVICE_MEMORY_BUDGET_MB = 100


def table(rows):
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                                      for i, (cell, width) in enumerate(zip(row, widths))) for row in rows)


def _number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def _settings(stack):
    machine, kafka = stack["machine"], dict(stack["kafka"])
    lines = [f"machine     {machine['cores']} cores ({machine['cpu']}), {machine['memory_mb']} MB,"
             f" Linux {machine['kernel']}"]
    database = dict(stack["postgresql"])
    lines.append(f"PostgreSQL  {database.pop('version')}: " + ", ".join(f"{k}={v}" for k, v in database.items()))
    if kafka:
        lines.append(f"Kafka       {kafka.pop('version')}: " + ", ".join(f"{k}={v}" for k, v in kafka.items()))
    lines.append(f"sandbox     delay {stack['gateway_delay_ms']} ms")
    return "\n".join(lines)


def _load(result):
    load, orders = result["load"], result["orders"]
    shape = (f"closed loop, {load['closed']} connections" if load["mode"] == "closed"
             else f"open loop, {load['rate_per_s']:g} orders/s, {load['arrivals']} arrivals")
    statuses = ", ".join(f"{count} x {status}" for status, count in load["statuses"].items()) or "none"
    errors = ", ".join(f"{count} {name}" for name, count in load["errors"].items()) or "none"
    states = ", ".join(f"{count} {state}" for state, count in sorted(orders["states"].items())) or "none"
    return "\n".join([
        f"load        {shape}, {load['duration_s']} s after {load['warmup_s']} s, through {result['target']}",
        f"answers     {statuses}; errors: {errors}; never sent: {load['never_sent']};"
        f" connections: {load['most_connections']}",
        f"orders      {states}; lost: {orders['missing']}; unfinished: {orders['unfinished']};"
        f" all final {result['final_after_s']} s after the load; checkpoints: {result['checkpoints']}",
        f"completed   {result['completed_per_s']} orders/s in the window;"
        f" completed or cancelled {result['final_per_s']}/s"])


def _latencies(result):
    names = ("p50", "p90", "p99", "p99.9", "max")
    rows = [("milliseconds", *names)]
    orders = result["orders"]
    for title, values in (("accept", result["load"]["accept_ms"]), ("end to end", orders["end_to_end_ms"]),
                          ("beyond the gateway's delay", result["beyond_gateway_ms"]),
                          ("end to end, cancelled", orders["cancelled_ms"])):
        if values["p50"] is not None:
            rows.append((title, *(_number(values[name]) for name in names)))
    return table(rows)


def _kinds(result):
    if result["load"]["mix"] == "clean":
        return ""
    rows = [("kind of order", "orders", "end", "p50 ms", "p99 ms", "max ms")]
    for kind in result["orders"]["kinds"]:
        end = " ".join(filter(None, (kind["state"], kind["reason"], "" if kind["as_expected"] else "NOT EXPECTED")))
        rows.append((kind["kind"], kind["orders"], end, *(_number(kind["ms"][name]) for name in ("p50", "p99", "max"))))
    cancellations = ", ".join(f"{count} x {status}" for status, count in result["load"]["cancellations"].items())
    return table(rows) + (f"\n  cancellations asked for: {cancellations}" if cancellations else "")


def _costs(result):
    cpu, memory = result["cpu"], result["memory_mb"]
    rows = [("part", "CPU-s / 1000 orders", "peak RSS MB", "PSS MB")]
    parts = [name for name in cpu["per_1000_orders"] if name in memory or name == "load"]
    for name in sorted(parts, key=lambda part: (part not in SERVICES, part)):
        rows.append((name, _number(cpu["per_1000_orders"][name], 3),
                     *(memory[name].values() if name in memory else ("-", "-"))))
    rows.append((f"services + PostgreSQL + Kafka (limit {CPU_SECONDS_BUDGET})",
                 _number(cpu["services_postgresql_kafka"], 3), "", ""))
    everything = round(sum(part["pss"] for part in memory.values()), 1)
    rows.append(("all parts", _number(cpu["all_parts"], 3), "", everything))
    rows.append((f"machine ({cpu['cores_busy']} cores busy, {cpu['cores_stolen']} stolen)",
                 _number(cpu["machine"], 3), "", ""))
    biggest = max((memory[name]["peak_rss"] for name in SERVICES if name in memory), default=0)
    return table(rows) + f"\n  biggest service {biggest} MB (limit {SERVICE_MEMORY_BUDGET_MB})"


def _pools(result):
    rows = [("connections to the database", "number", "busy %")]
    rows += [(service, pool["connections"], _number(pool["busy_share"] * 100, 1))
             for service, pool in result["pools"].items()]
    return table(rows)


def rows_table(rows):
    lines = [("per order", "inserted", "updated", "versions", "HOT %", "index entries", "deleted")]
    for name, row in [*rows["tables"].items(), ("all", rows["all"])]:
        hot = None if row["hot_share"] is None else row["hot_share"] * 100
        lines.append((name, *(_number(row[key]) for key in ("inserted", "updated", "versions")), _number(hot, 1),
                      _number(row["index_entries"]), _number(row["deleted"])))
    transactions = ", ".join(f"{name} {value:.2f}" for name, value in sorted(rows["transactions"].items()))
    messages = ", ".join(f"{name} {value:.2f}" for name, value in sorted(rows["messages"].items()) if value)
    wal = rows["wal"]
    return "\n".join([
        f"{rows['orders']} orders; limits: {ROW_VERSIONS_BUDGET} row versions, {HOT_SHARE_WANTED:.0%} of updates HOT",
        table(lines),
        f"  WAL per order: {wal['bytes']:.0f} bytes, {wal['records']:.1f} records, {wal['full_pages']:.2f} full pages",
        f"  transactions per order: {transactions}; deadlocks: {rows['deadlocks']}",
        f"  messages per order: {messages}"])


def load_table(result):
    return "\n\n".join(filter(None, [_load(result), _latencies(result), _kinds(result)]))


def run_table(result):
    return "\n\n".join([_settings(result["stack"]), load_table(result), _costs(result), _pools(result),
                        rows_table(result["rows"])])


def comparison(result, wanted):
    rates = result["final_per_s"]
    return (f"completed or cancelled: clean {rates['clean']:.1f}/s, mixed {rates['mixed']:.1f}/s,"
            f" ratio {result['ratio']:.3f} (asked for: {wanted})")


def limit_table(result):
    limit, cpu = result["limit"], result["cpu"]
    parts = cpu["per_1000_orders"]
    return "\n\n".join([
        _settings(result["stack"]),
        f"limit       {limit['orders_per_s']:.0f} orders/s: {limit['orders']} orders in {limit['seconds']:.1f} s,"
        f" batches of {limit['batch']}\n"
        f"CPU         PostgreSQL {parts['postgres']:.3f}, Kafka {parts['kafka']:.3f},"
        f" bench-limit {parts['writer']:.3f}, machine {cpu['machine']:.3f} CPU-s per 1,000 orders;"
        f" {cpu['cores_busy']} cores busy",
        rows_table(result["rows"])])


def recovery_table(result, within_s):
    """Kills grouped by service, and the percentiles over all."""
    rows = [("kill -9 of", "kills", "ready s", "normal s, median", "normal s, max", "orders refused or unanswered")]
    for service in dict.fromkeys(kill["service"] for kill in result["kills"]):
        kills = [kill for kill in result["kills"] if kill["service"] == service]
        ready = max(kill["ready_s"] for kill in kills)
        times = sorted(math.inf if kill["normal_s"] is None else kill["normal_s"] for kill in kills)
        refused = {}
        for kill in kills:
            for status, count in kill["refused"].items():
                refused[status] = refused.get(status, 0) + count
        rows.append((service, len(kills), _number(ready), _number(statistics.median(times), 1), _number(times[-1], 1),
                     ", ".join(f"{count} x {status}" for status, count in refused.items()) or "none"))
    times = result["normal_s"]
    return "\n\n".join([
        _settings(result["stack"]),
        f"load        {result['rate_per_s']:g} orders/s, {result['orders']} in all; lost: {result['lost']};"
        f" unfinished: {result['unfinished']}\n"
        f"before      median end to end {result['median_ms']} ms; normal means below {result['limit_ms']} ms",
        table(rows),
        f"normal again after  p50 {times['p50']} s, p95 {times['p95']} s (limit {within_s:g} s), max {times['max']} s"])
