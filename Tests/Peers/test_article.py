"""The client of the article WritingAClient, as it stands there."""

import asyncio
import contextlib
import io
import re
import unittest
from pathlib import Path

from server import PATIENCE, Server

ARTICLE = Path(__file__).parents[2] / "Sources/SpacetimeServer/SpacetimeServer.docc/WritingAClient.md"


class Article(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--in-memory")
        cls.addClassCleanup(cls.server.close)
        cls.code = {}
        for block in re.findall(r"```python\n(.*?)```", ARTICLE.read_text(), re.DOTALL):
            exec(compile(block.replace("ws://127.0.0.1:3000", f"ws://127.0.0.1:{cls.server.port}"), ARTICLE.name, "exec"), cls.code)

    async def start(self, *queries, token=None):
        client = self.code["Client"](self.server.socket_url, list(queries), token)
        task = asyncio.create_task(client.run())
        self.addAsyncCleanup(self.stop, task)
        ready = asyncio.create_task(client.is_ready.wait())
        await asyncio.wait([task, ready], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        return client

    @staticmethod
    async def stop(task):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            await task

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.01)

    async def test_what_is_printed_is_what_is_there(self):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            await self.code["talk"]()
        self.assertIn("'attic'", printed.getvalue())

    async def test_two_clients_see_the_same_rows(self):
        ada = await self.start("SELECT * FROM room", "SELECT * FROM message")
        bob = await self.start("SELECT * FROM room WHERE name = 'cellar'", "SELECT * FROM room")
        await ada.call("open", "cellar")
        self.assertIn("cellar", [room["name"] for room in ada.rows("room")])
        await self.until(lambda: "cellar" in [room["name"] for room in bob.rows("room")])
        # Two queries deliver it.
        self.assertIn(2, bob.tables["room"].values())
        # It is updated by what is said in it: the old row goes, the new one comes.
        for at in range(3):
            await ada.call("send", "cellar", f"number {at}")
        [room] = [room for room in ada.rows("room") if room["name"] == "cellar"]
        self.assertEqual(room["message_count"], 3)
        self.assertEqual(len(ada.rows("message")), 3)
        await self.until(lambda: [room["message_count"] for room in bob.rows("room") if room["name"] == "cellar"] == [3])

    async def test_what_a_reducer_throws_is_raised(self):
        ada = await self.start("SELECT * FROM room")
        await ada.call("open", "pantry")
        with self.assertRaisesRegex(RuntimeError, "pantry"):
            await ada.call("open", "pantry")
        with self.assertRaises(RuntimeError):
            await ada.call("no_such_reducer")
        await ada.call("open", "larder")

    async def test_a_token_brings_the_same_user_back(self):
        first = await self.start("SELECT * FROM user")
        await first.call("rename", "Ada")
        again = await self.start("SELECT * FROM user", token=first.token)
        self.assertEqual(again.token, first.token)

    async def test_a_query_that_is_none_is_an_error(self):
        with self.assertRaisesRegex(RuntimeError, "nothing"):
            await self.start("SELECT * FROM nothing")


if __name__ == "__main__":
    unittest.main()
