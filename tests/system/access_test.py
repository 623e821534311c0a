"""Who may do what in Kafka: the table "Access to Kafka" of docs/architecture.md, cell by cell, tried by real clients on
a stack of its own, encrypted and restricted. What is in no row must be refused."""

import logging
import pathlib
import shlex
import subprocess
import tempfile
import time
import unittest

from records import kafka_clients
from stack import ROOT, Stack
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient,
                                   AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
                                   ResourcePatternType, ResourceType)

import kafka_access
from kafka_access import CLUSTER, PRINCIPALS, SERVICES

DEADLINE_S = 20
FOREIGN = "somebody-elses-topic"
REFUSED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED,
           KafkaError.CLUSTER_AUTHORIZATION_FAILED}
NO_WAY_IN = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._AUTHENTICATION, KafkaError._SSL,
             KafkaError._ALL_BROKERS_DOWN}

QUIET = logging.getLogger("quiet")
QUIET.propagate = False
QUIET.addHandler(logging.NullHandler())


def as_user(env, user, password_file=None):
    """The stack's environment with this user in place of the operator, whose settings stand in stack.env."""
    settings = dict(pair.split("=", 1) for pair in env["KAFKA_SETTINGS"].split(";"))
    settings["sasl.username"] = user
    return env | {"KAFKA_SETTINGS": ";".join(f"{name}={value}" for name, value in settings.items()),
                  "KAFKA_PASSWORD_FILE": password_file or f"{env['STACK_KAFKA_USERS']}/{user}"}


def is_refused(error, harmless=()):
    """False: the broker did it, or would have, if not for what is `harmless`. Any other error is one."""
    if error is None or error.code() in harmless:
        return False
    if error.code() not in REFUSED:
        raise KafkaException(error)
    return True


def error_of(future):
    try:
        future.result(DEADLINE_S)
    except KafkaException as refused:
        return refused.args[0]
    return None


def poll_until(done, poll):
    """Fails after the deadline."""
    give_up = time.monotonic() + DEADLINE_S
    while not done():
        poll()
        if time.monotonic() > give_up:
            raise AssertionError("no answer")


class Client:
    """One user's clients. Each method tries an operation on everything named, and returns what was allowed."""

    def __init__(self, env):
        self.env = env
        self.admin = kafka_clients.client(AdminClient, env)

    def writes(self, topics, idempotent=True):
        """The records are of a type that nobody consumes. Who may write nowhere is given no producer's id, and tries
        without."""
        refused = {}
        on_delivery = lambda error, message: refused.update({message.topic(): is_refused(error)})
        producer = kafka_clients.client(Producer, self.env, enable_idempotence=idempotent, linger_ms=0,
                                        message_timeout_ms=DEADLINE_S * 1000)
        for topic in topics:
            try:  # one after the other: a refused record must not take others with it
                producer.produce(topic, b"{}", b"access-test", headers={"ce_type": b"AccessTried.v1"},
                                 on_delivery=on_delivery)
                producer.flush(DEADLINE_S)
            except (KafkaException, SystemError) as failed:  # the latter comes of the former
                error = (failed.__cause__ or failed).args[0]
                refused[topic] = is_refused(error)
                if idempotent and error.fatal():
                    return self.writes(topics, idempotent=False)
        return {topic for topic in topics if not refused[topic]}

    def reads(self, topics):
        """By assignment: a record, the partition's end, or a refusal. Who does not see a topic finds no broker for it."""
        consumer, answers = kafka_clients.client(Consumer, self.env, group_id="access-test", enable_auto_commit=False,
                                                 enable_partition_eof=True, auto_offset_reset="earliest"), {}
        seen = self.sees(topics)
        consumer.assign([TopicPartition(topic, 0, 0) for topic in seen])

        def poll():
            message = consumer.poll(0.1)
            if message and message.topic():  # without: the group is refused, which is not asked here
                error = message.error()
                answers[message.topic()] = is_refused(error, {KafkaError._PARTITION_EOF})
        poll_until(lambda: answers.keys() == seen, poll)
        consumer.close()
        return {topic for topic, refused in answers.items() if not refused}

    def sees(self, topics):
        """DESCRIBE: they are in the list of all topics."""
        return set(topics) & self.admin.list_topics(timeout=DEADLINE_S).topics.keys()

    def sees_settings(self, kind, names):
        futures = self.admin.describe_configs([ConfigResource(kind, name) for name in names])
        return {resource.name for resource, future in futures.items() if not is_refused(error_of(future))}

    def changes_settings(self, topics):
        entry = ConfigEntry("retention.ms", "604800000", incremental_operation=AlterConfigOpType.SET)
        futures = self.admin.incremental_alter_configs(
            [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry]) for name in topics],
            validate_only=True)
        return {resource.name for resource, future in futures.items() if not is_refused(error_of(future))}

    def makes(self, topics):
        futures = self.admin.create_topics([NewTopic(name, 1, 1) for name in topics], validate_only=True)
        return {name for name, future in futures.items()
                if not is_refused(error_of(future), {KafkaError.TOPIC_ALREADY_EXISTS})}

    def grows(self, topics):
        futures = self.admin.create_partitions([NewPartitions(name, 12) for name in topics], validate_only=True)
        return {name for name, future in futures.items() if not is_refused(error_of(future))}

    def deletes(self, topics):
        """Deletes them, if it may."""
        futures = self.admin.delete_topics(list(topics))
        return {name for name, future in futures.items() if not is_refused(error_of(future))}

    def joins(self, groups, topic):
        """As a member that subscribes to a topic: it is assigned something, or refused."""
        answers = {}
        for group in groups:
            consumer = kafka_clients.client(Consumer, self.env, group_id=group, enable_auto_commit=False)
            consumer.subscribe([topic], on_assign=lambda _, __, group=group: answers.setdefault(group, False))

            def poll(consumer=consumer, group=group):
                message = consumer.poll(0.1)
                if message and message.error() and message.error().code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
                    answers[group] = True
            poll_until(lambda group=group: group in answers, poll)
            consumer.close()
        return {group for group, refused in answers.items() if not refused}

    def sees_groups(self, groups):
        futures = self.admin.describe_consumer_groups(list(groups), request_timeout=DEADLINE_S)
        return {group for group, future in futures.items()
                if not is_refused(error_of(future), {KafkaError.GROUP_ID_NOT_FOUND})}

    def deletes_groups(self, groups):
        futures = self.admin.delete_consumer_groups(list(groups), request_timeout=DEADLINE_S)
        return {group for group, future in futures.items()
                if not is_refused(error_of(future), {KafkaError.GROUP_ID_NOT_FOUND, KafkaError.NON_EMPTY_GROUP})}

    def gives_rights(self, user):
        right = AclBinding(ResourceType.TOPIC, "order-events", ResourcePatternType.LITERAL, f"User:{user}", "*",
                           AclOperation.ALL, AclPermissionType.ALLOW)
        return not any(is_refused(error_of(future)) for future in self.admin.create_acls([right]).values())

    def sees_rights(self):
        """There are some. A refusal looks like none."""
        everything = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY,
                                      AclPermissionType.ANY)
        return bool(self.admin.describe_acls(everything).result(DEADLINE_S))


class SecureStack:
    """Removed at its end."""

    def __init__(self):
        self.state = tempfile.mkdtemp(prefix="orderflow-access-")
        self.script("up", "--secure", "--free-ports", "--no-build", "--no-demo", "--build-dir",
                    pathlib.Path(Stack().env["STACK_BIN"]).parent)
        words = shlex.split((pathlib.Path(self.state) / "stack.env").read_text(), comments=True)
        self.env = dict(word.split("=", 1) for word in words)

    def script(self, name, *arguments):
        done = subprocess.run([ROOT / "scripts" / name, "--state", self.state, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=240, check=False)
        if done.returncode != 0:
            raise AssertionError(f"scripts/{name}: {done.stdout}")

    def close(self):
        self.script("down", "--wipe")


class Access(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        stack = SecureStack()
        cls.addClassCleanup(stack.close)
        cls.env = stack.env
        cls.topics = [*kafka_access.topics(), FOREIGN]
        cls.make_foreign_topic()
        cls.clients = {user: Client(as_user(cls.env, user)) for user in PRINCIPALS}
        cls.rights = kafka_access.published()

    @classmethod
    def as_topics(cls):
        """The super user's environment: by certificate, at a listener of its own."""
        certificate = f"{cls.env['STACK_TLS']}/topics.pem"
        authority = dict(pair.split("=", 1) for pair in cls.env["KAFKA_SETTINGS"].split(";"))["ssl.ca.location"]
        settings = {"security.protocol": "SSL", "ssl.ca.location": authority,
                    "ssl.certificate.location": certificate, "ssl.key.location": certificate}
        return {"KAFKA_BROKERS": cls.env["KAFKA_ADMIN_BROKERS"],
                "KAFKA_SETTINGS": ";".join(f"{name}={value}" for name, value in settings.items())}

    @classmethod
    def make_foreign_topic(cls):
        """One that is not in the catalog."""
        kafka_clients.create_topics(cls.as_topics(), {FOREIGN: 1})

    def each(self, operation, kind, resources, attempt):
        """attempt(client, resources) → the allowed ones, for each user, against the table. Without an operation: none."""
        for user, client in self.clients.items():
            with self.subTest(user):
                wanted = {name for name in resources if operation and
                          kafka_access.may(self.rights[user], operation, kind, name)}
                self.assertEqual(sorted(attempt(client, resources)), sorted(wanted))

    # ---- topics ------------------------------------------------------------------------------------

    def test_who_writes(self):
        self.each("WRITE", "topic", self.topics, Client.writes)

    def test_who_reads(self):
        self.each("READ", "topic", self.topics, Client.reads)

    def test_who_sees_topics(self):
        self.each("DESCRIBE", "topic", self.topics, Client.sees)

    def test_who_sees_their_settings(self):
        self.each("DESCRIBE_CONFIGS", "topic", self.topics,
                  lambda client, names: client.sees_settings(ResourceType.TOPIC, names))

    def test_nobody_changes_their_settings(self):
        self.each(None, "topic", self.topics, Client.changes_settings)

    def test_who_adds_partitions(self):
        self.each("ALTER", "topic", self.topics, Client.grows)

    def test_nobody_makes_a_topic(self):
        self.each(None, "topic", [*self.topics, "mine", "order-events.mine", "order-service", "operator"], Client.makes)

    def test_nobody_deletes_a_topic(self):
        self.each(None, "topic", self.topics, Client.deletes)
        there = kafka_clients.topics(self.as_topics())
        self.assertEqual(set(self.topics) - there.keys(), set())

    # ---- groups ------------------------------------------------------------------------------------

    def test_who_joins_a_group(self):
        """Those of the running services only where that is refused: a further member would take partitions away."""
        for user, client in self.clients.items():
            own = {service for service in SERVICES if kafka_access.may(self.rights[user], "READ", "group", service)}
            groups = [f"{service}-access-test" for service in SERVICES] + ["access-test"]
            groups += [service for service in SERVICES if service not in own]
            readable = [topic for topic in self.topics if kafka_access.may(self.rights[user], "READ", "topic", topic)]
            with self.subTest(user):
                wanted = {group for group in groups if kafka_access.may(self.rights[user], "READ", "group", group)}
                joined = client.joins(groups, (readable or self.topics)[0])
                self.assertEqual(sorted(joined), sorted(wanted))

    def test_who_sees_groups(self):
        self.each("DESCRIBE", "group", [*SERVICES, "order-service-access-test", "access-test"], Client.sees_groups)

    def test_nobody_deletes_a_group(self):
        self.each(None, "group", [*SERVICES, "access-test"], Client.deletes_groups)

    # ---- the cluster -------------------------------------------------------------------------------

    def test_nobody_gives_rights(self):
        for user, client in self.clients.items():
            with self.subTest(user):
                self.assertFalse(client.gives_rights(user))

    def test_who_sees_the_cluster(self):
        for user, client in self.clients.items():
            may = lambda operation, user=user: kafka_access.may(self.rights[user], operation, *CLUSTER)
            with self.subTest(user):
                self.assertEqual(client.sees_rights(), may("DESCRIBE"))
                self.assertEqual(client.sees_settings(ResourceType.BROKER, ["1"]),
                                 {"1"} if may("DESCRIBE_CONFIGS") else set())

    # ---- no way in ---------------------------------------------------------------------------------

    def is_let_in(self, env):
        errors = []
        client = kafka_clients.client(AdminClient, env, error_cb=errors.append, logger=QUIET)
        try:
            client.list_topics(timeout=3)
        except KafkaException as refused:
            errors.append(refused.args[0])
            unexpected = {error.code() for error in errors} - NO_WAY_IN
            self.assertEqual(unexpected, set(), errors)
            return False
        return True

    def with_settings(self, env, **changed):
        settings = dict(pair.split("=", 1) for pair in env["KAFKA_SETTINGS"].split(";"))
        settings |= {name.replace("_", "."): value for name, value in changed.items()}
        pairs = (f"{name}={value}" for name, value in settings.items() if value is not None)
        return env | {"KAFKA_SETTINGS": ";".join(pairs)}

    def test_who_proves_nothing_is_not_let_in(self):
        operator = as_user(self.env, "operator")
        with tempfile.NamedTemporaryFile("w") as wrong:
            wrong.write("wrong\n")
            wrong.flush()
            anonymous = {"sasl_mechanism": None, "sasl_username": None}
            nobody = {name: value for name, value in operator.items() if name != "KAFKA_PASSWORD_FILE"}
            topics = self.as_topics()
            cases = {
                "a wrong password": as_user(self.env, "operator", wrong.name),
                "another one's password": as_user(self.env, "operator", f"{self.env['STACK_KAFKA_USERS']}/auditor"),
                "a user that does not exist": as_user(self.env, "nobody", wrong.name),
                "no user": self.with_settings(nobody, security_protocol="SSL", **anonymous),
                "no encryption": self.with_settings(nobody, security_protocol="PLAINTEXT", **anonymous),
                "a password that is not encrypted": self.with_settings(operator, security_protocol="SASL_PLAINTEXT"),
                "a broker whose CA is not known": self.with_settings(operator, ssl_ca_location=None),
                "no certificate, where one is wanted": self.with_settings(
                    topics, ssl_certificate_location=None, ssl_key_location=None),
                "a password, where a certificate is wanted": operator | {"KAFKA_BROKERS": topics["KAFKA_BROKERS"]},
            }
            for name, env in cases.items():
                with self.subTest(name):
                    self.assertFalse(self.is_let_in(env))
        self.assertTrue(self.is_let_in(operator))
        self.assertTrue(self.is_let_in(topics))


if __name__ == "__main__":
    unittest.main()
