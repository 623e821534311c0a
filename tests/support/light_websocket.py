"""A WebSocket client that costs next to nothing, for thousands of them in one process (RFC 6455, text only).

Answers pings; gives each message with its time of arrival to `on_text`, and the end to `on_end`.
"""

import asyncio
import base64
import os
import struct
import urllib.parse

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class WebSocket(asyncio.Protocol):
    """Made by connect(). `on_text(socket, bytes)`; `on_end(socket, code)`: code of the close, None if lost."""

    def __init__(self, host, path, on_text, on_end):
        self.opened = asyncio.get_running_loop().create_future()
        self.request = (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                        "Sec-WebSocket-Version: 13\r\n\r\n").encode()
        self.on_text = on_text
        self.on_end = on_end
        self.transport = None
        self.received = b""
        self.code = None

    def send(self, text):
        self._send_frame(TEXT, text.encode())

    def close(self):
        self._send_frame(CLOSE, struct.pack(">H", 1000))
        self.transport.close()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data):
        self.received += data
        if not self.opened.done() and not self._take_answer():
            return
        while self._take_frame():
            pass

    def connection_lost(self, exc):
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"no WebSocket: {exc or 'connection closed'}"))
        else:
            self.on_end(self, self.code)

    def _take_answer(self):
        head, end, rest = self.received.partition(b"\r\n\r\n")
        if not end:
            return False
        self.received = rest
        if not head.startswith(b"HTTP/1.1 101 "):
            self.opened.set_exception(ConnectionError(head.split(b"\r\n", 1)[0].decode()))
            self.transport.close()
            return False
        self.opened.set_result(self)
        return True

    def _take_frame(self):
        data = self.received
        if len(data) < 2:
            return False
        size, at = data[1], 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(data[2:10], "big"), 10
        if len(data) < at + size:
            return False
        payload = data[at:at + size]
        self.received = data[at + size:]
        self._handle(data[0] & 0xF, payload)
        return True

    def _handle(self, opcode, payload):
        if opcode == TEXT:
            self.on_text(self, payload)
        elif opcode == PING:
            self._send_frame(PONG, payload)
        elif opcode == CLOSE:
            self.code = int.from_bytes(payload[:2], "big") if payload else 1005
            self._send_frame(CLOSE, payload)
            self.transport.close()

    def _send_frame(self, opcode, payload):
        if self.transport.is_closing():
            return
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack(">BH", 0x80 | 126, len(payload))
        self.transport.write(bytes([0x80 | opcode]) + size + bytes(4) + payload)  # a mask of zeros: nothing hides here


async def connect(url, on_text, on_end):
    """An open WebSocket; ConnectionError if the server says anything but 101."""
    parts = urllib.parse.urlsplit(url)
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(
        lambda: WebSocket(parts.netloc, parts.path, on_text, on_end), parts.hostname, parts.port)
    return await asyncio.wait_for(socket.opened, 30)
