"""Who may do what in Kafka: the table "Access to Kafka" of docs/architecture.md, and what follows from the catalog.

Both as {principal: {(kind, name): {operation, …}}}; kind is "topic", "group" or "cluster". A group's name stands for
itself and for what begins with it.
"""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ("order-service", "payment-service", "inventory-service", "shipping-service", "analytics-service")
PRINCIPALS = (*SERVICES, "operator", "auditor", "monitoring")
CLUSTER = ("cluster", "")


def catalog():
    return json.loads((ROOT / "proto-events" / "catalog.json").read_text())


def topics():
    return [topic["name"] for topic in catalog()["topics"]]


def wanted():
    """What each has to do, and no more."""
    read, write = {name: set() for name in SERVICES}, {name: set() for name in SERVICES}
    for topic in catalog()["topics"]:
        for service in topic["producers"]:
            write[service].add(topic["name"])
    for event in catalog()["events"]:
        for service in event["consumers"]:
            read[service].add(event["topic"])
    rights = {}
    for service in SERVICES:
        rights[service] = {("group", service): {"READ", "DESCRIBE"}}
        rights[service] |= {("topic", name): {"WRITE", "DESCRIBE"} for name in write[service]}
        rights[service] |= {("topic", name): {"READ", "DESCRIBE"} for name in read[service]}
    groups = [("group", service) for service in SERVICES]
    every = [("topic", name) for name in topics()]
    looked_at = dict.fromkeys(every, {"READ", "DESCRIBE"}) | dict.fromkeys(groups, {"DESCRIBE"})
    for resource, operations in looked_at.items():  # by the page /kafka
        rights["analytics-service"].setdefault(resource, set()).update(operations)
    rights["operator"] = dict.fromkeys(every, {"READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER"})
    rights["operator"] |= dict.fromkeys(groups, {"READ", "DESCRIBE"})
    rights["auditor"] = dict.fromkeys(every, {"READ", "DESCRIBE", "DESCRIBE_CONFIGS"})
    rights["auditor"] |= dict.fromkeys(groups, {"DESCRIBE"})
    rights["monitoring"] = dict.fromkeys(every, {"DESCRIBE", "DESCRIBE_CONFIGS"})
    rights["monitoring"] |= dict.fromkeys(groups, {"DESCRIBE"}) | {CLUSTER: {"DESCRIBE"}}
    return rights


def published():
    section = (ROOT / "docs" / "architecture.md").read_text().split("### Access to Kafka\n")[1].split("\n### ")[0]
    rights = {}
    for principals, where, operations in re.findall(r"^\| (`.+?`) \| (.+?) \| ([A-Z_, ]+) \|$", section, re.M):
        for principal in names(principals):
            for resource in resources(where):
                assert resource not in rights.setdefault(principal, {}), f"{principal}, {resource}: two rows"
                rights[principal][resource] = set(operations.split(", "))
    return rights


def names(cell):
    return re.findall(r"`(.+?)`", cell)


def resources(cell):
    kind = re.search(r"topic|group|cluster", cell)[0]
    if kind == "cluster":
        return [CLUSTER]
    if not names(cell):
        return [(kind, name) for name in (topics() if kind == "topic" else SERVICES)]
    return [(kind, name.removesuffix("…")) for name in names(cell)]


def may(rights, operation, kind, name):
    """Whether these rights of one principal allow it."""
    return any(operation in operations and its_kind == kind and
               (its_name == name or kind == "group" and name.startswith(its_name))
               for (its_kind, its_name), operations in rights.items())
