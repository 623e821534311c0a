"""HTTP byte by byte: for requests that no library would send, and answers as they stand on the wire."""

import socket
import urllib.parse

import openapi


class Headers(dict):
    """Names without case."""

    def get(self, name, default=None):
        return super().get(name.lower(), default)


class RawAnswer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Connection:
    """One connection, to whatever `url` is served by."""

    def __init__(self, url, timeout=15):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False: the server has closed already."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        self.buffer += data
        return bool(data)

    def answer(self, method="GET"):
        """The next answer, interim ones left out; None if the server closes instead."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = Headers((name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines[1:]))
        if status == 100:
            return self.answer(method)
        size = 0 if method == "HEAD" or status in (101, 204, 304) else int(headers.get("content-length", 0))
        while len(self.buffer) < size:
            if not self.more():
                raise AssertionError(f"cut off after {head!r} {self.buffer!r}")
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return RawAnswer(status, headers, body)

    def closed(self):
        """Whether the server closes without another byte; it is given time, since a machine may be busy."""
        self.socket.settimeout(15)
        try:
            return not self.more() and not self.buffer
        except TimeoutError:
            return False


def judged(part, method, path, sent, answer):
    """The answer, which is as api/openapi.yaml describes it; `sent`: the request's body."""
    wrong = openapi.judge(part, method, path, sent, answer.status, answer.headers,
                          None if method == "HEAD" else answer.body)
    if wrong:
        raise AssertionError(f"{method} {path}: {answer.status} {answer.body[:300]} breaks api/openapi.yaml: {wrong}")
    return answer
