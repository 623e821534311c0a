"""What all tests of pages share: a browser for each test, and for each class a stack of its own, since they take minutes
and mostly wait."""

import os

from browser import browser, complaints, text

from beside import Servers
from stack import SystemTest, eventually


class PageTest(SystemTest):
    expected = "404"  # what a test itself provokes

    @classmethod
    def setUpClass(cls):
        servers = Servers("--no-demo")
        cls.addClassCleanup(servers.close)
        common = os.environ["ORDERFLOW_TEST_STACK"]
        cls.addClassCleanup(os.environ.update, {"ORDERFLOW_TEST_STACK": common})
        os.environ["ORDERFLOW_TEST_STACK"] = f"{servers.state}/stack.env"

    def setUp(self):
        super().setUp()
        held = browser()
        self.driver = held.__enter__()
        self.addCleanup(held.__exit__, None, None, None)

    def tearDown(self):
        self.assertEqual([line for line in complaints(self.driver) if self.expected not in line], [])

    def open(self, path):
        self.driver.get(self.stack.url("edge", path))
        self.assertTrue(self.soon(lambda: text(self.driver, "#content") and not self.driver.execute_script(
            "return document.getElementById('content').getAttribute('aria-busy') === 'true'")), "the page stays empty")

    def soon(self, predicate, deadline_s=15):
        return eventually(deadline_s, predicate, 0.05)

    def see(self, selector, expected, deadline_s=15):
        self.soon(lambda: text(self.driver, selector) == expected, deadline_s)
        self.assertEqual(text(self.driver, selector), expected)

    def seen_number(self, selector):
        digits = text(self.driver, selector).replace(",", "")
        return int(digits) if digits.isdecimal() else None

    def unchanged(self):
        """A mark in the page, which a reload would take away."""
        self.driver.execute_script("window.sameView = true")
        return lambda: self.driver.execute_script("return window.sameView === true")

    def links(self, selector):
        return self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((node) => node.href)", selector)
