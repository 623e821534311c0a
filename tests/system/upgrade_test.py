"""A database that the release before migrations made, with orders under way, as stored in stored/001: taken over,
migrated, and every order brought to its end.

The files are what pg_dump and the gateway's ledger held after kill -9 of all services, 66 orders into a mixed load.
There is no Kafka with them: the relays find other topics than the stored ones, and send their ledgers again.
"""

import pathlib
import sqlite3
import subprocess
import unittest

from beside import DATABASES, Servers
from stack import eventually, request

STORED = pathlib.Path(__file__).parent / "stored" / "001"
VERSION = "651e9574c541d512"  # of schema orders, as it was


class Stored(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = Servers()
        cls.addClassCleanup(cls.servers.close)
        for database in DATABASES.values():
            cls.psql_file(database, STORED / f"{database}.sql")
        data = pathlib.Path(cls.servers.env["STACK_DATA"])
        (data / "seeded").touch()  # the stored catalogue is enough
        with sqlite3.connect(data / "gateway" / "ledger.sqlite") as ledger:
            ledger.executescript((STORED / "gateway.sql").read_text())
        cls.before = {database: cls.numbers(database) for database in DATABASES.values()}
        # Charges that the gateway answers late need not take a minute here.
        cls.servers.script("up", "--no-build", "--no-demo", "--build-dir", cls.servers.bin.parent,
                           GATEWAY_SLOW_MS="500")
        cls.servers.read()

    @classmethod
    def psql_file(cls, database, file):
        env = cls.servers.env
        done = subprocess.run([f"{env['POSTGRES_BIN']}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d",
                               f"{env['ADMIN_DATABASE_URL']} dbname={database}", "-f", file],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{file}: {done.stderr}")

    @classmethod
    def numbers(cls, database):
        """How many rows the ledger holds, and the first event."""
        return cls.servers.psql(f"SELECT count(*), min(event_id::text) FROM {database}.outbox", database)

    def test_it_is_migrated_and_every_order_ends(self):
        stuck = lambda: self.servers.ctl("stuck")[0] == 0
        self.assertTrue(eventually(60, stuck, pause_s=0.5), self.servers.ctl("stuck")[1])
        code, verdict = self.servers.ctl("check", "--quiesce", "30")
        self.assertEqual(code, 0, verdict)
        states = dict(line.split("|") for line in self.servers.psql(
            "SELECT state, count(*) FROM orders.orders GROUP BY 1", "orders").splitlines())
        self.assertEqual(sum(map(int, states.values())), 66)
        self.assertEqual(set(states), {"COMPLETED", "CANCELLED"})
        self.assertGreater(int(states["COMPLETED"]), 7)  # that many had been when it was stored

    def test_nothing_is_lost_and_the_build_before_could_start(self):
        for database, before in self.before.items():
            with self.subTest(database):
                count, first = before.split("|")
                rows = self.servers.psql(f"SELECT count(*), min(event_id::text) FROM {database}.outbox",
                                         database).split("|")
                self.assertGreaterEqual(int(rows[0]), int(count))
                self.assertEqual(rows[1], first)
                owners = self.servers.psql(
                    "SELECT DISTINCT relowner::regrole FROM pg_class"
                    f" WHERE relnamespace = '{database}'::regnamespace", database)
                self.assertEqual(owners, f"{database}_owner")
        version = self.servers.psql("SET ROLE orders; SELECT version FROM orders.schema_version", "orders")
        self.assertEqual(version, VERSION)

    def test_an_idempotency_key_of_then_gives_the_order_of_then(self):
        order = self.servers.psql("SELECT order_id FROM orders.idempotency_keys WHERE key = 'stored-0'", "orders")
        body = {"customerId": "CUST-000",
                "items": [{"productId": "ITEM-001", "name": "Laptop", "price": 1500, "quantity": 1}]}
        answer = request("POST", f"{self.servers.env['ORDER_URL']}/api/orders", body, {"Idempotency-Key": "stored-0"})
        self.assertEqual((answer.status, answer.json()["orderId"]), (202, order))


if __name__ == "__main__":
    unittest.main()
