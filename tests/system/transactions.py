"""Kafka transactions that somebody else begins: while one is open, no consumer reads beyond its begin; the records of
one that is given up stand in the topic and must not be read. The protocol as in records.py: FindCoordinator v1,
InitProducerId v0, AddPartitionsToTxn v0, Produce v3, EndTxn v0. One broker."""

import contextlib
import struct

import kafka_protocol as protocol
from records import batch_of
from stack import eventually

TRANSACTIONAL = 0x10  # attribute of a record batch


class Transaction:
    """Begun by its first record."""

    def __init__(self, brokers, name="bad-records-test"):
        self.broker, self.name, self.sequences = protocol._first(brokers), protocol._text(name), {}
        assert eventually(20, self._coordinator), "no transaction coordinator"
        assert eventually(20, self._initialised), f"InitProducerId: {self.error}"

    def _ask(self, api, version, body):
        return protocol._ask(self.broker, api, version, body)

    def _coordinator(self):  # its topic is made when it is first asked for
        reader = self._ask(10, 1, self.name + b"\1")
        reader.number("i")
        return reader.number("h") == 0

    def _initialised(self):
        reader = self._ask(22, 0, self.name + struct.pack(">i", 60_000))
        reader.number("i")
        self.error, self.id, self.epoch = reader.number("h"), reader.number("q"), reader.number("h")
        self.who = self.name + struct.pack(">qh", self.id, self.epoch)
        return self.error == 0

    def produce(self, topic, partition, key, value, headers):
        """The record's offset. One record for each partition."""
        reader = self._ask(24, 0, self.who + struct.pack(">i", 1) + protocol._text(topic)
                           + struct.pack(">ii", 1, partition))
        reader.number("i")
        added = reader.array(lambda: (reader.text(), reader.array(lambda: (reader.number("i"), reader.number("h")))))
        assert added[0][1][0][1] == 0, added
        batch = batch_of(key, value, headers, TRANSACTIONAL, self.id, self.epoch)
        body = self.name + struct.pack(">hii", -1, 10_000, 1) + protocol._text(topic)
        reader = self._ask(0, 3, body + struct.pack(">iii", 1, partition, len(batch)) + batch)
        reader.number("i"), reader.text(), reader.number("i")
        _, error, offset = reader.number("i"), reader.number("h"), reader.number("q")
        assert error == 0, f"Produce: {error}"
        return offset

    def abort(self):
        reader = self._ask(26, 0, self.who + b"\0")
        reader.number("i")
        error = reader.number("h")
        assert error == 0, f"EndTxn: {error}"


def produce_and_abort(brokers, topic, partition, key, value, headers):
    """The offset of the record, which is aborted."""
    transaction = Transaction(brokers)
    offset = transaction.produce(topic, partition, key, value, headers)
    transaction.abort()
    return offset


@contextlib.contextmanager
def open_transaction(brokers, topic, partitions):
    """Hides the ends of these partitions for the length of the block: {partition: where it begins}."""
    transaction = Transaction(brokers, "open-transaction-test")
    begins = {partition: transaction.produce(topic, partition, b"nobody", b"{}", []) for partition in partitions}
    try:
        yield begins
    finally:
        transaction.abort()
