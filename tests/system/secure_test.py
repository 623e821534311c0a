"""scripts/up --secure: what is encrypted, who is refused, certificates that are renewed under load; and the logs of all
tests, in which no secret may stand."""

import contextlib
import http.client
import json
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
import uuid

import leaks
from beside import Program, Servers
from stack import Stack, eventually

HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
           "Strict-Transport-Security": "max-age=300"}


class Secure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = Servers("--no-demo")  # without encryption first: its data are taken over
        cls.addClassCleanup(cls.servers.close)
        cls.before = cls.place_plain()
        try:
            cls.servers.up("--secure", "--no-demo")
            cls.while_running = "it was not refused"
        except AssertionError as refused:
            cls.while_running = str(refused)
        cls.servers.script("down")
        cls.servers.up("--secure", "--no-demo")
        cls.tls = pathlib.Path(cls.servers.env["STACK_TLS"])
        folder = tempfile.TemporaryDirectory(prefix="orderflow-secure-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.other_ca = cls.folder / "other.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=other", "-keyout", "/dev/null", "-out", cls.other_ca], check=True,
                       capture_output=True)

    @classmethod
    def place_plain(cls):
        edge = http.client.HTTPConnection("127.0.0.1", int(cls.servers.env["EDGE_PORT"]), timeout=10)
        with contextlib.closing(edge):
            answer = cls.ask(edge, "POST", "/api/orders", cls.order())
            if answer.status != 202:
                raise AssertionError(answer.body)
            return json.loads(answer.body)["orderId"]

    @staticmethod
    def order():
        return {"customerId": "CUST-1",
                "items": [{"productId": "ITEM-001", "name": "Laptop", "price": 1500, "quantity": 1}]}

    @staticmethod
    def ask(connection, method, path, body=None, headers=None):
        connection.request(method, path, body and json.dumps(body),
                           {"Content-Type": "application/json"} | (headers or {}))
        answer = connection.getresponse()
        answer.body = answer.read()
        return answer

    def connection(self):
        context = ssl.create_default_context(cafile=self.tls / "ca.pem")
        return contextlib.closing(http.client.HTTPSConnection("localhost", int(self.servers.env["EDGE_TLS_PORT"]),
                                                              timeout=10, context=context))

    def edge(self, method, path, body=None, headers=None):
        """Over a connection of its own, so by a handshake of its own."""
        with self.connection() as connection:
            return self.ask(connection, method, path, body, headers)

    def place(self, key=None):
        answer = self.edge("POST", "/api/orders", self.order(), {"Idempotency-Key": key} if key else None)
        self.assertEqual(answer.status, 202, answer.body)
        return json.loads(answer.body)["orderId"]

    def check_completes(self, *orders):
        with self.connection() as connection:
            def status(order):
                return json.loads(self.ask(connection, "GET", f"/api/orders/{order}").body)["status"]
            for order in orders:
                self.assertTrue(eventually(30, lambda: status(order) == "COMPLETED"), f"{order}: {status(order)}")

    def port(self, name):
        ports = dict(line.split() for line in (pathlib.Path(self.servers.state) / "ports").read_text().splitlines())
        return int(ports[name])

    def psql(self, more, sql="SELECT 1"):
        """(output, errors) as the auditor, with `more` added to the connection string."""
        done = subprocess.run([f"{self.servers.env['POSTGRES_BIN']}/psql", "-X", "-At", "-c", sql, "-d",
                               f"{self.servers.env['AUDITOR_ORDERS_DATABASE_URL']} {more}"], capture_output=True,
                              text=True, check=False, timeout=30)
        return done.stdout.strip(), done.stderr

    # ---- it works, and stays as it is

    def test_orders_complete_over_https_with_the_data_of_before(self):
        self.check_completes(self.before, self.place())

    def test_a_stack_that_runs_stays_as_it_is(self):
        self.assertIn("this stack runs without encryption; stop it first", self.while_running)
        self.servers.script("down", "--only", "shipping")
        self.servers.up("--no-demo")  # without --secure
        self.assertTrue(self.servers.env["EDGE_URL"].startswith("https://localhost:"))
        self.check_completes(self.place())

    def test_encryption_goes_and_comes_back(self):
        self.servers.script("down")
        self.servers.up("--no-demo")
        self.assertTrue(self.servers.env["EDGE_URL"].startswith("http://"))
        plain = self.place_plain()
        self.servers.script("down")
        self.servers.up("--secure", "--no-demo")
        self.check_completes(plain, self.place())

    def test_the_operators_tool_reaches_everything(self):
        for command in (("lag",), ("topics", "show"), ("check", "--quiesce", "20")):
            code, said = self.servers.ctl(*command)
            self.assertEqual(code, 0, f"{command}: {said}")

    def test_the_operators_tool_says_why_it_is_not_let_in(self):
        wrong = self.folder / "not-the-operators"
        wrong.write_text("wrong\n")
        code, said = self.servers.ctl("--kafka-password-file", wrong, "preflight")
        self.assertIn("Authentication failed", str(said))
        self.assertEqual(code, 1, said)
        users = self.servers.env["STACK_KAFKA_USERS"]
        for command in (("preflight", "--access"), ("topics", "show", "--users", users)):
            code, said = self.servers.ctl(*command)  # as the operator, who is no administrator
            self.assertIn("only an administrator may", str(said), command)
            self.assertEqual(code, 1 if command[0] == "preflight" else 2, said)

    def test_preflight_believes_no_certificate_that_payment_would_not(self):
        def gateway(*flags):
            code, findings = self.servers.ctl("preflight", *flags)
            verdicts = {finding["what"]: (finding["verdict"], finding["text"]) for finding in findings}
            return code, verdicts["certificate of the gateway"], verdicts["gateway's answer"]

        code, certificate, answer = gateway()
        self.assertEqual((code, certificate[0], answer[0]), (0, "good", "good"))
        code, certificate, answer = gateway("--gateway-ca-file", str(self.other_ca))
        self.assertEqual((code, certificate[0], answer[0]), (1, "bad", "bad"))
        self.assertIn("is not trusted", certificate[1])
        wrong = self.folder / "not-payments"
        wrong.write_text("wrong\n")
        code, certificate, answer = gateway("--gateway-credentials-file", str(wrong))
        self.assertEqual((code, certificate[0], answer[0]), (1, "good", "bad"))
        self.assertIn("refuses the credentials", answer[1])
        self.assertEqual(self.servers.ctl("topics", "hold", "--by", "kim", "--patience-s", "20")[0], 0)
        try:
            code, findings = self.servers.ctl("preflight")
            held = [finding["text"] for finding in findings if "held by kim" in finding["text"]]
            self.assertEqual((code, len(held)), (1, 4), findings)
        finally:
            self.servers.ctl("topics", "release")

    # ---- the edge

    def test_who_comes_without_tls_is_sent_to_where_it_is(self):
        plain = http.client.HTTPConnection("localhost", int(self.servers.env["EDGE_PORT"]), timeout=10)
        with contextlib.closing(plain):
            for method, path in (("POST", "/api/orders"), ("GET", "/api/orders?customerId=CUST-1&limit=2")):
                answer = self.ask(plain, method, path, self.order() if method == "POST" else None)
                self.assertEqual((answer.status, answer.getheader("Location")),
                                 (308, self.servers.env["EDGE_URL"] + path))
        mistaken = http.client.HTTPConnection("localhost", int(self.servers.env["EDGE_TLS_PORT"]), timeout=10)
        with contextlib.closing(mistaken):
            answer = self.ask(mistaken, "GET", "/")
            self.assertEqual((answer.status, answer.getheader("Content-Type")), (400, "application/problem+json"))

    def test_a_page_of_the_edge_opens_its_websocket_over_tls(self):
        opening = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        for path in ("/ws", "/ws/analytics"):
            own = self.edge("GET", path, headers=opening | {"Origin": self.servers.env["EDGE_URL"]})
            self.assertEqual((own.status, own.getheader("Upgrade")), (101, "websocket"), path)
            foreign = self.edge("GET", path, headers=opening | {"Origin": "https://localhost:1"})
            self.assertEqual(foreign.status, 403, path)

    def test_every_answer_has_the_security_headers_once(self):
        own = "default-src 'none'; frame-ancestors 'none'"
        answers = (("GET", "/", 200, "frame-ancestors 'none'"), ("POST", "/api/orders", 400, own),
                   ("GET", "/metrics", 404, own), ("PUT", "/api/products/ITEM-1", 405, own),
                   ("GET", f"/api/orders/{'x' * 9000}", 414, own))
        for method, path, status, policy in answers:
            with self.subTest(path[:30]):
                answer = self.edge(method, path)
                self.assertEqual(answer.status, status)
                for name, value in HEADERS.items():
                    self.assertEqual(answer.headers.get_all(name), [value], name)
                policies = answer.headers.get_all("Content-Security-Policy")
                self.assertEqual(len(policies), 1, policies)
                self.assertIn(policy, policies[0])
        self.assertEqual(self.edge("PUT", "/api/products/ITEM-1").headers.get_all("Allow"), ["GET, HEAD"])

    def test_only_current_tls_is_spoken(self):
        for port in ("edge-tls", "gateway-tls", "kafka", "kafka-controller"):
            old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port(port)}", "-tls1_1",
                                  "-cipher", "ALL:@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True,
                                 text=True, check=False, timeout=20)
            self.assertIn("alert protocol version", old.stderr, port)

    # ---- who is refused

    def handshake(self, port, ca, name="localhost"):
        context = ssl.create_default_context(cafile=ca)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname=name) as connection:
                connection.sendall(b"\0")
                return connection.recv(1)

    def test_another_ca_and_another_name_are_refused(self):
        for port in ("edge-tls", "gateway-tls", "kafka"):
            with self.assertRaisesRegex(ssl.SSLError, "unable to get local issuer", msg=port):
                self.handshake(self.port(port), self.other_ca)
            with self.assertRaisesRegex(ssl.SSLError, "Hostname mismatch", msg=port):
                self.handshake(self.port(port), self.tls / "ca.pem", "elsewhere")

    def test_brokers_and_controllers_ask_for_a_certificate(self):
        for port in ("kafka-admin", "kafka-controller"):
            with self.assertRaisesRegex(ssl.SSLError, "certificate required|bad certificate", msg=port):
                self.handshake(self.port(port), self.tls / "ca.pem")

    def test_postgres_is_encrypted_or_refuses(self):
        self.assertEqual(self.psql("", "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0], "TLSv1.3")
        self.assertIn("no encryption", self.psql("sslmode=disable")[1])
        self.assertIn("certificate verify failed", self.psql(f"sslrootcert={self.other_ca}")[1])
        self.assertIn('does not match host name "elsewhere"', self.psql("host=elsewhere hostaddr=127.0.0.1")[1])
        self.assertIn("password authentication failed", self.psql("passfile=/dev/null password=wrong")[1])

    def test_a_service_that_is_not_let_in_says_why(self):
        """It waits for Kafka, as for one that is away. Its log says why, and that of the broker that somebody came."""
        wrong = self.folder / "wrong-password"
        wrong.write_text("wrong\n")
        user = "security.protocol=SASL_SSL;sasl.mechanism=SCRAM-SHA-512;sasl.username=order-service;ssl.ca.location="
        right = str(pathlib.Path(self.servers.env["STACK_KAFKA_USERS"]) / "order-service")
        for reason, settings in (("connecting to a SSL listener", {}),
                                 ("certificate verify failed", {"KAFKA_SETTINGS": f"{user}{self.other_ca}",
                                                                "KAFKA_PASSWORD_FILE": right}),
                                 ("Authentication failed", {"KAFKA_SETTINGS": f"{user}{self.tls / 'ca.pem'}",
                                                            "KAFKA_PASSWORD_FILE": str(wrong)})):
            command = [self.servers.bin / "order-service", "--port", "0", "--group-id", "order-service-refused",
                       "--brokers", self.servers.env["KAFKA_BROKERS"], "--database-url",
                       self.servers.env["ORDERS_DATABASE_URL"]]
            with self.subTest(reason), Program(command, settings) as service:
                named = lambda: any(reason in line for line in service.log)
                self.assertTrue(eventually(10, named), service.log[-3:])
                self.assertEqual(service.get("/livez").status, 200)
                ready = eventually(10, service.ready)
                self.assertTrue(any(step.startswith("kafka") for step in ready["waiting"]), ready)
        log = pathlib.Path(self.servers.state) / "log" / "kafka.log"
        self.assertIn("Failed authentication", log.read_text())

    # ---- secrets and certificates

    def test_no_secret_stands_where_it_can_be_read(self):
        env = self.servers.env
        secrets = leaks.secrets_of(env)
        self.assertGreater(len(secrets), 13 + 8 + 1 + 6 * 3)  # roles, users, the gateway's, lines of keys
        texts = leaks.logs(env) | leaks.processes(env, "cmdline") | leaks.processes(env, "environ")
        for file in pathlib.Path(env["STACK_STATE"]).rglob("*"):
            if file.is_file() and "data" not in file.parts:
                texts[str(file)] = file.read_bytes()
        self.assertEqual(leaks.found_in(texts, secrets), [])
        files = [file for folder in ("tls", "passwords") for file in pathlib.Path(env["STACK_DATA"], folder).rglob("*")
                 if file.is_file()]
        self.assertEqual([file for file in files if file.stat().st_mode & 0o77], [self.tls / "ca.pem"])

    def serials(self):
        """{port: serial number of the certificate that a new connection is shown}"""
        found = {}
        for port in ("kafka", "kafka-admin", "kafka-controller", "edge-tls", "gateway-tls", "postgres"):
            shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port(port)}",
                                    *(["-starttls", "postgres"] if port == "postgres" else [])],
                                   stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
            done = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=shown.stdout, capture_output=True,
                                  check=True, timeout=20)
            found[port] = done.stdout.decode().strip()
        return found

    def test_certificates_are_renewed_under_load(self):
        placed, failed, stopping = [], [], threading.Event()

        def place_orders():
            while not stopping.is_set():
                try:
                    placed.append(self.place(str(uuid.uuid4())))
                except (OSError, http.client.HTTPException, AssertionError) as error:
                    failed.append(repr(error))
                stopping.wait(0.03)

        before = self.serials()
        load = threading.Thread(target=place_orders)
        load.start()
        try:
            self.assertTrue(eventually(10, lambda: len(placed) >= 20))
            self.servers.script("certificates", "renew", "all")
            changed = lambda: all(self.serials()[port] != serial for port, serial in before.items())
            self.assertTrue(eventually(10, changed), f"{before} {self.serials()}")
            # Services whose connections go on have not seen the new ones; one that is started anew has.
            self.servers.script("down", "--only", "shipping")
            self.servers.up("--no-demo")
            seen = len(placed)
            self.assertTrue(eventually(10, lambda: len(placed) >= seen + 20))
        finally:
            stopping.set()
            load.join()
        self.assertEqual(failed, [])
        self.check_completes(*placed)
        self.test_the_operators_tool_reaches_everything()


class Logs(unittest.TestCase):
    def test_no_secret_stands_in_the_logs_of_all_tests(self):
        env = Stack().env
        secrets = leaks.secrets_of(env)
        self.assertGreaterEqual(len(secrets), 13)
        self.assertEqual(leaks.found_in(leaks.logs(env) | leaks.processes(env, "cmdline"), secrets), [])


if __name__ == "__main__":
    unittest.main()
