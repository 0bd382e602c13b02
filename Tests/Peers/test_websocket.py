"""Python's `websockets` speaks every version of the protocol with the server."""

import asyncio
import json
import unittest

from websockets.asyncio.client import connect
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode
from websockets.uri import parse_uri

from protocol import *
from server import PATIENCE, Server


class WebSocketTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--in-memory")
        cls.addClassCleanup(cls.server.close)

    def connect(self, *protocols, parameters="compression=None", **options):
        return connect(
            f"{self.server.socket_url}?{parameters}", subprotocols=protocols, max_size=None, ping_interval=None,
            compression=None, open_timeout=PATIENCE, close_timeout=PATIENCE, **options)

    async def open(self, protocol, **options):
        """A connection that has been greeted."""
        socket = await self.connect(protocol, **options)
        self.addAsyncCleanup(socket.close)
        self.assertEqual(socket.subprotocol, protocol)
        connection = Connection(socket)
        connection.greeting = await connection.next()
        self.assertEqual(connection.greeting.kind, "InitialConnection")
        return connection

    async def refusal(self, *protocols, **options):
        with self.assertRaises(InvalidStatus) as caught:
            await self.connect(*protocols, **options)
        return caught.exception.response

    async def closing(self, socket):
        """How the server closes the connection: the code and the reason of its frame."""
        with self.assertRaises(ConnectionClosed):
            while True:
                await asyncio.wait_for(socket.recv(), PATIENCE)
        return socket.close_code, socket.close_reason


class Opening(WebSocketTest):
    async def test_the_server_prefers_the_newest_protocol_whatever_the_order(self):
        for offered, chosen in [((V1_JSON, V2, V3), V3), ((V1_JSON, V1, V2), V2), ((V1_JSON, V1), V1), ((V1_JSON,), V1_JSON)]:
            async with self.connect(*offered) as socket:
                self.assertEqual(socket.subprotocol, chosen)

    async def test_protocols_that_nobody_knows_are_refused(self):
        self.assertEqual((await self.refusal("v9.bsatn.spacetimedb")).status_code, 400)
        self.assertEqual((await self.refusal()).status_code, 400)

    async def test_the_answer_names_the_identity_and_its_token(self):
        connection = await self.open(V2)
        headers = connection.socket.response.headers
        self.assertEqual(headers["spacetime-identity"], connection.greeting.fields["identity"])
        self.assertEqual(headers["spacetime-identity-token"], connection.greeting.fields["token"])
        self.assertNotIn("sec-websocket-extensions", headers)

    async def test_a_client_chooses_its_connection_id(self):
        wanted = "0123456789ABCDEFFEDCBA9876543210"
        connection = await self.open(V2, parameters=f"connection_id={wanted}&compression=None")
        self.assertEqual(connection.greeting.fields["connection"], wanted.lower())

    async def test_parameters_that_do_not_parse_are_refused(self):
        for parameters in ["connection_id=12", "connection_id=" + "0" * 32, "compression=gzip", "light=1", "confirmed=yes"]:
            with self.subTest(parameters):
                self.assertEqual((await self.refusal(V2, parameters=parameters)).status_code, 400)

    async def test_a_token_brings_the_identity_back(self):
        first = await self.open(V3)
        token = first.greeting.fields["token"]
        for options in [{"additional_headers": {"Authorization": f"Bearer {token}"}}, {"parameters": f"token={token}"}]:
            again = await self.open(V3, **options)
            self.assertEqual(again.greeting.fields["identity"], first.greeting.fields["identity"])
            self.assertEqual(again.greeting.fields["token"], token)

    async def test_a_token_that_does_not_hold_is_refused_before_the_upgrade(self):
        for token in ["nonsense", "a.b.c"]:
            self.assertEqual((await self.refusal(V3, parameters=f"token={token}")).status_code, 401)


class Version2(WebSocketTest):
    async def test_a_caller_gets_its_update_with_the_answer_and_others_get_it_alone(self):
        alice, bob = await self.open(V2), await self.open(V2)
        for one in (alice, bob):
            applied = await one.ask(subscribe(1, 7, "SELECT * FROM room WHERE name = 'attic'"))
            self.assertEqual((applied.kind, applied.request, applied.query_set), ("SubscribeApplied", 1, 7))
            self.assertEqual([rows for _, rows in applied.value if rows], [])
        answer = await alice.ask(call(2, "open", text("attic")))
        self.assertEqual((answer.kind, answer.request, answer.fields["outcome"]), ("ReducerResult", 2, "Ok"))
        self.assertEqual(answer.fields["returned"], b"")
        update = await bob.next()
        self.assertEqual(update.kind, "TransactionUpdate")
        self.assertEqual(update.value, answer.value)
        [change] = update.value[7]["room"]
        self.assertEqual([room_row(row)["name"] for row in change["inserts"]], ["attic"])
        self.assertEqual(change["deletes"], [])

        refused = await alice.ask(call(3, "open", text("attic")))
        self.assertEqual(refused.fields["outcome"], "Err")
        self.assertIn("attic", refused.value)
        for reducer, arguments in [("nothing", b""), ("open", b"\x05"), ("set_up", b"")]:
            self.assertEqual((await alice.ask(call(4, reducer, arguments))).fields["outcome"], "InternalError")

        dropped = await bob.ask(unsubscribe(9, 7))
        self.assertEqual((dropped.kind, dropped.request, dropped.query_set), ("UnsubscribeApplied", 9, 7))
        self.assertEqual([room_row(row)["name"] for _, rows in dropped.value for row in rows], ["attic"])

    async def test_one_off_queries_have_exactly_one_table(self):
        alice = await self.open(V2)
        for query, count in [("SELECT * FROM room WHERE name = 'lobby'", 1), ("SELECT * FROM room WHERE name = 'none'", 0)]:
            answer = await alice.ask(one_off(1, query))
            [(table, rows)] = answer.value
            self.assertEqual((answer.kind, table, len(rows)), ("OneOffQueryResult", "room", count))
        self.assertIsInstance((await alice.ask(one_off(2, "SELEKT"))).value, str)

    async def test_a_query_that_is_none_is_an_error_and_no_end(self):
        alice = await self.open(V2)
        for query in ["SELEKT", "SELECT * FROM nothing", "SELECT * FROM sweep"]:
            answer = await alice.ask(subscribe(5, 2, query))
            self.assertEqual((answer.kind, answer.request, answer.query_set), ("SubscriptionError", 5, 2))
        self.assertEqual((await alice.ask(subscribe(6, 2, "SELECT * FROM room"))).kind, "SubscribeApplied")

    async def test_one_frame_is_one_message_and_what_follows_is_ignored(self):
        alice = await self.open(V2)
        self.assertEqual((await alice.ask(one_off(1, "SELECT * FROM room"), one_off(2, "SELECT * FROM room"))).request, 1)
        self.assertEqual((await alice.ask(one_off(3, "SELECT * FROM room"))).request, 3)


class Version3(WebSocketTest):
    async def test_a_frame_may_have_many_messages(self):
        alice = await self.open(V3)
        requests = [subscribe(0, 0, "SELECT * FROM message WHERE room = 'lobby'")]
        requests += [call(at, "send", text("lobby") + text(f"number {at}")) for at in range(1, 300)]
        answers = [await alice.ask(*requests)] + [await alice.next() for _ in requests[1:]]
        self.assertEqual(answers[0].kind, "SubscribeApplied")
        self.assertEqual([one.request for one in answers], list(range(300)))
        said = [message_row(row)["text"] for one in answers[1:] for change in one.value[0]["message"] for row in change["inserts"]]
        self.assertEqual(said, [f"number {at}" for at in range(1, 300)])

    async def test_an_empty_payload_closes_the_connection(self):
        alice = await self.open(V3)
        await alice.socket.send(b"")
        code, reason = await self.closing(alice.socket)
        self.assertEqual(code, 1011)
        self.assertLessEqual(len(reason.encode()), 123)


class Version1(WebSocketTest):
    async def open_json(self, **options):
        socket = await self.connect(V1_JSON, **options)
        self.addAsyncCleanup(socket.close)
        greeting = json.loads(await socket.recv())["IdentityToken"]
        self.assertTrue(greeting["identity"]["__identity__"].startswith("0xc200"))
        return socket

    async def ask(self, socket, request):
        await socket.send(json.dumps(request))
        [(kind, body)] = json.loads(await socket.recv()).items()
        return kind, body

    @staticmethod
    def rows(update, table, which="inserts"):
        return [json.loads(row) for one in update["tables"] if one["table_name"] == table
                for part in one["updates"] for row in part[which]]

    async def test_a_conversation_in_json(self):
        alice, bob = await self.open_json(), await self.open_json()
        for socket in (alice, bob):
            kind, body = await self.ask(socket, {"SubscribeMulti": {
                "query_strings": ["SELECT * FROM room WHERE name = 'cellar'"], "request_id": 3, "query_id": {"id": 1}}})
            self.assertEqual((kind, body["request_id"], body["query_id"]), ("SubscribeMultiApplied", 3, {"id": 1}))
        kind, body = await self.ask(alice, {"CallReducer": {"reducer": "open", "args": "[\"cellar\"]", "request_id": 4, "flags": 0}})
        self.assertEqual((kind, body["reducer_call"]["request_id"]), ("TransactionUpdate", 4))
        [mine] = self.rows(body["status"]["Committed"], "room")
        kind, body = await asyncio.wait_for(self.take(bob), PATIENCE)
        self.assertEqual(kind, "TransactionUpdateLight")
        [seen] = self.rows(body["update"], "room")
        self.assertEqual(mine, seen)
        self.assertIn("cellar", mine.values() if isinstance(mine, dict) else mine)

        kind, body = await self.ask(alice, {"CallReducer": {"reducer": "open", "args": "[\"cellar\"]", "request_id": 5, "flags": 0}})
        self.assertIn("cellar", body["status"]["Failed"])
        kind, body = await self.ask(alice, {"OneOffQuery": {"message_id": "a1b2", "query_string": "SELECT * FROM room WHERE name = 'cellar'"}})
        self.assertEqual((kind, body["message_id"], body["error"]), ("OneOffQueryResponse", "a1b2", {"none": []}))
        self.assertEqual(json.loads(body["tables"][0]["rows"][0])["name"], "cellar")
        kind, body = await self.ask(alice, {"SubscribeSingle": {"query": "SELECT * FROM no", "request_id": 6, "query_id": {"id": 9}}})
        self.assertEqual((kind, body["request_id"], body["query_id"]), ("SubscriptionError", {"some": 6}, {"some": 9}))
        kind, body = await self.ask(alice, {"UnsubscribeMulti": {"request_id": 7, "query_id": {"id": 1}}})
        self.assertEqual((kind, len(self.rows(body["update"], "room", "deletes"))), ("UnsubscribeMultiApplied", 1))

    async def take(self, socket):
        [(kind, body)] = json.loads(await socket.recv()).items()
        return kind, body

    async def test_json_that_is_none_closes_the_connection(self):
        for said in ["{", "{\"Dance\":{}}", "[]"]:
            socket = await self.open_json()
            await socket.send(said)
            self.assertEqual((await self.closing(socket))[0], 1011)


class Frames(WebSocketTest):
    async def test_pings_of_the_client_are_answered(self):
        alice = await self.open(V2)
        for payload in [b"", b"x" * 125]:
            await asyncio.wait_for(await alice.socket.ping(payload), PATIENCE)

    async def test_the_server_pings_at_once(self):
        """The library answers pings without a word; its inner protocol shows them."""
        protocol = ClientProtocol(parse_uri(self.server.socket_url), subprotocols=[V2])
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        self.addCleanup(writer.close)
        protocol.send_request(protocol.connect())
        seen = []
        while Opcode.PING not in seen:
            for part in protocol.data_to_send():
                writer.write(part)
            received = await asyncio.wait_for(reader.read(65536), PATIENCE)
            self.assertTrue(received, "the server closed the connection without a ping")
            protocol.receive_data(received)
            seen += [getattr(event, "opcode", None) for event in protocol.events_received()]

    async def test_messages_may_come_in_fragments(self):
        alice = await self.open(V2)
        whole = subscribe(1, 1, "SELECT * FROM room")
        # Every split in two, and byte by byte.
        await alice.socket.send([bytes([byte]) for byte in whole])
        self.assertEqual((await alice.next()).kind, "SubscribeApplied")
        for at in range(1, len(whole), 7):
            query = one_off(at, "SELECT * FROM room")
            await alice.socket.send([query[:at], query[at:]])
            self.assertEqual((await alice.next()).request, at)

    async def test_a_close_is_answered_as_it_was_said(self):
        for code, reason in [(1000, "Disconnecting normally."), (1000, ""), (4321, "bye")]:
            alice = await self.open(V2)
            await alice.socket.close(code, reason)
            received = alice.socket.protocol.close_rcvd
            self.assertIsNotNone(received, "the server did not answer the close")
            self.assertEqual((received.code, received.reason), (code, reason))

    async def test_what_cannot_be_read_closes_the_connection(self):
        for payload in [b"\xff", b"\x03\x01", call(1, "open", b"", flags=9), "a text"]:
            alice = await self.open(V2)
            await alice.socket.send(payload)
            code, reason = await self.closing(alice.socket)
            self.assertEqual(code, 1011, payload)
            self.assertLessEqual(len(reason.encode()), 123)

    async def test_a_message_beyond_the_limit_drops_the_connection(self):
        alice = await self.open(V2)
        try:
            await alice.socket.send(bytes(33 << 20))
        except ConnectionClosed:
            pass
        with self.assertRaises(ConnectionClosed):
            while True:
                await asyncio.wait_for(alice.socket.recv(), PATIENCE)

    async def test_large_answers_are_compressed_as_they_were_asked_for(self):
        filler = await self.open(V3)
        for at in range(40):
            answer = await filler.ask(call(at, "send", text("lobby") + text("much ado about nothing " * 10)))
            self.assertEqual(answer.fields["outcome"], "Ok", answer.value)
        query = subscribe(1, 1, "SELECT * FROM message")
        answers = {}
        for name, tag in [("None", 0), ("Brotli", 1), ("Gzip", 2)]:
            for protocol in (V2, V3):
                alice = await self.open(protocol, parameters=f"compression={name}")
                applied = await alice.ask(query)
                answers[name, protocol] = sorted(row for _, rows in applied.value for row in rows)
                self.assertEqual(alice.compressions[-1], tag, (name, protocol))
        self.assertGreaterEqual(len(answers["None", V2]), 40)
        self.assertTrue(all(rows == answers["None", V2] for rows in answers.values()))


class Ending(WebSocketTest):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)

    async def test_a_server_that_is_told_to_end_closes_its_connections_and_ends_well(self):
        connection = await self.open(V3)
        stopping = asyncio.create_task(asyncio.to_thread(self.server.stop))
        self.assertEqual((await self.closing(connection.socket))[0], 1001)
        await stopping
        self.assertEqual(self.server.process.returncode, 0, "".join(self.server.output))


if __name__ == "__main__":
    unittest.main()
