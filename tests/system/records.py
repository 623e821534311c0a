"""Records straight into a topic and out of it, whatever they hold: for tests that play a broken producer.

`env` is the stack's environment (Stack.env), as for tests/support/kafka_clients.py. Header names are bytes, since not
all of those that are sent are text.
"""

import functools
import sys
import time

import raw_records
from stack import ROOT

sys.path.append(str(ROOT / "tests" / "support"))
import kafka_clients  # pylint: disable=wrong-import-position
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from kafka_clients import ends, has_read_all  # for who imports this module

DEADLINE_S = 30


@functools.cache
def producer(brokers, settings, password_file):
    """No idempotence: what it sends is meant so. One, since starting it takes longer than a record."""
    env = {"KAFKA_BROKERS": brokers, "KAFKA_SETTINGS": settings, "KAFKA_PASSWORD_FILE": password_file}
    return kafka_clients.client(Producer, env, linger_ms=0, message_timeout_ms=10_000)


def produce(env, topic, partition, key, value, headers):
    """The record's offset. Key, value and both parts of each header are bytes; key and value may be None."""
    if not all(raw_records.is_text(name) for name, _ in headers):
        return raw_records.produce(env, topic, partition, key, value, headers)
    sender = producer(env["KAFKA_BROKERS"], env.get("KAFKA_SETTINGS", ""), env.get("KAFKA_PASSWORD_FILE", ""))
    return send(sender, topic, partition, key, value, headers)


def send(sender, topic, partition, key, value, headers):
    """By this producer, and waits for it: the record's offset."""
    reports = []
    sender.produce(topic, value, key, partition, headers=[(name.decode(), content) for name, content in headers],
                   on_delivery=lambda error, message: reports.append((error, message.offset())))
    sender.flush(DEADLINE_S)
    (error, offset), = reports
    if error:
        raise AssertionError(f"{topic}/{partition}: Kafka refuses the record: {error}")
    return offset


class TopicReader:
    """What a topic receives from now on, or from its beginning; records of transactions, too, ended or not."""

    def __init__(self, env, topic, from_beginning=False):
        self.env, self.topic = env, topic
        self.at = {partition: 0 if from_beginning else end for partition, end in ends(env, topic).items()}
        self.records = []  # (partition, offset, key, value, headers)

    def read(self):
        """All so far."""
        wanted = ends(self.env, self.topic)
        if self.is_behind(wanted):
            consumer = kafka_clients.client(  # for this time: one that waits goes on fetching
                Consumer, self.env, group_id="topic-reader", enable_auto_commit=False, enable_partition_eof=True,
                auto_offset_reset="error", isolation_level="read_uncommitted")
            consumer.assign([TopicPartition(self.topic, partition, offset) for partition, offset in self.at.items()])
            self.read_to(wanted, consumer)
            consumer.close()
        return self.records

    def is_behind(self, wanted):
        return any(self.at.get(partition, end) < end for partition, end in wanted.items())

    def read_to(self, wanted, consumer):
        give_up = time.monotonic() + DEADLINE_S
        while self.is_behind(wanted):
            for message in consumer.consume(1000, 0.1):
                self.take(message)
                give_up = time.monotonic() + DEADLINE_S
            if time.monotonic() > give_up:
                raise AssertionError(f"{self.topic}: read up to {self.at}, not up to {wanted}")

    def take(self, message):
        at_end = message.error() and message.error().code() == KafkaError._PARTITION_EOF
        if message.error() and not at_end:
            raise KafkaException(message.error())
        if not at_end:
            headers = {name.encode(): content for name, content in message.headers() or ()}
            self.records.append((message.partition(), message.offset(), message.key(), message.value(), headers))
        self.at[message.partition()] = message.offset() + (0 if at_end else 1)
