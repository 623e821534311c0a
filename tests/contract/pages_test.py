"""Pages of docs/ that could say one thing while the project does another."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OTHER_WORDS = (r"\b(backlog|catch-?up|dead[- ]lettered|dedup\w*|event (?:log|store)|high[- ]water\w*|quarantin\w*|"
               r"message queue|roll-?back event|shelved|watermark)\b")
sys.path.append(str(ROOT / "tests" / "support"))
import kafka_access  # pylint: disable=wrong-import-position
from markdown_text import broken_links, prose


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
        for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "tests").rglob("*.md"),
                     ROOT / "proto-events" / "README.md", ROOT / "examples" / "README.md"]:
            with self.subTest(str(page.relative_to(ROOT))):
                self.assertEqual(broken_links(page, page.read_text()), [])


class AccessToKafka(unittest.TestCase):
    maxDiff = None

    def test_the_table_is_what_follows_from_the_catalog(self):
        published, wanted = kafka_access.published(), kafka_access.wanted()
        self.assertEqual(published.keys(), set(kafka_access.PRINCIPALS))
        for user, rights in wanted.items():
            with self.subTest(user):
                self.assertEqual(published[user], rights)


if __name__ == "__main__":
    unittest.main()
