"""deploy/prometheus/alerts.yml: promtool takes the rules and their unit tests; each alert has a case in which it fires
and one in which it does not; what the rules name stands in docs/operating.md, and what that page alarms on has a rule."""

import functools
import pathlib
import re
import subprocess
import sys
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))
from markdown_text import anchors  # pylint: disable=wrong-import-position

RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
UNIT_TESTS = RULES.with_name("alerts_test.yml")
PAGE = ROOT / "docs" / "operating.md"
ROW = re.compile(r"^\| `(orderflow_\w+)` \| .* \| ([^|]*) \|$", re.M)  # a metric, and the last column
NAME = re.compile(r"\borderflow_[a-z_]+")


@functools.cache
def groups():
    """{group: its rules}"""
    return {group["name"]: group["rules"] for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]}


def rules():
    return [rule for group in groups().values() for rule in group]


@functools.cache
def unit_tests():
    return yaml.safe_load(UNIT_TESTS.read_text(encoding="utf-8"))["tests"]


def firing(alert):
    return f'ALERTS{{alertname="{alert}",alertstate="firing"}}'


def alarms():
    """{metric: what to alarm on}, of the page's table"""
    return dict(ROW.findall(PAGE.read_text(encoding="utf-8")))


def named(rule):
    """The metrics of orderflow that a rule's expression names; those of a histogram by its name."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in NAME.findall(rule["expr"])}


class Alerts(unittest.TestCase):
    maxDiff = None

    def promtool(self, *arguments):
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_prometheus_takes_the_rules(self):
        self.promtool("check", "rules", str(RULES))

    def test_each_alert_fires_when_its_unit_test_says_so(self):
        self.promtool("test", "rules", str(UNIT_TESTS))

    def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(self):
        for rule in rules():
            alert = rule["alert"]
            with self.subTest(alert):
                own = [test for test in unit_tests() if test["name"] == alert]
                fires = [case for test in own for case in test.get("promql_expr_test", [])
                         if case["expr"] == firing(alert) and case.get("exp_samples")]
                quiet = [case for test in own for case in test.get("alert_rule_test", [])
                         if case["alertname"] == alert and not case.get("exp_alerts")]
                self.assertTrue(fires, "no case in which it fires")
                self.assertTrue(quiet, "no case in which it does not")

    def test_each_unit_test_is_of_an_alert(self):
        self.assertEqual({test["name"] for test in unit_tests()} - {rule["alert"] for rule in rules()}, set())

    def test_each_alert_says_what_it_is_and_what_to_do(self):
        for rule in rules():
            with self.subTest(rule["alert"]):
                self.assertRegex(rule["alert"], r"^Orderflow([A-Z][a-z0-9]+)+$")
                self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook_url"})

    def test_no_name_is_used_twice(self):
        names = [rule["alert"] for rule in rules()]
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_a_text_names_only_labels_that_the_alert_has(self):
        for rule in rules():
            used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
            for test in unit_tests():
                for case in test["promql_expr_test"] if test["name"] == rule["alert"] else []:
                    for sample in case["exp_samples"]:
                        with self.subTest(rule["alert"]):
                            self.assertEqual(used - set(re.findall(r'(\w+)="', sample["labels"])), set())

    def test_each_runbook_is_a_section_of_the_page(self):
        there = anchors(PAGE.read_text(encoding="utf-8"))
        for rule in rules():
            with self.subTest(rule["alert"]):
                page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
                self.assertEqual(page, "docs/operating.md")
                self.assertIn(anchor, there)

    def test_each_metric_of_orderflow_stands_in_the_table(self):
        table = alarms()
        for rule in rules():
            with self.subTest(rule["alert"]):
                self.assertEqual(named(rule) - table.keys(), set())
        for rule in groups()["orderflow"]:
            with self.subTest(rule["alert"]):
                self.assertTrue(named(rule) or re.search(r"\bup\{", rule["expr"]), "names no metric of orderflow")

    def test_each_alarm_of_the_table_has_an_alert(self):
        wanted = {metric for metric, alarm in alarms().items() if alarm != "–"}
        self.assertGreater(len(wanted), 25)
        self.assertEqual(wanted - set().union(*map(named, groups()["orderflow"])), set())


if __name__ == "__main__":
    unittest.main()
