"""End offsets of all topics, and topics for the limit, asked for in Kafka's own protocol.

Kafka's command line tools do the same, but each call starts a Java machine for two CPU-seconds.
Protocol: https://kafka.apache.org/protocol (Metadata v1, ListOffsets v1, CreateTopics v2, DeleteTopics v1; all in
Kafka 2.0 to 4.x). Transactions are not used here, so the difference of two end offsets is a number of records.
"""

import socket
import struct


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, kind):
        value, = struct.unpack_from(">" + kind, self.data, self.at)
        self.at += struct.calcsize(">" + kind)
        return value

    def text(self):
        length = self.number("h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def array(self, item):
        return [item() for _ in range(self.number("i"))]


def _text(value):
    return struct.pack(">h", len(value)) + value.encode()


def _ask(address, api, version, body):
    message = struct.pack(">hhi", api, version, 1) + _text("bench") + body
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(struct.pack(">i", len(message)) + message)
        stream = connection.makefile("rb")
        size, = struct.unpack(">i", stream.read(4))
        reader = _Reader(stream.read(size))
    reader.number("i")  # correlation id
    return reader


def _metadata(address):
    reader = _ask(address, 3, 1, struct.pack(">i", -1))

    def broker():
        node, host, port = reader.number("i"), reader.text(), reader.number("i")
        reader.text()  # rack
        return node, (host, port)

    def partition():
        reader.number("h")
        index, leader = reader.number("i"), reader.number("i")
        replicas = reader.array(lambda: reader.number("i"))
        reader.array(lambda: reader.number("i"))
        return index, leader, len(replicas)

    def topic():
        reader.number("h")
        name, internal = reader.text(), reader.number("?")
        return name, internal, reader.array(partition)

    brokers = dict(reader.array(broker))
    reader.number("i")  # controller
    return brokers, [(name, partitions) for name, internal, partitions in reader.array(topic)
                     if not internal and not name.startswith("__")]


def _first(brokers):
    host, port = brokers.split(",")[0].rsplit(":", 1)
    return host, int(port)


def end_offsets(brokers):
    """{"order-events": {"partitions": 6, "replication": 1, "records": 12345}, ...}; brokers is "host:port,..."."""
    addresses, topics = _metadata(_first(brokers))
    result = {name: {"partitions": len(partitions), "replication": max(p[2] for p in partitions), "records": 0}
              for name, partitions in topics}
    for leader in {p[1] for _, partitions in topics for p in partitions}:
        led = [(name, [p[0] for p in partitions if p[1] == leader]) for name, partitions in topics]
        body = struct.pack(">ii", -1, len(led))
        for name, indexes in led:
            body += _text(name) + struct.pack(">i", len(indexes))
            body += b"".join(struct.pack(">iq", index, -1) for index in indexes)
        reader = _ask(addresses[leader], 2, 1, body)

        def partition():
            reader.number("i"), reader.number("h"), reader.number("q")
            return reader.number("q")

        for name, offsets in reader.array(lambda: (reader.text(), reader.array(partition))):
            result[name]["records"] += sum(max(0, offset) for offset in offsets)
    return result


def create_topics(brokers, topics):
    """topics: {name: partitions}. One replica each: for a stack of one broker."""
    body = struct.pack(">i", len(topics))
    for name, partitions in topics.items():
        body += _text(name) + struct.pack(">ihii", partitions, 1, 0, 0)
    reader = _ask(_first(brokers), 19, 2, body + struct.pack(">i?", 30000, False))
    reader.number("i")  # throttle time
    for name, code, message in reader.array(lambda: (reader.text(), reader.number("h"), reader.text())):
        if code:
            raise RuntimeError(f"topic {name}: {message or code}")


def delete_topics(brokers, names):
    """Topics that do not exist are passed over."""
    body = struct.pack(">i", len(names)) + b"".join(_text(name) for name in names) + struct.pack(">i", 30000)
    reader = _ask(_first(brokers), 20, 1, body)
    reader.number("i")  # throttle time
    for name, code in reader.array(lambda: (reader.text(), reader.number("h"))):
        if code not in (0, 3):  # 3: unknown topic
            raise RuntimeError(f"topic {name}: error {code}")
