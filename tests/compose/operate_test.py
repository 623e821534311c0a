"""The work of an operator on a running docker-compose.yml: an upgrade, new certificates, a backup, a preflight
check."""

import re
import subprocess
import tempfile
import time

from compose_test import FIRST_ORDER_S, RATE, ContainersTest, setUpModule, tearDownModule  # noqa: F401  # pylint: disable=unused-import
from stack import request
from stack_of_containers import PROJECT, ROOT, SERVICES

KEPT = ("kafka-1", "kafka-2", "kafka-3", "postgres", "prometheus")
PRESENTING = ("kafka-1", "kafka-2", "kafka-3", "postgres", "gateway", "edge")
UPGRADE_ORDERS = 9000
UNANSWERED = 200  # requests in the one to three seconds without the edge, and on connections that were closed


class Operated(ContainersTest):
    def script(self, name, **settings):
        done = subprocess.run([ROOT / "deploy/compose" / name], text=True, timeout=600, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self.containers.environment | {"COMPOSE_PROJECT_NAME": PROJECT} | settings)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def ids(self, *services):
        found = self.containers.inspect()
        return {service: found[service][0]["Id"] for service in services}

    def told(self, *command, place):
        """Runs a command of a page for operators in the directory `place`, and returns its output."""
        done = subprocess.run(command, text=True, timeout=600, check=False, cwd=place, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self.containers.environment | {"COMPOSE_PROJECT_NAME": PROJECT,
                                                                 "COMPOSE_FILE": str(ROOT / "docker-compose.yml")})
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def started(self):
        return {service: found[0]["State"]["StartedAt"] for service, found in self.containers.inspect().items()}

    def test_preflight_finds_nothing_bad(self):
        told = self.containers.compose("run", "--rm", "orderctl", "preflight", check=False)
        self.assertEqual(told.returncode, 0, told.stdout)

    def test_an_upgrade_under_load(self):
        """Upgrades to another tag: no order is lost or doubled, and no other container is recreated."""
        images = self.containers.docker("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter",
                                        "reference=orderflow/*:test").stdout.split()
        for image in images:
            self.containers.docker("tag", image, image.replace(":test", ":next"))
        kept, started = self.ids(*KEPT), self.started()
        took_s = []
        def upgrade():
            begin = time.monotonic()
            self.script("upgrade", ORDERFLOW_VERSION="next")
            took_s.append(time.monotonic() - begin)
            self.containers.look_again()
        load = self.judged(UPGRADE_ORDERS, upgrade)
        self.assertLess(took_s[0], UPGRADE_ORDERS / RATE, "the load ended before it")
        self.assertEqual(self.ids(*KEPT), kept)
        self.assertEqual({service for service in KEPT if self.started()[service] > started[service]}, {"prometheus"})
        for service in (*SERVICES, "edge", "check", "sandbox", "gateway"):
            running = [one["Config"]["Image"] for one in self.containers.inspect()[service]]
            self.assertEqual([image.rsplit(":", 1)[1] for image in running], ["next"], service)
        print(f"upgrade: {took_s[0]:.0f} s, {load.sent} requests, {load.sent - len(load.accepted)} not accepted", flush=True)
        self.assertLessEqual(load.sent - len(load.accepted), UNANSWERED)
        self.script("upgrade", ORDERFLOW_VERSION="test")
        self.containers.look_again()

    def test_a_backup_is_made_under_load_and_restored(self):
        """Uses the commands of docs/compose.md. The backup does not contain orders that are placed after it."""
        section = (ROOT / "docs/compose.md").read_text().split("### A backup")[1]
        backup, restore = re.findall(r"```sh\n(.*?)```", section, re.S)[:2]
        some = sorted(self.judged(200).accepted)

        def shown():
            return {order: request("GET", f"{self.containers.edge}/api/orders/{order}").json() for order in some}
        before = shown()
        with tempfile.TemporaryDirectory() as place:
            self.judged(1000, lambda: self.assertNotIn("FAILED", self.told("bash", "-c", backup, place=place)))
            self.containers.down("--volumes")
            self.assertIn("clean", self.told("bash", "-ec", restore, place=place))
        self.containers.look_again()
        self.assertEqual(shown(), before)
        self.containers.await_order(FIRST_ORDER_S)

    def test_certificates_are_renewed_and_presented(self):
        """This includes a certificate that `docker compose up` has renewed without a restart of its server."""
        self.assertEqual(self.script("renew-certificates"), "")
        before, started = self.ids(*PRESENTING), self.started()
        (self.containers.volume("ca") / "gateway.pem").unlink()
        self.containers.compose("run", "--rm", "secrets")
        (self.containers.volume("ca") / "kafka-2.pem").unlink()
        self.assertIn("made the certificate of kafka-2", self.script("renew-certificates"))
        self.containers.look_again()
        self.assertEqual(self.ids(*PRESENTING), before)
        self.assertEqual({service for service, when in self.started().items() if when > started[service]}, {"gateway", "kafka-2"})
        self.assertEqual(self.script("renew-certificates"), "")
        self.containers.await_order(FIRST_ORDER_S)
