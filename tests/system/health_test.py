"""/actuator/health: what of the database, Kafka and the schema is away, and that it says so again when it is back."""

import subprocess

from beside import DATABASES
from processes import frozen
from stack import Stack, eventually, request
from start_test import BesideTest


class Health(BesideTest):
    def health(self, service, **wanted):
        """The answer, once its components are as wanted: db="UP", …"""
        def look():
            answer = service.get("/actuator/health")
            components = {name: part["status"] for name, part in answer.json()["components"].items()}
            up = all(status == "UP" for status in components.values())
            self.assertEqual((answer.status, answer.json()["status"]), (200, "UP") if up else (503, "DOWN"))
            return answer.json() if wanted.items() <= components.items() else None
        found = eventually(25, look)
        self.assertTrue(found, f"not {wanted}: {service.get('/actuator/health').body}")
        return found

    def test_each_component_goes_down_and_comes_back(self):
        database, kafka = self.way("database"), self.way("kafka")
        services = [self.service(name, database, kafka) for name in ("order", "analytics")]
        for service in services:
            self.health(service, db="UP", kafka="UP", schema="UP")
        with frozen(int(self.servers.env["KAFKA_PID"])):
            for service in services:
                down = self.health(service, db="UP", kafka="DOWN", schema="UP")
                self.assertIn("no answer", down["components"]["kafka"]["detail"])
                self.assertTrue(service.ready(), "without Kafka it serves")
        for service in services:
            self.health(service, db="UP", kafka="UP", schema="UP")
        database.silent()
        for service in services:
            self.health(service, db="DOWN", schema="UP")
        database.open()
        for service in services:
            self.health(service, db="UP", kafka="UP", schema="UP")
            self.check_ends(service)

    def test_a_schema_that_lacks_a_migration_is_named(self):
        self.servers.empty("shipping")
        self.addCleanup(self.servers.migrate, "shipping")
        service = self.service("shipping", self.way("database"), self.way("kafka"))
        self.health(service, db="UP", schema="DOWN")
        named = lambda: "was not migrated yet" in self.health(service, schema="DOWN")["components"]["schema"]["detail"]
        self.assertTrue(eventually(5, named))  # once it has looked
        self.assertEqual(self.probe(service.base + "/actuator/health"), 1)
        self.servers.migrate("shipping")
        self.health(service, db="UP", kafka="UP", schema="UP")

    def probe(self, url):
        """The exit code of --probe, which every program has."""
        codes = {subprocess.run([self.servers.bin / program, "--probe", url], capture_output=True, check=False,
                                timeout=10).returncode
                 for program in [f"{name}-service" for name in DATABASES] + ["gateway-sandbox"]}
        self.assertEqual(len(codes), 1, codes)
        return codes.pop()

    def test_probe_says_by_its_exit_code_what_a_url_answers(self):
        stack = Stack()
        self.assertEqual(self.probe(stack.url("order", "/readyz")), 0)
        self.assertEqual(self.probe(stack.url("order", "/readyz").replace("127.0.0.1", "localhost")), 0)
        self.assertEqual(self.probe(stack.url("order", "/nothing")), 1)
        self.assertEqual(self.probe("http://127.0.0.1:1/readyz"), 1)
        self.assertEqual(self.probe("ftp://127.0.0.1/"), 1)

    def test_the_edge_has_no_health(self):
        self.assertEqual(request("GET", Stack().url("edge", "/actuator/health")).status, 404)

