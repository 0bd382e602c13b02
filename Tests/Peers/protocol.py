"""The binary protocol of version 2, written for the tests from its description and from nothing else."""

import gzip
import struct
from dataclasses import dataclass, field

import brotli

V1_JSON = "v1.json.spacetimedb"
V1 = "v1.bsatn.spacetimedb"
V2 = "v2.bsatn.spacetimedb"
V3 = "v3.bsatn.spacetimedb"


# What clients send

def u8(value): return struct.pack("<B", value)
def u32(value): return struct.pack("<I", value)
def text(value): return data(value.encode())
def data(value): return u32(len(value)) + value


def subscribe(request, query_set, *queries):
    return u8(0) + u32(request) + u32(query_set) + u32(len(queries)) + b"".join(map(text, queries))


def unsubscribe(request, query_set, wants_rows=True):
    return u8(1) + u32(request) + u32(query_set) + u8(wants_rows)


def one_off(request, query):
    return u8(2) + u32(request) + text(query)


def call(request, reducer, arguments=b"", flags=0):
    return u8(3) + u32(request) + u8(flags) + text(reducer) + data(arguments)


# What the server sends

class Reader:
    def __init__(self, data):
        self.bytes, self.offset = data, 0

    def take(self, count):
        part = self.bytes[self.offset:self.offset + count]
        assert len(part) == count, f"{count} bytes wanted at {self.offset}, {len(part)} there"
        self.offset += count
        return part

    def number(self, form): return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]
    def u8(self): return self.number("B")
    def u32(self): return self.number("I")
    def u64(self): return self.number("Q")
    def i64(self): return self.number("q")
    def data(self): return self.take(self.u32())
    def text(self): return self.data().decode()
    def array(self, item): return [item() for _ in range(self.u32())]
    def identity(self): return self.take(32)[::-1].hex()
    def connection(self): return self.take(16)[::-1].hex()
    def option(self, item): return item() if self.u8() == 0 else None

    @property
    def is_at_end(self): return self.offset == len(self.bytes)

    # Parts of messages

    def row_list(self):
        if self.u8() == 0:
            size = self.number("H")
            rows = self.data()
            assert size and len(rows) % size == 0
            return [rows[at:at + size] for at in range(0, len(rows), size)]
        offsets = self.array(self.u64)
        rows = self.data()
        assert not offsets or offsets[0] == 0
        return [rows[start:end] for start, end in zip(offsets, offsets[1:] + [len(rows)])]

    def query_rows(self):
        return self.array(lambda: (self.text(), self.row_list()))

    def table_rows(self):
        if self.u8() == 1:
            return {"events": self.row_list()}
        inserts = self.row_list()
        return {"inserts": inserts, "deletes": self.row_list()}

    def update(self):
        """By query set and table: what it gets."""
        return {query_set: dict(tables) for query_set, tables in self.array(
            lambda: (self.u32(), self.array(lambda: (self.text(), self.array(self.table_rows)))))}


@dataclass
class Message:
    kind: str
    request: int | None = None
    query_set: int | None = None
    value: object = None
    fields: dict = field(default_factory=dict)


def message(reader):
    tag = reader.u8()
    if tag == 0:
        return Message("InitialConnection", fields={
            "identity": reader.identity(), "connection": reader.connection(), "token": reader.text()})
    if tag == 1:
        return Message("SubscribeApplied", reader.u32(), reader.u32(), reader.query_rows())
    if tag == 2:
        return Message("UnsubscribeApplied", reader.u32(), reader.u32(), reader.option(reader.query_rows))
    if tag == 3:
        return Message("SubscriptionError", reader.option(reader.u32), reader.u32(), reader.text())
    if tag == 4:
        return Message("TransactionUpdate", value=reader.update())
    if tag == 5:
        request = reader.u32()
        return Message("OneOffQueryResult", request, value=(
            reader.query_rows() if reader.u8() == 0 else reader.text()))
    if tag == 6:
        request, timestamp, outcome = reader.u32(), reader.i64(), reader.u8()
        fields = {"timestamp": timestamp, "outcome": ("Ok", "OkEmpty", "Err", "InternalError")[outcome]}
        if outcome == 0:
            fields["returned"] = reader.data()
            return Message("ReducerResult", request, value=reader.update(), fields=fields)
        if outcome == 2:
            inner = Reader(reader.data())
            error = inner.text()
            assert inner.is_at_end
            return Message("ReducerResult", request, value=error, fields=fields)
        return Message("ReducerResult", request, value=reader.text() if outcome == 3 else {}, fields=fields)
    raise AssertionError(f"no server message has the tag {tag}")


def messages(payload):
    """The messages of a frame, and which compression it had."""
    compression, body = payload[0], payload[1:]
    if compression == 1:
        body = brotli.decompress(body)
    elif compression == 2:
        body = gzip.decompress(body)
    else:
        assert compression == 0, f"no compression has the tag {compression}"
    reader, found = Reader(body), []
    while not reader.is_at_end:
        found.append(message(reader))
    assert found, "a frame without a message"
    return found, compression


class Connection:
    """A client of version 2 or 3 on a socket of `websockets`."""

    def __init__(self, socket):
        self.socket = socket
        self.waiting = []
        self.compressions = []

    async def next(self):
        while not self.waiting:
            found, compression = messages(await self.socket.recv(decode=False))
            self.compressions.append(compression)
            assert self.socket.subprotocol == V3 or len(found) == 1, "version 2 has one message in a frame"
            self.waiting += found
        return self.waiting.pop(0)

    async def ask(self, *requests):
        await self.socket.send(b"".join(requests))
        return await self.next()


def room_row(row):
    reader = Reader(row)
    return {"name": reader.text(), "created": reader.i64(), "message_count": reader.u32()}


def message_row(row):
    reader = Reader(row)
    return {"id": reader.u64(), "sender": reader.identity(), "author": reader.text(), "room": reader.text(),
            "sent": reader.i64(), "text": reader.text()}
