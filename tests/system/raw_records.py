"""A record whose headers have names that are not text: bytes that are no UTF-8, or NUL. No client sends these
(confluent-kafka cuts a name at NUL and takes no bytes), and a broken producer may. So here is Kafka's own protocol, as
little as that needs: Produce v3, the lowest that Kafka 4 speaks (https://kafka.apache.org/protocol). One broker, no TLS.
"""

import socket
import struct
import time

CASTAGNOLI = 0x82F63B78


def is_text(name):
    """Whether a client sends this header name."""
    try:
        return "\0" not in name.decode()
    except UnicodeDecodeError:
        return False


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (CASTAGNOLI if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def varint(number):
    """Zigzag."""
    number = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def sized(data):
    return varint(-1) if data is None else varint(len(data)) + data


def batch_of(key, value, headers):
    """A record batch (v2) of one record, of no producer that could be known."""
    body = b"\0" + varint(0) + varint(0) + sized(key) + sized(value) + varint(len(headers))
    body += b"".join(sized(name) + sized(content) for name, content in headers)
    now = int(time.time() * 1000)
    rest = struct.pack(">hiqqqhii", 0, 0, now, now, -1, -1, -1, 1) + varint(len(body)) + body
    return struct.pack(">qiibI", 0, 9 + len(rest), -1, 2, crc32c(rest)) + rest


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def produce(env, topic, partition, key, value, headers):
    """The record's offset. As records.produce."""
    host, port = env["KAFKA_BROKERS"].split(",")[0].rsplit(":", 1)
    batch = batch_of(key, value, headers)
    body = struct.pack(">hhii", -1, -1, 10_000, 1) + text(topic)
    body += struct.pack(">iii", 1, partition, len(batch)) + batch
    message = struct.pack(">hhi", 0, 3, 1) + text("raw-records") + body
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(struct.pack(">i", len(message)) + message)
        stream = connection.makefile("rb")
        size, = struct.unpack(">i", stream.read(4))
        answer = stream.read(size)
    # correlation id, one topic with its name, one partition: number, error, offset
    error, offset = struct.unpack_from(">hq", answer, 4 + 4 + len(text(topic)) + 4 + 4)
    if error:
        raise AssertionError(f"{topic}/{partition}: Kafka refuses the record, error {error}")
    return offset
