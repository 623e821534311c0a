"""Records straight into a topic and out of it, whatever they hold: for tests that play a broken producer.

Kafka's own protocol, as in tests/bench/kafka_protocol.py: Produce v3 and Fetch v4, the lowest that Kafka 4 speaks.
Any bytes may stand in headers, which no Java tool allows. One broker.
"""

import pathlib
import struct
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import kafka_protocol as protocol  # noqa: E402

CASTAGNOLI = 0x82F63B78


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return table


CRC = crc_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = CRC[(value ^ byte) & 0xFF] ^ value >> 8
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


def batch_of(key, value, headers, attributes=0, producer=-1, epoch=-1):
    """A record batch (v2) of one record, the first of its producer if it has one."""
    body = b"\0" + varint(0) + varint(0) + sized(key) + sized(value) + varint(len(headers))
    body += b"".join(sized(name) + sized(content) for name, content in headers)
    now = int(time.time() * 1000)
    rest = struct.pack(">hiqqqhii", attributes, 0, now, now, producer, epoch, min(producer, 0), 1)
    rest += varint(len(body)) + body
    return struct.pack(">qiibI", 0, 9 + len(rest), -1, 2, crc32c(rest)) + rest


def produce(brokers, topic, partition, key, value, headers):
    """The record's offset. Key, value and both parts of each header are bytes; key and value may be None."""
    batch = batch_of(key, value, headers)
    body = struct.pack(">hhii", -1, -1, 10_000, 1) + protocol._text(topic)
    body += struct.pack(">iii", 1, partition, len(batch)) + batch
    reader = protocol._ask(protocol._first(brokers), 0, 3, body)
    reader.number("i"), reader.text(), reader.number("i")
    _, error, offset = reader.number("i"), reader.number("h"), reader.number("q")
    if error:
        raise AssertionError(f"{topic}/{partition}: Kafka refuses the record, error {error}")
    return offset


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def unpack(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))

    def varint(self):
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number >> 1 ^ -(number & 1)

    def sized(self):
        size = self.varint()
        return None if size < 0 else self.take(size)


def records_of(data):
    """(offset, key, value, {header: value}) of each record in a fetch's answer; the last batch may be cut off."""
    found, cursor = [], Cursor(data)
    while len(data) - cursor.at >= 12:
        base, size = cursor.unpack("qi")
        if len(data) - cursor.at < size:
            break
        batch = Cursor(cursor.take(size))
        batch.take(9)  # epoch, magic, checksum
        attributes, = batch.unpack("h")
        batch.take(4 + 8 + 8 + 8 + 2 + 4)
        count, = batch.unpack("i")
        rest = Cursor(lz4_frame(batch.data[batch.at:]) if attributes & 7 == 3 else batch.data[batch.at:])
        assert attributes & 7 in (0, 3), "only lz4 is in use"
        for _ in range(count):
            record = Cursor(rest.sized())
            record.take(1), record.varint()
            offset, key, value = base + record.varint(), record.sized(), record.sized()
            headers = {record.sized(): record.sized() for _ in range(record.varint())}
            found.append((offset, key, value, headers))
    return found


def lz4_frame(data):
    """https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md; blocks may refer to earlier ones."""
    magic, flags = struct.unpack_from("<IB", data)
    assert magic == 0x184D2204
    at, out = 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0), bytearray()
    while True:
        size, = struct.unpack_from("<I", data, at)
        at += 4
        if size == 0:
            return bytes(out)
        block = data[at:at + (size & 0x7FFFFFFF)]
        at += len(block) + (4 if flags & 16 else 0)
        if size >> 31:
            out += block
        else:
            lz4_block(block, out)


def lz4_block(block, out):
    at = 0

    def length(first):
        nonlocal at
        total, byte = first, 255
        while first == 15 and byte == 255:
            byte = block[at]
            at += 1
            total += byte
        return total

    while at < len(block):
        token = block[at]
        at += 1
        literals = length(token >> 4)
        out += block[at:at + literals]
        at += literals
        if at >= len(block):
            return
        back = block[at] | block[at + 1] << 8
        at += 2
        for _ in range(length(token & 15) + 4):
            out.append(out[-back])


def fetch(brokers, topic, partition, offset):
    """What stands in the partition from that offset on, up to some megabytes."""
    body = struct.pack(">iiiibi", -1, 0, 0, 4 << 20, 0, 1) + protocol._text(topic)
    body += struct.pack(">iiqi", 1, partition, offset, 4 << 20)
    reader = protocol._ask(protocol._first(brokers), 1, 4, body)
    reader.number("i"), reader.number("i"), reader.text(), reader.number("i")
    _, error = reader.number("i"), reader.number("h")
    if error:
        raise AssertionError(f"{topic}/{partition} from {offset}: Kafka says error {error}")
    reader.number("q"), reader.number("q")
    reader.array(lambda: (reader.number("q"), reader.number("q")))
    size = reader.number("i")
    return [record for record in records_of(reader.data[reader.at:reader.at + size]) if record[0] >= offset]


def ends(brokers, topic):
    """{partition: end offset}"""
    partitions = [p for name, parts in protocol._metadata(protocol._first(brokers))[1] if name == topic for p in parts]
    body = struct.pack(">ii", -1, 1) + protocol._text(topic) + struct.pack(">i", len(partitions))
    body += b"".join(struct.pack(">iq", index, -1) for index, _, _ in partitions)
    reader = protocol._ask(protocol._first(brokers), 2, 1, body)
    reader.number("i"), reader.text()

    def one():
        partition = reader.number("i")
        reader.number("h"), reader.number("q")
        return partition, reader.number("q")
    return dict(reader.array(one))


def committed(brokers, group, topic, partitions):
    """{partition: offset} that the group has committed, -1: none. OffsetFetch v1."""
    body = protocol._text(group) + struct.pack(">i", 1) + protocol._text(topic)
    body += struct.pack(">i", len(partitions)) + b"".join(struct.pack(">i", index) for index in partitions)
    reader = protocol._ask(protocol._first(brokers), 9, 1, body)
    reader.number("i"), reader.text()

    def one():
        partition, offset = reader.number("i"), reader.number("q")
        reader.text(), reader.number("h")
        return partition, offset
    return dict(reader.array(one))


def has_read_all(brokers, group, topics):
    """The group stands at the ends of these topics, whatever stands there: records or transactions' markers."""
    for topic in topics:
        there = {partition: end for partition, end in ends(brokers, topic).items() if end > 0}
        if any(committed(brokers, group, topic, list(there)).get(p) != end for p, end in there.items()):
            return False
    return True


class TopicReader:
    """What a topic receives from now on."""

    def __init__(self, brokers, topic):
        self.brokers, self.topic = brokers, topic
        self.at = ends(brokers, topic)
        self.records = []  # (partition, offset, key, value, headers)

    def read(self):
        """All so far."""
        for partition in self.at:
            for offset, *rest in fetch(self.brokers, self.topic, partition, self.at[partition]):
                self.records.append((partition, offset, *rest))
                self.at[partition] = offset + 1
        return self.records
