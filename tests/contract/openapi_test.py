"""api/openapi.yaml describes the routes that the services have, all of them and no others, and gives examples that
are true. ORDERFLOW_ROUTES names the program that prints the routes."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import openapi  # noqa: E402

PROTOCOL = {"400", "408", "413", "414", "415", "417", "431", "500", "503", "504"}  # whatever the route


def operations():
    """(path, method, operation) of each"""
    for path, item in openapi.DOCUMENT["paths"].items():
        for method in openapi.METHODS:
            if method in item:
                yield path, method.upper(), item[method]


class OpenApi(unittest.TestCase):
    def test_every_route_is_described_and_nothing_else(self):
        printed = subprocess.run([os.environ["ORDERFLOW_ROUTES"]], check=True, capture_output=True, text=True).stdout
        described = {f"{tag} {method} {path}" for path, method, operation in operations() for tag in operation["tags"]}
        routes = {re.sub(r"/pages/\S+", "/pages/{file}", line) for line in printed.splitlines()}
        self.assertEqual((sorted(routes - described), sorted(described - routes)), ([], []),
                         "routes without a description, descriptions without a route")

    def test_every_operation_says_what_any_request_may_be_answered(self):
        for path, method, operation in operations():
            with self.subTest(f"{method} {path}"):
                self.assertEqual(PROTOCOL - operation["responses"].keys(), set())

    def test_what_a_foreign_page_may_not_do_may_be_answered_403(self):
        for path, method, operation in operations():
            with self.subTest(f"{method} {path}"):
                self.assertEqual("403" in operation["responses"], method != "GET" or path.startswith("/ws"))

    def test_every_example_is_valid(self):
        checked = 0
        for path, method, operation in operations():
            contents = [("request", operation["requestBody"])] if "requestBody" in operation else []
            contents += [(status, openapi.resolved(response)) for status, response in operation["responses"].items()]
            for what, content in contents:
                for name, media in content.get("content", {}).items():
                    for example in self.examples(media):
                        with self.subTest(f"{method} {path}: {what}"):
                            self.assertEqual(openapi.errors(example, media["schema"]), [])
                            checked += 1
        self.assertGreater(checked, 200)

    def examples(self, media):
        named = media.get("examples", {})
        return [media["example"]] if "example" in media else [one["value"] for one in named.values()]

    def test_every_reference_leads_somewhere(self):
        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    openapi.resolved(node)
                for child in node.values():
                    walk(child)
            elif isinstance(node, list):
                for child in node:
                    walk(child)
        walk(openapi.DOCUMENT)


if __name__ == "__main__":
    unittest.main()
