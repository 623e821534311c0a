"""A test that neither ctest nor its folder's own command knows is never run."""
import ast
import pathlib
import re
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
COMMANDS = {"compose": "run", "kubernetes": "cluster"}  # name the tests that they run


def classes_with_tests(file):
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef) and any(getattr(member, "name", "").startswith("test_") for member in node.body):
            yield node.name


class Listed(unittest.TestCase):
    def test_each_class_of_python_tests_is_run_by_something(self):
        missing, found = [], 0
        for file in sorted(TESTS.glob("*/*_test.py")):
            listing = file.parent / COMMANDS.get(file.parent.name, "CMakeLists.txt")
            words = set(re.findall(r"[\w.]+", re.sub(r"#.*", "", listing.read_text())))
            for name in classes_with_tests(file):
                found += 1
                if not words & {file.stem, f"{file.stem}.{name}"}:
                    missing.append(f"{file.parent.name}/{file.stem}.{name}")
        self.assertEqual(missing, [])
        self.assertGreater(found, 80)


if __name__ == "__main__":
    unittest.main()
