"""docs/performance.md out of docs/performance.json: the page has no figure and no word of its own."""

from stack import SERVICES

PERCENTILES = ("p50", "p90", "p99", "max")


def figures_of(runs, limit, commit, version, day):
    """What the page shows, of the results of `run`, {name: result}, and of `limit`, with which the first is compared."""
    stack = limit["stack"]
    first = next(iter(runs.values()))
    return {
        "day": day, "commit": commit, "version": version, "machine": stack["machine"], "kafka": stack["kafka"],
        "postgresql": stack["postgresql"], "gateway_delay_ms": first["stack"]["gateway_delay_ms"],
        "loads": {name: _load(result) for name, result in runs.items()},
        "limit": {"orders_per_s": round(limit["limit"]["orders_per_s"]), "orders": limit["limit"]["orders"],
                  "batch": limit["limit"]["batch"], "cpu": limit["cpu"], "rows": limit["rows"]["all"],
                  "share": round(first["completed_per_s"] / limit["limit"]["orders_per_s"], 3)},
    }


def _load(result):
    load = result["load"]
    rows = result["rows"]
    return {"mode": load["mode"], "connections": load["closed"], "rate_per_s": load["rate_per_s"],
            "duration_s": load["duration_s"], "completed_per_s": result["completed_per_s"],
            "accept_ms": load["accept_ms"], "end_to_end_ms": result["orders"]["end_to_end_ms"],
            "beyond_gateway_ms": result["beyond_gateway_ms"], "cpu": result["cpu"],
            "memory_mb": {name: memory["peak_rss"] for name, memory in result["memory_mb"].items()},
            "pools": result["pools"], "rows": rows["all"], "wal_bytes": rows["wal"]["bytes"],
            "transactions": round(sum(rows["transactions"].values()), 3),
            "messages": round(sum(rows["messages"].values()), 3)}


def table(head, rows, others="--:"):
    lines = [head, ["---"] + [others] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def number(value, digits=1):
    return "–" if value is None else f"{value:,.{digits}f}"


def words(settings, *without):
    return ", ".join(f"{name}={value}" for name, value in settings.items() if name not in without)


def render(figures):
    loads, limit = figures["loads"], figures["limit"]
    head = lambda title: [title, *loads]
    each = lambda title, value, digits=1: [title, *(number(value(load), digits) for load in loads.values())]
    return "\n\n".join([
        "# Performance",
        "Written by `tests/bench/performance --write`, which measures all of it in one run; a test holds the page to\n"
        "[performance.json](performance.json). How each figure is taken: [tests/bench](../tests/bench/README.md).",
        _setting(figures),
        "## Loads",
        "\n".join(_shape(name, load) for name, load in loads.items()),
        table(head(""), [
            each("orders completed per second", lambda load: load["completed_per_s"]),
            each("CPU-seconds per 1,000 orders: services, PostgreSQL, Kafka",
                 lambda load: load["cpu"]["services_postgresql_kafka"], 3),
            each("… with gateway, edge and load generator", lambda load: load["cpu"]["all_parts"], 3),
            each("cores busy, with all else on the machine", lambda load: load["cpu"]["cores_busy"], 2),
            each("cores that the machine's host gave to others", lambda load: load["cpu"]["cores_stolen"], 2)]),
        "## Against the limit",
        f"The limit writes the same rows and messages in batches of {limit['batch']}, reads nothing, decides nothing and\n"
        f"charges nobody: **{limit['orders_per_s']:,} orders/s** in this run ({limit['orders']:,} orders).\n"
        f"The load \"{next(iter(loads))}\" completed **{limit['share']:.0%}** of that.",
        "## Latency, milliseconds",
        "*Accept*: until the 202. *End to end*: until the order is final. *Beyond the gateway*: end to end without the\n"
        "sandbox's delay of a charge.",
        table(head(""), [each(f"{title}, {at}", lambda load, key=key, at=at: load[key][at])
                         for title, key in (("accept", "accept_ms"), ("end to end", "end_to_end_ms"),
                                            ("beyond the gateway", "beyond_gateway_ms")) for at in PERCENTILES]),
        "## CPU-seconds per 1,000 orders, by part",
        _parts(loads, limit),
        "## What one order writes",
        table([*head(""), "limit"], [
            each("row versions", lambda load: load["rows"]["versions"], 2) + [number(limit["rows"]["versions"], 2)],
            each("index entries", lambda load: load["rows"]["index_entries"], 2)
            + [number(limit["rows"]["index_entries"], 2)],
            each("updates that are HOT, %", lambda load: (load["rows"]["hot_share"] or 0) * 100)
            + [number((limit["rows"]["hot_share"] or 0) * 100)],
            each("bytes of WAL", lambda load: load["wal_bytes"], 0) + [""],
            each("transactions", lambda load: load["transactions"], 2) + [""],
            each("messages", lambda load: load["messages"], 2) + [""]]),
        "## Connections to the database: share of their time in statements, %",
        table([*head("service"), "connections"], [
            [service, *(number(load["pools"][service]["busy_share"] * 100) for load in loads.values()),
             next(iter(loads.values()))["pools"][service]["connections"]] for service in SERVICES]),
        "## Memory: most that each part's main process held, MB",
        table(["part", "at the end"], [[part, number(peak, 0)] for part, peak in
                                       list(loads.values())[-1]["memory_mb"].items()]),
    ]) + "\n"


def _setting(figures):
    machine = figures["machine"]
    return table(["measured", ""], [
        ["version", f"{figures['version']}, commit `{figures['commit']}`"],
        ["day", figures["day"]],
        ["machine", f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_mb']:,} MB,"
         f" Linux {machine['kernel']}; the stack, the sandbox gateway and the load generator share it"],
        ["PostgreSQL", f"{figures['postgresql']['version']}: {words(figures['postgresql'], 'version')}"],
        ["Kafka", f"{figures['kafka']['version']}, one broker: {words(figures['kafka'], 'version')}"],
        ["gateway", f"answers after {figures['gateway_delay_ms']} ms"]], "---")


def _shape(name, load):
    how = (f"{load['connections']} connections, each sends an order after the last one's answer"
           if load["mode"] == "closed" else f"{load['rate_per_s']:g} orders per second, whatever the answers")
    return f"- *{name}*: {how}; {load['duration_s']} s"


def _parts(loads, limit):
    used = {name: load["cpu"]["per_1000_orders"] for name, load in loads.items()}
    parts = [part for part in next(iter(used.values())) if part not in SERVICES and part != "load"]
    rows = [[part, *(number(cpu.get(part), 3) for cpu in used.values()),
             number(limit["cpu"]["per_1000_orders"].get(part), 3)] for part in [*SERVICES, *sorted(parts), "load"]]
    return table(["part", *loads, "limit"], rows)
