"""deploy/nginx's edge before instances that have gone in every way: how long a request takes at most, that another
instance is asked, and that no POST is sent twice. nginx is real, the services are sockets. All times that the
configuration has are a tenth here."""

import concurrent.futures
import http.client
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMES = r"(proxy_(?:connect|send|read|next_upstream)_timeout) (\d+)s;"
WHOLE_S = 30  # of a request; asked
SLACK_S = 10  # of a machine that does other things, in the same tenths


class Closed:
    """Refuses connections."""

    def __init__(self):
        self.sockets = [socket.socket()]
        self.sockets[0].bind(("127.0.0.1", 0))

    def address(self):
        return f"127.0.0.1:{self.sockets[0].getsockname()[1]}"

    def close(self):
        for one in self.sockets:
            one.close()


class Silent(Closed):
    """Takes connections and does nothing, as a process that is frozen, or a machine that is gone."""

    def __init__(self):
        super().__init__()
        self.sockets[0].listen()


class Deaf(Closed):
    """Does not even take connections: its queue is full."""

    def __init__(self):
        super().__init__()
        self.sockets[0].listen(0)
        for _ in range(4):
            self.sockets.append(socket.socket())
            self.sockets[-1].setblocking(False)
            self.sockets[-1].connect_ex(self.sockets[0].getsockname())


class Reading(Closed):
    """Reads requests, and closes the connection without an answer, as a process that is killed."""

    ANSWER = b""

    def __init__(self):
        super().__init__()
        self.requests = []  # methods
        self.sockets[0].listen()
        threading.Thread(target=self.run, daemon=True).start()

    def close(self):
        self.sockets[0].shutdown(socket.SHUT_RDWR)
        super().close()

    def run(self):
        while True:
            try:
                connection, _ = self.sockets[0].accept()
            except OSError:  # closed
                return
            with connection:
                request = connection.recv(65536)  # small enough to come whole
                if request:
                    self.requests.append(request.split()[0].decode())
                    connection.sendall(self.ANSWER)


class Answering(Reading):
    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Edge:
    """nginx before these instances of order-service."""

    def __init__(self, directory, *instances):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        servers = " max_fails=1 fail_timeout=1s; server ".join(instance.address() for instance in instances)
        others = [f"{name}=127.0.0.1:9" for name in ("PAYMENT", "INVENTORY", "SHIPPING", "ANALYTICS", "GATEWAY", "GATEWAY_TLS",
                                                     "EDGE_TLS")]
        subprocess.run([ROOT / "deploy/nginx/render", directory, "--local", f"EDGE=127.0.0.1:{self.port}", f"ORDER={servers}",
                        *others, "USER_DIRECTIVE=", "FILES=256", f"WORK={directory}", f"CERTIFICATES={directory}",
                        "EDGE_TLS_PORT=9"], check=True)
        configuration = pathlib.Path(directory, "edge.conf")
        configuration.write_text(re.sub(TIMES, r"\1 \g<2>00ms;", configuration.read_text()))
        self.nginx = subprocess.Popen(["/usr/sbin/nginx", "-e", "stderr", "-p", directory, "-c", configuration],
                                      stderr=subprocess.DEVNULL)
        while self.nginx.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise AssertionError("nginx does not start")

    def ask(self, method, path="/api/orders"):
        """(status, seconds of the real edge)"""
        begin = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, b"{}" if method == "POST" else None)
        with connection.getresponse() as answer:
            answer.read()
        connection.close()
        return answer.status, (time.monotonic() - begin) * 10

    def stop(self):
        self.nginx.terminate()
        self.nginx.wait()


class Gone(unittest.TestCase):
    def asked(self, method, times, *instances):
        """Sorted answers of an edge of their own, which is asked so many times at once."""
        with tempfile.TemporaryDirectory(prefix="orderflow-edge-") as directory:
            pathlib.Path(directory).chmod(0o755)  # for nginx's workers
            edge = Edge(directory, *instances)
            try:
                with concurrent.futures.ThreadPoolExecutor(times) as pool:
                    return sorted(pool.map(edge.ask, [method] * times))
            finally:
                edge.stop()
                for instance in instances:
                    instance.close()

    # Of two instances each is asked first once.

    def test_a_get_finds_the_instance_that_is_there(self):
        for gone, at_most_s in ((Closed, 0), (Reading, 0), (Deaf, 2), (Silent, 13)):
            with self.subTest(gone.__name__):
                answers = self.asked("GET", 2, gone(), Answering())
                self.assertEqual([status for status, _ in answers], [200, 200])
                self.assertLess(answers[-1][1], at_most_s + SLACK_S)

    def test_a_handshake_finds_the_instance_that_is_there(self):
        silent, there = Silent(), Answering()
        with tempfile.TemporaryDirectory(prefix="orderflow-edge-") as directory:
            pathlib.Path(directory).chmod(0o755)
            edge = Edge(directory, silent, there)
            try:
                answers = [edge.ask("GET", "/ws") for _ in range(2)]
            finally:
                edge.stop()
                silent.close()
                there.close()
        self.assertEqual([status for status, _ in answers], [200, 200])

    def test_a_post_that_no_instance_has_got_finds_another(self):
        for gone in (Closed, Deaf):
            with self.subTest(gone.__name__):
                answers = self.asked("POST", 2, gone(), Answering())
                self.assertEqual([status for status, _ in answers], [200, 200])

    def test_a_post_that_an_instance_may_have_is_sent_to_no_other(self):
        for gone, status in ((Reading, 503), (Silent, 504)):
            with self.subTest(gone.__name__):
                there = Answering()
                answers = self.asked("POST", 2, gone(), there)
                self.assertEqual([status for status, _ in answers], [200, status])
                self.assertEqual(there.requests, ["POST"])

    def test_no_request_takes_longer_than_is_said(self):
        for gone, status in ((Closed, 503), (Deaf, 504), (Silent, 504)):
            for method in ("GET", "POST"):
                with self.subTest(gone.__name__, method=method):
                    (answered, took_s), = self.asked(method, 1, gone(), gone(), gone())
                    self.assertEqual(answered, status)
                    self.assertLess(took_s, WHOLE_S + SLACK_S)
                    print(f"three that are {gone.__name__}: {method} {answered} after {took_s:.1f} s")


if __name__ == "__main__":
    unittest.main()
