"""A Kafka transaction that is given up: its records stand in the topic and must not be read. The protocol as in
records.py: FindCoordinator v1, InitProducerId v0, AddPartitionsToTxn v0, Produce v3, EndTxn v0. One broker."""

import struct

import kafka_protocol as protocol
from records import batch_of
from stack import eventually

TRANSACTIONAL = 0x10  # attribute of a record batch


def produce_and_abort(brokers, topic, partition, key, value, headers):
    """The offset of the record, which is aborted."""
    broker, name = protocol._first(brokers), protocol._text("bad-records-test")

    def ask(api, version, body):
        return protocol._ask(broker, api, version, body)

    def coordinator():  # its topic is made when it is first asked for
        reader = ask(10, 1, name + b"\1")
        reader.number("i")
        return reader.number("h") == 0
    assert eventually(20, coordinator), "no transaction coordinator"

    producer = []

    def initialised():
        reader = ask(22, 0, name + struct.pack(">i", 60_000))
        reader.number("i")
        producer[:] = [reader.number("h"), reader.number("q"), reader.number("h")]
        return producer[0] == 0
    assert eventually(20, initialised), f"InitProducerId: {producer[0]}"
    _, producer_id, epoch = producer
    who = name + struct.pack(">qh", producer_id, epoch)

    reader = ask(24, 0, who + struct.pack(">i", 1) + protocol._text(topic) + struct.pack(">ii", 1, partition))
    reader.number("i")
    added = reader.array(lambda: (reader.text(), reader.array(lambda: (reader.number("i"), reader.number("h")))))
    assert added[0][1][0][1] == 0, added

    batch = batch_of(key, value, headers, TRANSACTIONAL, producer_id, epoch)
    body = name + struct.pack(">hii", -1, 10_000, 1) + protocol._text(topic)
    reader = ask(0, 3, body + struct.pack(">iii", 1, partition, len(batch)) + batch)
    reader.number("i"), reader.text(), reader.number("i")
    _, error, offset = reader.number("i"), reader.number("h"), reader.number("q")
    assert error == 0, f"Produce: {error}"

    reader = ask(26, 0, who + b"\0")
    reader.number("i")
    error = reader.number("h")
    assert error == 0, f"EndTxn: {error}"
    return offset
