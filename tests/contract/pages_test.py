"""Pages of docs/ that could say one thing while the project does another."""

import json
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OTHER_WORDS = (r"\b(backlog|catch-?up|dead[- ]lettered|dedup\w*|event (?:log|store)|high[- ]water\w*|quarantin\w*|"
               r"message queue|roll-?back event|shelved|watermark)\b")
sys.path += [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "bench")]
import kafka_access  # pylint: disable=wrong-import-position
import performance_page
import shell_commands
from markdown_text import broken_links, prose


def pages():
    folders = ("docs", "tests", "libs", "examples", "proto-events")
    return [*ROOT.glob("*.md"), *(page for folder in folders for page in sorted((ROOT / folder).rglob("*.md")))]


class Glossary(unittest.TestCase):
    """Words that people meet in alerts and runbooks, and find in docs/architecture.md."""

    @classmethod
    def setUpClass(cls):
        page = (DOCS / "architecture.md").read_text()
        cls.section = page.split("## Glossary\n")[1].split("\n## ")[0]
        cls.rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", cls.section, re.M)[1:]
        cls.rest = {path: prose(path.read_text().replace(cls.section, ""))
                    for path in [ROOT / "README.md", *DOCS.rglob("*.md")]}

    def test_it_has_about_thirty_terms_in_order(self):
        terms = [term for term, _, _ in self.rows]
        self.assertGreater(len(terms), 29)
        self.assertEqual(terms, sorted(terms))

    def test_each_term_is_used_in_some_page(self):
        for terms, _, _ in self.rows:
            for term in terms.split(", "):
                with self.subTest(term):
                    word = re.compile(r"\b" + term.replace(" ", r"\s+") + r"s?\b", re.I)
                    self.assertTrue(any(word.search(text) for text in self.rest.values()))

    def test_what_is_told_in_full_is_there(self):
        for term, _, link in self.rows:
            with self.subTest(term):
                self.assertRegex(link, r"^\[.+\]\(.+\)$")
                self.assertEqual(broken_links(DOCS / "architecture.md", link), [])

    def test_a_runbook_calls_things_by_their_terms(self):
        """Other words for them, which a reader would not find in the glossary."""
        page = (DOCS / "operating.md").read_text()
        runbook = page.split("## What to do when …\n")[1].split("\n## ")[0]
        for text in (runbook, (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()):
            self.assertEqual(re.findall(OTHER_WORDS, text, re.I), [])


class Links(unittest.TestCase):
    def test_what_a_page_links_to_is_there(self):
        for page in pages():
            with self.subTest(str(page.relative_to(ROOT))):
                self.assertEqual(broken_links(page, page.read_text()), [])


class Commands(unittest.TestCase):
    def test_each_command_of_ours_in_a_page_is_one(self):
        known, seen = shell_commands.options(), {}
        for page in pages():
            name = str(page.relative_to(ROOT))
            for command in shell_commands.in_page(page.read_text()):
                seen[name] = seen.get(name, 0) + (command[0] in known)
                with self.subTest(f"{name}: {' '.join(command)}"):
                    self.assertIsNone(shell_commands.wrong(command, known))
        self.assertGreater(seen["docs/operating.md"], 50)


class AccessToKafka(unittest.TestCase):
    maxDiff = None

    def test_the_table_is_what_follows_from_the_catalog(self):
        published, wanted = kafka_access.published(), kafka_access.wanted()
        self.assertEqual(published.keys(), set(kafka_access.PRINCIPALS))
        for user, rights in wanted.items():
            with self.subTest(user):
                self.assertEqual(published[user], rights)


class Performance(unittest.TestCase):
    maxDiff = None

    def test_the_page_is_what_the_measurement_wrote(self):
        figures = json.loads((DOCS / "performance.json").read_text())
        self.assertEqual((DOCS / "performance.md").read_text(), performance_page.render(figures))

    def test_the_figures_are_those_of_a_whole_run(self):
        figures = json.loads((DOCS / "performance.json").read_text())
        self.assertEqual(list(figures["loads"]), ["closed", "500/s", "200/s", "20/s"])
        for name, load in figures["loads"].items():
            self.assertGreaterEqual(load["duration_s"], 60, name)
        self.assertGreaterEqual(figures["limit"]["orders"], 60_000)


if __name__ == "__main__":
    unittest.main()
