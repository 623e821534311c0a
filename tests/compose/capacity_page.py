"""What follows from docs/capacity.json: the page docs/capacity.md, the requests and limits of Kubernetes, the limits of
docker-compose.yml. A test holds all of them to it."""

import json
import math
import re

from stack_of_containers import ROOT, SERVICES

FIGURES = ROOT / "docs" / "capacity.json"
PAGE = ROOT / "docs" / "capacity.md"
COMPOSE = ROOT / "docker-compose.yml"
RESOURCES = ROOT / "deploy" / "kubernetes" / "base" / "resources.yaml"
LIMITED = (*SERVICES, "edge", "sandbox", "gateway")  # of all others docs/compose.md says it
CONTAINER = {"edge": "nginx"}  # of the Deployment; the services': service


def write(figures):
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
    PAGE.write_text(page(figures))
    RESOURCES.write_text(resources(figures))
    COMPOSE.write_text(compose(COMPOSE.read_text(), figures))


def up_to(value, step):
    return math.ceil(value / step) * step


def request_mb(figures, part):
    """What it held at the steady rate, and a half more."""
    return up_to(1.5 * figures["loads"]["200/s"]["memory_mb"][part], 16)


def limit_mb(figures, part):
    """Four times the most that it held under any load, and at least 256: a backlog after an outage is fetched in larger
    pieces, and WebSockets, of which there were none, take some kilobytes each."""
    return max(256, up_to(4 * max(load["memory_mb"][part] for load in figures["loads"].values()), 32))


def request_cpu(figures, part):
    """Thousandths of a core at the steady rate. CPU has no limit: who throttles a service delays everybody behind it."""
    return up_to(figures["loads"]["200/s"]["cores"][part] * figures["rate"], 25)


def resources(figures):
    text = "# Written by `tests/compose/run --capacity` from docs/capacity.json: patches of the Deployments.\n"
    for part in (*SERVICES, "edge"):
        text += f"""---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {part}
spec:
  template:
    spec:
      containers:
        - name: {CONTAINER.get(part, "service")}
          resources:
            requests: {{cpu: {request_cpu(figures, part)}m, memory: {request_mb(figures, part)}Mi, ephemeral-storage: 16Mi}}
            limits: {{memory: {limit_mb(figures, part)}Mi, ephemeral-storage: 64Mi}}
"""
    return text


def compose(text, figures):
    """The file with these memory limits."""
    for part in LIMITED:
        text, found = re.subn(rf"(^  {part}:\n(?:    .*\n|\n)*?    deploy: {{resources: {{limits: {{memory: )\d+m",
                              rf"\g<1>{limit_mb(figures, part)}m", text, flags=re.M)
        if found != 1:
            raise ValueError(f"{part}: no one limit in docker-compose.yml")
    return text


def table(head, rows):
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def page(figures):
    loads, machine = figures["loads"], figures["machine"]
    each = lambda title, value: [title, *(value(load) for load in loads.values())]
    parts = list(loads["200/s"]["cores"])
    together = lambda load: f"{math.fsum(load['memory_mb'][name] for name in SERVICES):.0f}"
    return "\n\n".join([
        "# Capacity",
        "Written by `tests/compose/run --capacity`, which starts [docker-compose.yml](compose.md) (three brokers, everything\n"
        "encrypted), loads it and measures; a test holds this page, the requests and limits of Kubernetes and the limits of\n"
        f"docker-compose.yml to [capacity.json](capacity.json). {figures['day']}, {machine['cores']} cores of {machine['cpu']},"
        f" {machine['memory_mb']:,} MB;\neverything shares them, the load generator too. *200/s*: 200 orders per second, whatever"
        " the answers; *closed*: 256\nconnections, each sends an order after the last one's answer. For both 60 s.",
        table(["", *loads], [
            each("orders completed per second", lambda load: f"{load['completed_per_s']:,.1f}"),
            each("… of what the limit program writes", lambda load: f"{load['completed_per_s'] / figures['limit_per_s']:.0%}"),
            each("cores for 1,000 orders per second", lambda load: f"{math.fsum(load['cores'].values()):.2f}"),
            *(each(f"… {part}", lambda load, part=part: f"{load['cores'][part]:.2f}") for part in parts),
            each("bytes per order in PostgreSQL's tables and indexes", lambda load: f"{load['bytes_per_order']['postgresql']:,}"),
            each("bytes per order in PostgreSQL's log", lambda load: f"{load['bytes_per_order']['wal']:,}"),
            each("bytes per order in Kafka, on all brokers", lambda load: f"{load['bytes_per_order']['kafka']:,}"),
            each("connections of the services to PostgreSQL", lambda load: sum(load["connections"]["postgresql"].values())),
            each("connections to Kafka's brokers", lambda load: load["connections"]["kafka"]),
            each("MB, the five services together", together),
            *(each(f"… {name}", lambda load, name=name: f"{load['memory_mb'][name]:.0f}") for name in (*SERVICES, "edge")),
        ]),
        "*Cores* are CPU-seconds for 1,000 orders: the fewer orders come at once, the more each costs, since less is done\n"
        "together. *MB*: the most that the process has held since its start; of several, what all of them hold at the end.\n"
        "PostgreSQL's tables grow by each order for good; its log and Kafka's topics are bounded by their retention.\n"
        "The limit program wrote the same rows and messages at "
        f"{figures['limit_per_s']:,}/s right after, deciding nothing, into a PostgreSQL\nand one Kafka without containers,"
        " encryption and replicas ([tests/bench](../tests/bench/README.md)).",
        "## What follows",
        table(["", "request: CPU", "request: memory", "limit: memory"], [
            [name, f"{request_cpu(figures, name)}m", f"{request_mb(figures, name)} MB", f"{limit_mb(figures, name)} MB"]
            for name in (*SERVICES, "edge")]),
        "Requests are what one instance needs for 200 orders per second (memory: and a half more), limits four times the\n"
        "most memory that it held under any load, and at least 256 MB: after an outage a backlog is fetched in larger pieces,\n"
        "and WebSockets, of which there were none, take some kilobytes each. CPU has no limit: who throttles a service delays\n"
        "everybody behind it.",
    ]) + "\n"
