"""Kafka transactions that somebody else begins: while one is open, no consumer reads beyond its begin; the records of
one that is given up stand in the topic and must not be read."""

import contextlib

from records import DEADLINE_S, kafka_clients, send
from confluent_kafka import Producer  # found by the module above


def begin(env, name):
    """A producer with an open transaction."""
    producer = kafka_clients.client(Producer, env, transactional_id=name, transaction_timeout_ms=300_000, linger_ms=0)
    producer.init_transactions(DEADLINE_S)
    producer.begin_transaction()
    return producer


def produce_and_abort(env, topic, partition, key, value, headers):
    """The offset of the record, which is aborted."""
    producer = begin(env, "bad-records-test")
    offset = send(producer, topic, partition, key, value, headers)
    producer.abort_transaction(DEADLINE_S)
    return offset


@contextlib.contextmanager
def open_transaction(env, topic, partitions):
    """Hides the ends of these partitions for the length of the block: {partition: where it begins}."""
    producer = begin(env, "open-transaction-test")
    begins = {partition: send(producer, topic, partition, b"nobody", b"{}", []) for partition in partitions}
    try:
        yield begins
    finally:
        producer.abort_transaction(DEADLINE_S)
