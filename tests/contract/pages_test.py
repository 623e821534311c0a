"""Pages of docs/ that could say one thing while the project does another."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))
import kafka_access  # pylint: disable=wrong-import-position


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
