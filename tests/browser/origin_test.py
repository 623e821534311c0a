"""What a page of somebody else can make a real browser do here: nothing but look."""

import contextlib
import http.server
import threading
import unittest

from browser import browser

from stack import SystemTest, request

# Opens a WebSocket, or sends a POST that needs no leave of ours beforehand, and says how it ended.
OPEN = """const done = arguments[1], socket = new WebSocket(arguments[0]);
socket.onopen = () => done('open'); socket.onerror = () => done('refused');"""
POST = """const done = arguments[1];
fetch(arguments[0], {method: 'POST', mode: arguments[0].startsWith(origin) ? 'cors' : 'no-cors'})
    .then(answer => done(answer.status), () => done('failed'));"""


class Empty(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>somebody else</title>")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def somebody_else():
    """The port of a server whose every path is an empty page."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class Origin(SystemTest):
    def setUp(self):
        super().setUp()
        held = browser()
        self.driver = held.__enter__()
        self.addCleanup(held.__exit__, None, None, None)
        self.edge = self.stack.url("edge", "")
        self.sockets = [url.replace("http", "ws", 1) for url in (
            self.edge + "/ws", self.edge + "/ws/analytics", self.stack.url("order", "/ws"),
            self.stack.url("analytics", "/ws/analytics"))]

    def running_order(self):
        order_id = self.place(self.order(self.product(), token="tok_slow_60s"))
        self.addCleanup(request, "POST", self.edge + f"/api/orders/{order_id}/cancellations")
        return order_id

    def status(self, order_id):
        return request("GET", self.edge + f"/api/orders/{order_id}").json()["status"]

    def run_script(self, script, url):
        return self.driver.execute_async_script(script, url)

    def test_a_foreign_page_opens_no_websocket_and_cancels_no_order(self):
        order_id = self.running_order()
        with somebody_else() as port:
            for host in ("127.0.0.1", "localhost"):  # for the browser the same site, and another one
                self.driver.get(f"http://{host}:{port}/")
                for url in self.sockets:
                    with self.subTest(url, host=host):
                        self.assertEqual(self.run_script(OPEN, url), "refused")
                for part in ("edge", "order"):
                    with self.subTest("POST", part=part, host=host):
                        url = self.stack.url(part, f"/api/orders/{order_id}/cancellations")
                        self.assertEqual(self.run_script(POST, url), 0)  # sent; the page may not see the answer
                        self.assertEqual(self.status(order_id), "PROCESSING")

    def test_a_page_of_the_edge_does_both(self):
        order_id = self.running_order()
        self.driver.get(self.edge + f"/orders/{order_id}")
        for url in self.sockets[:2]:
            with self.subTest(url):
                self.assertEqual(self.run_script(OPEN, url), "open")
        self.assertEqual(self.run_script(POST, self.edge + f"/api/orders/{order_id}/cancellations"), 202)


if __name__ == "__main__":
    unittest.main()
