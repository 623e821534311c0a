"""docs/operating.md against what runs: every option of every program, every metric of every service, both ways."""

import pathlib
import re
import subprocess
import unittest

from stack import ROOT, SERVICES, SystemTest, request

PAGE = pathlib.Path(ROOT) / "docs" / "operating.md"
ROW = re.compile(r"^\| `(orderflow_\w+)` \| (counter|gauge|histogram) \| (.*?) \| (.*?) \|", re.M)


def written():
    """{service: {metric: (type, labels)}} as the page has it; and the metrics that are not there from the start."""
    found, later = {service: {} for service in SERVICES}, set()
    for name, kind, labels, services in ROW.findall(PAGE.read_text()):
        if services == "orderctl check":
            continue  # watch_test.py
        for service in SERVICES if services == "all" else services.split(", "):
            found[service][name] = (kind, sorted(re.findall(r"`(\w+)`", labels)))
        if "from the first" in labels:
            later.add(name)
    return found, later


def served(text):
    """{metric: (type, labels)} of a /metrics page; labels that every sample of it has, `le` aside."""
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    found = {}
    for name, labels in re.findall(r"^(\w+?)(?:\{(.*)\})? [^ ]+$", text, re.M):
        family = next((base for base in (name, re.sub(r"_(bucket|sum|count)$", "", name)) if base in kinds), name)
        keys = set(re.findall(r"(\w+)=\"", labels)) - {"le"}
        found[family] = (kinds.get(family), found.get(family, (None, frozenset()))[1] | keys)
    return {name: (kind, sorted(keys)) for name, (kind, keys) in found.items()}


class Page(SystemTest):
    maxDiff = None

    def test_every_option_of_every_program_stands_there(self):
        done = subprocess.run([pathlib.Path(ROOT) / "scripts" / "write-options", "--check", "--bin",
                               self.stack.env["STACK_BIN"]], capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_metric_stands_there_and_none_that_is_not_served(self):
        self.final(self.place(self.order(self.product())))
        pages, later = written()
        for service, page in pages.items():
            answer = request("GET", self.stack.url(service, "/metrics"))
            self.assertEqual(answer.status, 200)
            there = served(answer.body.decode())
            self.assertEqual(there, {name: what for name, what in page.items()
                                     if name in there or name not in later}, service)


if __name__ == "__main__":
    unittest.main()
