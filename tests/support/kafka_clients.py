"""Kafka as tests and benchmarks use it: clients of confluent-kafka, set up as the stack's environment says.

`env` is what scripts/up wrote into stack.env, as a dictionary. KAFKA_BROKERS, KAFKA_SETTINGS (properties of librdkafka,
NAME=VALUE;…) and KAFKA_PASSWORD_FILE mean what they mean to the programs. What fails raises a KafkaException.
"""

import functools
import os
import pathlib
import sys
import time

DEPS = pathlib.Path(os.environ.get("ORDERFLOW_DEPS") or pathlib.Path(__file__).resolve().parents[2] / ".deps")
sys.path.append(str(DEPS / "python"))
try:
    from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaError, KafkaException, TopicPartition
    from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec
except ModuleNotFoundError:
    sys.exit("confluent-kafka is missing for this Python: scripts/setup --test brings it for /usr/bin/python3")

TIMEOUT_S = 30
READ_ALL = IsolationLevel.READ_UNCOMMITTED
# A broker's answers about a partition that the controller has already made, or taken away, and it has not.
JUST_MADE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError.LEADER_NOT_AVAILABLE,
             KafkaError.NOT_LEADER_FOR_PARTITION}


def client(kind, env, **more):
    """A Producer, Consumer or AdminClient. `more`: further properties, with _ for their dots, and callbacks (…_cb)."""
    settings = {"bootstrap.servers": env["KAFKA_BROKERS"], "log_level": 2}  # a broker that a test stops is no news
    for pair in filter(None, env.get("KAFKA_SETTINGS", "").split(";")):
        name, value = pair.split("=", 1)
        settings[name] = value
    if env.get("KAFKA_PASSWORD_FILE"):
        settings["sasl.password"] = pathlib.Path(env["KAFKA_PASSWORD_FILE"]).read_text().split("\n")[0]
    for name, value in more.items():
        settings[name if name.endswith("_cb") else name.replace("_", ".")] = value
    return kind(settings)


def admin(env):
    """One for each environment: a client starts threads and connects."""
    names = ("KAFKA_BROKERS", "KAFKA_SETTINGS", "KAFKA_PASSWORD_FILE")
    return _admin(tuple((name, env[name]) for name in names if name in env))


@functools.cache
def _admin(env):
    return client(AdminClient, dict(env))


def results(futures):
    """{…: what each of an AdminClient's futures brings}"""
    return {key: future.result(TIMEOUT_S) for key, future in futures.items()}


def topics(env):
    """{topic: {partition: its number of replicas}}, without Kafka's own."""
    found = admin(env).list_topics(timeout=TIMEOUT_S).topics
    return {name: {number: len(partition.replicas) for number, partition in topic.partitions.items()}
            for name, topic in found.items() if not name.startswith("__") and topic.partitions}


def _ends(env, wanted):
    """{topic: {partition: (end offset, number of replicas)}}, of those of these topics that are there; None: of all."""
    give_up = time.monotonic() + TIMEOUT_S
    while True:
        there = {name: found for name, found in topics(env).items() if wanted is None or name in wanted}
        asked = {TopicPartition(name, number): OffsetSpec.latest() for name, found in there.items() for number in found}
        try:
            answers = results(admin(env).list_offsets(asked, isolation_level=READ_ALL)) if asked else {}
            break
        except KafkaException as refused:
            if refused.args[0].code() not in JUST_MADE or time.monotonic() > give_up:
                raise
            time.sleep(0.1)
    found = {name: {} for name in there}
    for at, answer in answers.items():
        found[at.topic][at.partition] = (answer.offset, there[at.topic][at.partition])
    return found


def ends(env, topic):
    """{partition: end offset}, of whatever stands there; empty for a topic that is not there."""
    return {partition: end for partition, (end, _) in _ends(env, [topic]).get(topic, {}).items()}


def end_offsets(env):
    """{"order-events": {"partitions": 6, "replication": 1, "records": 12345}, …}, of all topics."""
    return {name: {"partitions": len(partitions), "replication": max(replicas for _, replicas in partitions.values()),
                   "records": sum(end for end, _ in partitions.values())}
            for name, partitions in _ends(env, None).items()}


def committed(env, group, topic, partitions):
    """{partition: offset} that the group has committed, -1: none."""
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition) for partition in partitions])
    found = results(admin(env).list_consumer_group_offsets([asked]))[group].topic_partitions
    return {at.partition: max(at.offset, -1) for at in found}


def commit(env, group, topic, offsets):
    """offsets: {partition: offset}, for a group without members, which is made by this."""
    places = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
    results(admin(env).alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)]))


def delete_groups(env, names):
    results(admin(env).delete_consumer_groups(list(names)))


def has_read_all(env, group, names):
    """The group stands at the ends of these topics, whatever stands there: records or transactions' markers."""
    for topic in names:
        there = {partition: end for partition, end in ends(env, topic).items() if end > 0}
        if there and committed(env, group, topic, there) != there:
            return False
    return True


def create_topics(env, partitions):
    """partitions: {topic: how many}. One replica each: for a stack of one broker."""
    results(admin(env).create_topics([NewTopic(name, count, 1) for name, count in partitions.items()]))


def delete_topics(env, names):
    """Topics that do not exist are passed over."""
    for future in admin(env).delete_topics(list(names)).values():
        try:
            future.result(TIMEOUT_S)
        except KafkaException as refused:
            if refused.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise


def add_partitions(env, names, count):
    """So that each of these topics has `count`."""
    results(admin(env).create_partitions([NewPartitions(name, count) for name in names]))
