"""Which container can connect to which, which secrets it can read, and which rights it has. All else is refused."""

import json
import os
import pathlib
import socket
import stat
import subprocess
import unittest

from compose_test import STATE, setUpModule, tearDownModule  # noqa: F401  # pylint: disable=unused-import
from stack_of_containers import DATABASE, PORT, SERVICES, Containers, reachable

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
LISTENING = {**{name: (PORT[name],) for name in SERVICES}, **{name: (9092, 9093, 9094) for name in BROKERS},
             "postgres": (5432,), "sandbox": (3010,), "gateway": (3011,), "edge": (3000, 3443), "prometheus": (9090,),
             "alertmanager": (9093,), "check": (9465,)}
DATA = (*BROKERS, "postgres")
# The connections that the networks allow. Kafka and PostgreSQL also require a password or a certificate.
MEANT = {
    **{name: {*SERVICES, *DATA, "edge", "prometheus", "check"} for name in SERVICES},
    **{name: {*DATA, *SERVICES, "check"} for name in DATA},
    "edge": {*SERVICES, "prometheus", "alertmanager", "edge"}, "sandbox": {"gateway"}, "gateway": {"sandbox", "payment", "check"},
    "prometheus": {*SERVICES, "edge", "alertmanager", "check"}, "alertmanager": {"prometheus", "edge", "check"},
    "check": {*DATA, *SERVICES, "gateway", "prometheus", "alertmanager"}}
MEANT["payment"] = MEANT["payment"] | {"gateway"}
SECRETS = {
    **{name: {"ca.pem", "database", "kafka"} for name in SERVICES},
    "payment": {"ca.pem", "database", "kafka", "gateway"}, "sandbox": {"ca.pem", "gateway"},
    "gateway": {"ca.pem", "gateway.pem"}, "edge": {"ca.pem", "edge.pem"}, "check": {"ca.pem", "kafka", "gateway", "database-auditor"},
    **{name: {"ca.pem", "broker.pem"} for name in BROKERS}}
PUBLISHED = {"edge": {3000, 3443}, "prometheus": {9090}, "alertmanager": {9093}}
OURS = (*SERVICES, "sandbox", "gateway", "edge", "check")


class Denied(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.containers = Containers(STATE)
        self.found = self.containers.inspect()

    def running(self, name):
        return self.found[name][0]

    def test_who_reaches_whom(self):
        """Connects to the addresses of the others from the network of each container."""
        targets = [(name, network["IPAddress"], port) for name, ports in LISTENING.items() for port in ports
                   for network in self.running(name)["NetworkSettings"]["Networks"].values()]
        for name, meant in MEANT.items():
            others = [target for target in targets if target[0] != name]
            reached = {target for target, _ in reachable(self.running(name)["State"]["Pid"], others)}
            self.assertLessEqual(reached, meant - {name}, name)
            self.assertEqual(reached, {other for other in meant if other != name and self.share_a_network(name, other)}, name)

    def share_a_network(self, one, other):
        networks = [set(self.running(name)["NetworkSettings"]["Networks"]) for name in (one, other)]
        return bool(networks[0] & networks[1])

    def test_nobody_but_the_edge_and_prometheus_has_a_way_out(self):
        for name, containers in self.found.items():
            if containers[0]["State"]["Status"] != "running":
                continue
            pid = containers[0]["State"]["Pid"]
            routes = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "route"], capture_output=True, text=True,
                                    check=True).stdout
            self.assertEqual("default" in routes, name in PUBLISHED, name)

    def test_who_sees_which_secret(self):
        for name, wanted in SECRETS.items():
            container = self.running(name)
            root = pathlib.Path(f"/proc/{container['State']['Pid']}/root")
            place = root / ("etc/kafka/secrets" if name in BROKERS else "run/secrets")
            self.assertEqual({file.name for file in place.iterdir()}, wanted, name)
            uid = int(container["Config"]["User"].split(":")[0])
            for file in place.iterdir():
                status = file.stat()
                self.assertEqual((status.st_uid, stat.S_IMODE(status.st_mode)), (uid, 0o400), f"{name}: {file.name}")

    def test_who_reads_the_secrets_of_jobs(self):
        """Reads the volumes of the jobs, because a job that has ended has no running container."""
        roles = {"postgres", "operator", "auditor"}.union(*({name, f"{name}_owner"} for name in DATABASE.values()))
        users = {"operator", "auditor", "monitoring", *(f"{name}-service" for name in SERVICES)}
        wanted = {
            "postgres": dict.fromkeys({"ca.pem", "postgres.pem", *(f"roles/{role}" for role in roles)}, 999),
            "topics": dict.fromkeys({"ca.pem", "topics.pem", *(f"users/{user}" for user in users)}, 10011),
            "operator": dict.fromkeys({"ca.pem", "kafka", "gateway", "database-operator", "database-auditor"}, 10008),
            "migrations": {file: int(self.running(name)["Config"]["User"].split(":")[0])
                           for name in SERVICES for file in (name, f"{name}-ca.pem")}}
        for volume, files in wanted.items():
            place = self.containers.secrets(volume)
            found = {str(file.relative_to(place)): (file.stat().st_uid, stat.S_IMODE(file.stat().st_mode))
                     for file in place.rglob("*") if file.is_file()}
            self.assertEqual(found, {file: (uid, 0o400) for file, uid in files.items()}, volume)

    def test_no_secret_in_environments_and_command_lines(self):
        passwords = [file.read_text() for file in (self.containers.secrets("operator").parent.parent).glob(
            f"{self.containers.secrets('operator').parent.name.replace('operator-secrets', 'ca')}/_data/passwords/**/*")
            if file.is_file()]
        self.assertGreater(len(passwords), 20)
        told = json.dumps(list(self.found.values())) + self.containers.logs()
        for password in passwords:
            self.assertNotIn(password, told)

    def test_what_a_container_may(self):
        for name in OURS:
            container = self.running(name)
            status = pathlib.Path(f"/proc/{container['State']['Pid']}/status").read_text()
            lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            self.assertGreater(int(lines["Uid"].split()[0]), 10000, name)
            self.assertEqual(int(lines["CapBnd"], 16), 0, name)
            self.assertEqual(lines["NoNewPrivs"], "1", name)
            self.assertEqual(lines["Seccomp"], "2", name)
            self.assertTrue(container["HostConfig"]["ReadonlyRootfs"], name)
            self.assertGreater(container["HostConfig"]["Memory"], 0, name)
            root = pathlib.Path(f"/proc/{container['State']['Pid']}/root")
            for shell in ("bin/sh", "bin/bash", "usr/bin/sh", "bin/busybox", "usr/bin/dpkg", "usr/bin/apt-get"):
                self.assertFalse((root / shell).exists(), f"{name} has {shell}")

    def test_what_is_published(self):
        """All published ports are on loopback."""
        published = {}
        for name, containers in self.found.items():
            for port, bindings in (containers[0]["NetworkSettings"]["Ports"] or {}).items():
                for binding in bindings or ():
                    self.assertEqual(binding["HostIp"], "127.0.0.1", f"{name} {port}")
                    published.setdefault(name, set()).add(int(port.split("/")[0]))
        self.assertEqual(published, PUBLISHED)

    def test_postgres_lets_each_role_into_its_own_database(self):
        passwords = self.containers.secrets("postgres") / "roles"
        psql = next(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))
        for role in ("orders", "payments", "inventory", "shipping", "analytics"):
            for database in ("orders", "payments", "inventory", "shipping", "analytics", "postgres"):
                done = subprocess.run(
                    [psql, "-X", "-d", f"host=postgres dbname={database} user={role} sslmode=verify-full"
                     f" sslrootcert={self.containers.secrets('operator') / 'ca.pem'}", "-c", "SELECT 1"],
                    env=os.environ | {"PGPASSWORD": (passwords / role).read_text()}, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode == 0, role == database, f"{role} on {database}: {done.stderr}")

    def test_postgres_speaks_no_plain_text(self):
        psql = next(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))
        password = (self.containers.secrets("postgres") / "roles" / "orders").read_text()
        done = subprocess.run([psql, "-X", "-d", "host=postgres dbname=orders user=orders sslmode=disable", "-c", "SELECT 1"],
                              env=os.environ | {"PGPASSWORD": password}, capture_output=True, text=True, check=False)
        self.assertIn("no encryption", done.stderr)

    def test_kafka_wants_a_certificate_of_who_administers_it(self):
        with socket.create_connection(("kafka-1", 9094), 5) as plain:
            plain.sendall(b"\x00\x00\x00\x10\x00\x12\x00\x00\x00\x00\x00\x01\x00\x06nobody")
            plain.settimeout(5)
            try:
                self.assertIn(plain.recv(4)[:1], (b"", b"\x15"))  # closed, or a TLS alert
            except ConnectionResetError:
                pass
