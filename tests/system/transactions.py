"""Kafka transactions of somebody else: open ones hide what follows them, aborted ones leave records in the topic that
must not be read. The protocol as in records.py: FindCoordinator v1, InitProducerId v0, AddPartitionsToTxn v0, Produce v3,
EndTxn v0. One broker."""

import contextlib
import struct
import uuid

import kafka_protocol as protocol
from records import batch_of
from stack import eventually

TRANSACTIONAL = 0x10  # attribute of a record batch


class Transaction:
    """Begun with one record, whose place is `offset`."""

    def __init__(self, brokers, topic, partition, key, value, headers):
        self.broker, self.name = protocol._first(brokers), protocol._text(f"bad-records-test-{uuid.uuid4()}")
        assert eventually(20, self._has_coordinator), "no transaction coordinator"
        assert eventually(20, self._is_initialised), f"InitProducerId: {self.producer[0]}"
        _, producer_id, epoch = self.producer
        self.who = self.name + struct.pack(">qh", producer_id, epoch)

        reader = self._ask(24, 0, self.who + struct.pack(">i", 1) + protocol._text(topic) + struct.pack(">ii", 1, partition))
        reader.number("i")
        added = reader.array(lambda: (reader.text(), reader.array(lambda: (reader.number("i"), reader.number("h")))))
        assert added[0][1][0][1] == 0, added

        batch = batch_of(key, value, headers, TRANSACTIONAL, producer_id, epoch)
        body = self.name + struct.pack(">hii", -1, 10_000, 1) + protocol._text(topic)
        reader = self._ask(0, 3, body + struct.pack(">iii", 1, partition, len(batch)) + batch)
        reader.number("i"), reader.text(), reader.number("i")
        _, error, self.offset = reader.number("i"), reader.number("h"), reader.number("q")
        assert error == 0, f"Produce: {error}"

    def abort(self):
        reader = self._ask(26, 0, self.who + b"\0")
        reader.number("i")
        error = reader.number("h")
        assert error == 0, f"EndTxn: {error}"

    def _ask(self, api, version, body):
        return protocol._ask(self.broker, api, version, body)

    def _has_coordinator(self):  # its topic is made when it is first asked for
        reader = self._ask(10, 1, self.name + b"\1")
        reader.number("i")
        return reader.number("h") == 0

    def _is_initialised(self):
        reader = self._ask(22, 0, self.name + struct.pack(">i", 600_000))
        reader.number("i")
        self.producer = [reader.number("h"), reader.number("q"), reader.number("h")]
        return self.producer[0] == 0


def produce_and_abort(brokers, topic, partition, key, value, headers):
    """The offset of the record, which is aborted."""
    transaction = Transaction(brokers, topic, partition, key, value, headers)
    transaction.abort()
    return transaction.offset


@contextlib.contextmanager
def open_transaction(brokers, topic, partition):
    """Hides what comes behind it in the partition for the length of the block."""
    transaction = Transaction(brokers, topic, partition, b"key", b"value", [])
    try:
        yield transaction.offset
    finally:
        transaction.abort()
