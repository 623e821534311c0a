"""A service serves from its first moment and waits beside that, for its database and for Kafka, for as long as it takes
and in whatever order they come; and whatever it waits for, it ends when it is told to."""

import contextlib
import itertools
import signal
import subprocess
import threading
import unittest
import uuid

from beside import DATABASES, Program, Servers, Way
from processes import frozen, metric
from stack import SERVICES, eventually, request

UNKNOWN = "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"
ORDER = {"customerId": "CUST-1", "items": [{"productId": "ITEM-1", "name": "Laptop", "price": 1500, "quantity": 1}]}
OFFER = {"name": "Laptop", "price": 1500, "stock": 1000}
# (service, method, path, body, status with a database and without Kafka)
ROUTES = (("order", "POST", "/api/orders", ORDER, 202), ("order", "GET", "/api/orders?customerId=CUST-1", None, 200),
          ("order", "GET", f"/api/orders/{UNKNOWN}", None, 404),
          ("order", "POST", f"/api/orders/{UNKNOWN}/cancellations", None, 404),
          ("payment", "GET", f"/api/payments/{UNKNOWN}", None, 404),
          ("inventory", "GET", "/api/products/NONE", None, 404),
          ("inventory", "PUT", f"/api/products/ITEM-{UNKNOWN}", OFFER, (201, 428)),  # 428: it was created before
          ("shipping", "GET", f"/api/shipments/{UNKNOWN}", None, 404),
          ("analytics", "GET", "/api/analytics", None, 200), ("analytics", "GET", "/api/analytics/throughput", None, 200),
          ("analytics", "GET", "/api/analytics/waiting", None, 200),
          ("analytics", "GET", f"/api/orders/{UNKNOWN}/timeline", None, 404))
LIVE_WITHIN_S = 2
STOP_WITHIN_S = 10


class BesideTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = Servers()
        cls.addClassCleanup(cls.servers.close)
        cls.servers.make_topics()
        for name in SERVICES:
            cls.servers.migrate(name)

    def setUp(self):
        self.ending = contextlib.ExitStack()
        self.addCleanup(self.ending.close)

    def way(self, to, state="open"):
        ports = {"database": self.servers.env["POSTGRES_PORT"],
                 "kafka": self.servers.env["KAFKA_BROKERS"].rsplit(":", 1)[1]}
        way = Way(ports[to], state)
        self.ending.callback(way.shut)
        return way

    def service(self, name, database, kafka, *flags, url=None, **environment):
        command = [self.servers.bin / f"{name}-service", "--port", "0", "--brokers", f"127.0.0.1:{kafka.port}",
                   "--group-id", f"start-{uuid.uuid4()}", *flags]
        url = url or self.servers.database_url(name, database.port)
        return self.ending.enter_context(Program(command, {"DATABASE_URL": url} | environment))

    def services(self, database, kafka):
        return {name: self.service(name, database, kafka) for name in SERVICES}

    def check_alive(self, service):
        self.assertEqual(service.get("/livez").status, 200)
        self.assertEqual(service.get("/metrics").status, 200)

    def check_routes(self, services, without_database=False):
        for name, method, path, body, status in ROUTES:
            if name not in services:
                continue
            with self.subTest(f"{name}: {method} {path}"):
                ask = lambda: request(method, services[name].base + path, body)
                if without_database:
                    answer = ask()
                    self.assertEqual((answer.status, answer.json()["type"]), (503, "/problems/unavailable"))
                    self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
                else:
                    wanted = status if isinstance(status, tuple) else (status,)
                    self.assertTrue(eventually(5, lambda: ask().status in wanted), ask().status)

    def check_ends(self, service, sign=signal.SIGTERM):
        code, took = service.stop(sign)
        self.assertEqual(code, 0, f"after {took:.1f} s: {''.join(service.log)}")


class Start(BesideTest):
    def test_without_kafka_all_is_served_and_the_rest_follows_when_it_comes(self):
        for state in ("shut", "silent"):
            with self.subTest(kafka=state):
                database, kafka = self.way("database"), self.way("kafka", state)
                services = self.services(database, kafka)
                for name, service in services.items():
                    self.check_alive(service)
                    ready = eventually(5, service.ready)
                    self.assertTrue(ready, f"{name} is not ready: {''.join(service.log)}")
                    self.assertTrue(any(step.startswith("kafka") for step in ready["waiting"]), ready)
                    self.assertEqual(metric(service.base, "orderflow_start_steps", step="kafka"), 1)
                    self.assertEqual(metric(service.base, "orderflow_start_steps", step="database"), 0)
                self.check_routes(services)
                kafka.open()
                for service in services.values():
                    self.assertTrue(eventually(30, lambda: (service.ready() or {}).get("waiting") == []), service.log)
                sent = lambda: metric(services["order"].base, "orderflow_relay_seq", position="confirmed") >= 1
                self.assertTrue(eventually(20, sent), "the order that was accepted is not sent")
                for service in services.values():
                    self.check_ends(service)

    def test_without_a_database_all_is_503_and_heals_by_itself(self):
        for state in ("shut", "silent"):
            with self.subTest(database=state):
                database, kafka = self.way("database", state), self.way("kafka")
                services = self.services(database, kafka)
                for service in services.values():
                    self.check_alive(service)
                    self.assertEqual(service.get("/readyz").status, 503)
                    self.assertEqual(metric(service.base, "orderflow_start_steps", step="database"), 1)
                self.check_routes(services, without_database=True)
                database.open()
                for service in services.values():
                    self.assertTrue(eventually(30, lambda: (service.ready() or {}).get("waiting") == []), service.log)
                self.check_routes(services)
                for service in services.values():
                    self.check_ends(service)

    def test_without_both_in_either_order(self):
        for first in ("database", "kafka"):
            with self.subTest(first=first):
                ways = {name: self.way(name, "shut") for name in ("database", "kafka")}
                services = self.services(ways["database"], ways["kafka"])
                for service in services.values():
                    self.check_alive(service)
                    self.assertEqual(service.get("/readyz").status, 503)
                ways.pop(first).open()
                for service in services.values():
                    done = lambda: metric(service.base, "orderflow_start_steps",
                                          step=first) == 0 and service.get("/livez").status == 200
                    self.assertTrue(eventually(20, done), service.log)
                    self.assertEqual(service.get("/readyz").status, 200 if first == "database" else 503)
                for way in ways.values():
                    way.open()
                for service in services.values():
                    self.assertTrue(eventually(30, lambda: (service.ready() or {}).get("waiting") == []), service.log)
                for service in services.values():
                    self.check_ends(service)

    def test_a_schema_that_is_not_migrated_is_waited_for_and_named(self):
        database, kafka = self.way("database"), self.way("kafka", "shut")
        name = "inventory"
        self.servers.empty(name)
        waiting, stopped = self.service(name, database, kafka), self.service(name, database, kafka)
        for service in (waiting, stopped):
            self.check_alive(service)
            reason = lambda: service.get("/readyz").json()["detail"]
            self.assertTrue(eventually(5, lambda: "schema inventory was not migrated yet" in reason()), reason())
            self.assertEqual(service.get("/readyz").status, 503)
            self.check_routes({name: service}, without_database=True)
        self.check_ends(stopped)
        self.servers.migrate(name)
        self.assertTrue(eventually(10, waiting.ready), waiting.log)

    def test_what_waiting_does_not_mend_ends_the_process_with_one_clear_line(self):
        database, kafka = self.way("database"), self.way("kafka", "shut")
        self.servers.psql("UPDATE shipping.schema_migrations SET sha256 = '0' WHERE series = 'shipping' AND number = 1",
                          "shipping")
        self.addCleanup(lambda: (self.servers.empty("shipping"), self.servers.migrate("shipping")))
        wrong = self.servers.database_url("payment", database.port, password="wrong")
        for name, url, text in (("shipping", None, "001_shipments.sql was applied with a different text"),
                                ("payment", wrong, "password")):
            with self.subTest(name):
                service = self.service(name, database, kafka, url=url)
                self.assertEqual(service.code(15), 1)
                self.assertEqual(len(service.messages("critical")), 1, service.log)
                self.assertIn(text, service.messages("critical")[0])

    def test_a_database_that_is_made_a_moment_later_is_waited_for(self):
        database, kafka = self.way("database"), self.way("kafka", "shut")
        name = f"later_{uuid.uuid4().hex}"
        service = self.service("payment", database, kafka,
                               url=self.servers.database_url("payment", database.port, dbname=name))
        self.check_alive(service)
        self.assertTrue(eventually(5, lambda: any(name in message for message in service.messages("warning"))))
        self.assertEqual(service.get("/readyz").status, 503)
        self.servers.psql(f"CREATE DATABASE {name} OWNER payments_owner")
        self.servers.migrate("payment", dbname=name)
        self.assertTrue(eventually(10, service.ready), service.log)
        self.check_routes({"payment": service})

    def test_topics_that_are_missing_are_named_and_waited_for(self):
        """Without Kafka orders are accepted all the same; a Kafka without topics is a stack that is not set up."""
        bare = Servers()
        self.addCleanup(bare.close)
        bare.migrate("order")
        database, kafka = Way(bare.env["POSTGRES_PORT"]), Way(bare.env["KAFKA_BROKERS"].rsplit(":", 1)[1])
        self.ending.callback(database.shut)
        self.ending.callback(kafka.shut)
        service = self.service("order", database, kafka, url=bare.database_url("order", database.port))
        reason = lambda: service.get("/readyz").json().get("detail", "")
        self.assertTrue(eventually(15, lambda: "order-events: Broker: Unknown topic" in reason()), service.log)
        self.assertIn("orderctl topics apply", reason())
        self.assertEqual(service.get("/readyz").status, 503)
        self.assertEqual(metric(service.base, "orderflow_start_steps", step="kafka"), 1)
        self.check_alive(service)
        accepted = lambda: request("POST", service.base + "/api/orders", ORDER).status == 202
        self.assertTrue(eventually(10, accepted), service.log)  # 503 until its database is there: neither comes first
        bare.make_topics()
        self.assertTrue(eventually(20, lambda: (service.ready() or {}).get("waiting") == []), service.log)
        sent = lambda: metric(service.base, "orderflow_relay_seq", position="confirmed") >= 1
        self.assertTrue(eventually(20, sent), service.log)

    def test_a_database_that_takes_no_writes_is_not_ready(self):
        database, kafka = self.way("database"), self.way("kafka", "shut")
        service = self.service("analytics", database, kafka)
        self.assertTrue(eventually(10, service.ready), service.log)

        def read_only(on):
            self.servers.psql(f"ALTER SYSTEM SET default_transaction_read_only = {on}")
            self.servers.psql("SELECT pg_reload_conf()")
        self.addCleanup(read_only, "off")
        read_only("on")
        self.assertTrue(eventually(10, lambda: service.get("/readyz").status == 503))
        self.assertEqual(service.get("/api/analytics").status, 200)
        read_only("off")
        self.assertTrue(eventually(10, service.ready))


class Stop(BesideTest):
    def test_at_any_moment_of_waiting(self):
        """Every service with every kind of absence."""
        signals = itertools.cycle((signal.SIGTERM, signal.SIGINT))
        for database, kafka in itertools.product(("open", "shut", "silent"), repeat=2):
            services = self.services(self.way("database", database), self.way("kafka", kafka))
            for service in services.values():
                self.check_alive(service)
                if database == "open":
                    self.assertTrue(eventually(20, service.ready), service.log)
            for service in services.values():
                service.process.send_signal(next(signals))
            for name, service in services.items():
                with self.subTest(name, database=database, kafka=kafka):
                    self.assertEqual(service.code(STOP_WITHIN_S), 0, service.log)

    def test_while_requests_wait_for_a_database_that_does_not_answer(self):
        """Frozen under open connections, or away for new ones too; with what is queued for it."""
        for cut in (False, True):
            with self.subTest(connections_cut=cut):
                database, kafka = self.way("database"), self.way("kafka")
                services = self.services(database, kafka)
                for service in services.values():
                    self.assertTrue(eventually(30, lambda: (service.ready() or {}).get("waiting") == []), service.log)
                if cut:
                    database.shut()
                database.silent()
                for name, method, path, body, _ in ROUTES:
                    threading.Thread(target=self.ask, args=(method, services[name].base + path, body),
                                     daemon=True).start()
                self.assertTrue(eventually(5, lambda: metric(services["order"].base, "orderflow_http_connections") > 1))
                for service in services.values():
                    service.process.send_signal(signal.SIGTERM)
                for name, service in services.items():
                    self.assertEqual(service.code(STOP_WITHIN_S), 0, f"{name}: {''.join(service.log)}")

    @staticmethod
    def ask(method, url, body):
        with contextlib.suppress(OSError):
            request(method, url, body, timeout=30)

    def test_while_kafka_is_frozen(self):
        database, kafka = self.way("database"), self.way("kafka")
        services = self.services(database, kafka)
        for service in services.values():
            self.assertTrue(eventually(30, lambda: (service.ready() or {}).get("waiting") == []), service.log)
        with frozen(int(self.servers.env["KAFKA_PID"])):  # not the way: clients know the broker's own address by now
            self.assertEqual(request("POST", services["order"].base + "/api/orders", ORDER).status, 202)
            for service in services.values():
                service.process.send_signal(signal.SIGTERM)
            for name, service in services.items():
                self.assertEqual(service.code(STOP_WITHIN_S), 0, f"{name}: {''.join(service.log)}")


if __name__ == "__main__":
    unittest.main()
