"""Writes what is derived from docs/capacity.json: the page docs/capacity.md, the requests and limits of Kubernetes, the
limits of docker-compose.yml. A test compares all of them with that file."""

import json
import math
import re

from stack_of_containers import ROOT, SERVICES

FIGURES = ROOT / "docs" / "capacity.json"
PAGE = ROOT / "docs" / "capacity.md"
COMPOSE = ROOT / "docker-compose.yml"
RESOURCES = ROOT / "deploy" / "kubernetes" / "base" / "resources.yaml"
LIMITED = (*SERVICES, "edge", "sandbox", "gateway")  # docs/compose.md has the limits of all others
CONTAINER = {"edge": "nginx"}  # name of the container in the Deployment; that of a service is `service`


def write(figures):
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
    PAGE.write_text(page(figures))
    RESOURCES.write_text(resources(figures))
    COMPOSE.write_text(compose(COMPOSE.read_text(), figures))


def up_to(value, step):
    return math.ceil(value / step) * step


def request_mb(figures, part):
    """Returns one and a half times the memory that the part held at the steady rate."""
    return up_to(1.5 * figures["loads"]["200/s"]["memory_mb"][part], 16)


def limit_mb(figures, part):
    """Returns four times the most memory that the part held under any load, and at least 256: after an outage a
    consumer fetches the backlog in larger pieces, and each WebSocket takes some kilobytes (the loads opened none)."""
    return max(256, up_to(4 * max(load["memory_mb"][part] for load in figures["loads"].values()), 32))


def request_cpu(figures, part):
    """Returns thousandths of a core at the steady rate. CPU has no limit: if one service is throttled, all services
    that wait for it are late."""
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
    """Returns the text of docker-compose.yml with these memory limits."""
    for part in LIMITED:
        text, found = re.subn(rf"(^  {part}:\n(?:    .*\n|\n)*?    deploy: {{resources: {{limits: {{memory: )\d+m",
                              rf"\g<1>{limit_mb(figures, part)}m", text, flags=re.M)
        if found != 1:
            raise ValueError(f"{part}: docker-compose.yml must have exactly one memory limit for it")
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
        "`tests/compose/run --capacity` writes this page. It starts [docker-compose.yml](compose.md) (three brokers,\n"
        "everything encrypted), puts it under load and measures. A test compares this page, the requests and limits of\n"
        "Kubernetes and the limits of docker-compose.yml with [capacity.json](capacity.json).",
        f"Measured on {figures['day']} on one machine: {machine['cores']} cores of {machine['cpu']}, {machine['memory_mb']:,}"
        " MB.\nAll containers and the load generator share this machine. There were two loads, of 60 s each:",
        "- *200/s*: 200 orders per second, sent at this rate whatever the answers are;\n"
        "- *closed*: 256 connections; each sends its next order when the answer to the order before has arrived.",
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
        "- *Cores* are CPU-seconds for 1,000 orders. At a low rate an order costs more, because the batches are smaller.\n"
        "- *MB* is the most memory that the process has held since its start. For a part with several processes, it is the\n"
        "  memory that all of them hold together at the end.\n"
        "- PostgreSQL's tables grow with each order and keep it. PostgreSQL's log and Kafka's topics are limited by their\n"
        "  retention.\n"
        "- The *limit program* wrote the same rows and messages right after the loads, without any decisions, at\n"
        f"  {figures['limit_per_s']:,} orders per second. It used PostgreSQL and one Kafka broker without containers,"
        " encryption and\n  replicas ([tests/bench](../tests/bench/README.md)).",
        "## What follows",
        table(["", "request: CPU", "request: memory", "limit: memory"], [
            [name, f"{request_cpu(figures, name)}m", f"{request_mb(figures, name)} MB", f"{limit_mb(figures, name)} MB"]
            for name in (*SERVICES, "edge")]),
        "The request for CPU is what one instance needs for 200 orders per second. The request for memory is one and a half\n"
        "times the memory that one instance held at that rate.",
        "The limit for memory is four times the most memory that one instance held under any load, and at least 256 MB. There\n"
        "are two reasons for this room: after an outage a consumer fetches the backlog in larger pieces, and each WebSocket\n"
        "takes some kilobytes (the loads opened none). CPU has no limit: if one service is throttled, all services that wait\n"
        "for it are late.",
    ]) + "\n"
