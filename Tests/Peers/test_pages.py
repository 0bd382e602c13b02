"""Both pages in a headless Chromium: two people who share nothing but the server."""

import re
import signal
import unittest
from pathlib import Path

import jwt

import browser
from browser import Browser
from server import Server

ARTICLE = Path(__file__).parents[2] / "Sources/SpacetimeServer/SpacetimeServer.docc/TheJavaScriptClient.md"


@unittest.skipUnless(browser.program(), "Chromium is not installed: apt-get install chromium")
class Pages(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.browser = await self.enterAsyncContext(Browser())
        self.pages = []

    async def asyncTearDown(self):
        for page in self.pages:
            self.assertEqual(page.problems, [])
            elsewhere = [url for url in page.requests if not url.startswith((self.server.url, "data:", "about:"))]
            self.assertEqual(elsewhere, [], "the page fetched something from elsewhere")

    async def open(self, path="/", context=None, **options):
        page = await self.browser.page(context or await self.browser.context(), self.server.url + path, **options)
        self.pages.append(page)
        return page

    async def person(self, name, **options):
        """Somebody in the chat, who has taken a name."""
        page = await self.open(**options)
        await page.until("document.querySelector('#name-dialog[open]')")
        await page.fill("#name", name)
        await page.press("Enter", on="#name")
        await page.until("!document.querySelector('#name-dialog[open]')")
        await page.until(f"document.querySelector('#me').innerText.includes({name!r})")
        return page

    @staticmethod
    async def open_room(page, name):
        """By the button: on a busy machine the focus may come to the message's field after this field was filled."""
        await page.fill("#room-name", name)
        await page.click("#new-room button")

    @staticmethod
    async def say(page, text):
        await page.fill("#text", text)
        await page.press("Enter", on="#text")

    @staticmethod
    async def hears(page, text):
        await page.until(f"[...document.querySelectorAll('#messages p')].some((p) => p.innerText === {text!r})")


class Chat(Pages):
    async def test_two_people_see_each_other(self):
        ada, grace = await self.person("Ada"), await self.person("Grace", dark=True)
        # Presence.
        await ada.until("[...document.querySelectorAll('#people .online')].some((li) => li.innerText.includes('Grace'))")
        await grace.until("[...document.querySelectorAll('#people .online')].some((li) => li.innerText.includes('Ada'))")
        # What one says the other hears.
        await self.say(ada, "Good morning!")
        await self.hears(grace, "Good morning!")
        await self.say(grace, "Morning, Ada. Is the engine running?")
        await self.say(grace, "I read your notes: https://example.org/notes <script>alert(1)</script>")
        await self.hears(ada, "I read your notes: https://example.org/notes <script>alert(1)</script>")
        self.assertEqual(await ada.run("document.querySelector('#messages a').href"), "https://example.org/notes")
        self.assertEqual(await ada.run("document.querySelectorAll('#messages script').length"), 0)
        await self.say(ada, "It weaves algebraical patterns just as the loom weaves flowers and leaves.")
        await self.hears(grace, "It weaves algebraical patterns just as the loom weaves flowers and leaves.")
        # Rooms, and what is new in them.
        await self.open_room(ada, "kitchen")
        await ada.until("document.title.startsWith('kitchen')")
        await self.say(ada, "Tea is ready")
        await self.hears(ada, "Tea is ready")
        await grace.until("document.querySelector('[data-room=kitchen] .badge')?.innerText.startsWith('1')")
        await grace.picture("chat-dark")
        await grace.press("ArrowDown", modifiers=1)
        await self.hears(grace, "Tea is ready")
        await ada.click("[data-room=lobby]")
        await self.hears(ada, "Good morning!")
        await ada.picture("chat-light")
        await ada.size(390, 760)
        await ada.click("#menu")
        await ada.until("getComputedStyle(document.querySelector('nav')).translate === '0px'")
        await ada.picture("chat-narrow")
        # A name belongs to one.
        await grace.click("#me")
        await grace.fill("#name", "Ada")
        await grace.press("Enter", on="#name")
        await grace.sees("the name Ada is taken")
        await grace.press("Escape")
        # Somebody who leaves is away, and keeps a place in the list.
        await grace.send("Page.navigate", url="about:blank")
        await ada.until("[...document.querySelectorAll('#people .offline')].some((li) => li.innerText.includes('Grace'))")

    async def test_a_browser_keeps_who_somebody_is(self):
        context = await self.browser.context()
        ada = await self.person("Ada", context=context)
        await self.say(ada, "I shall be back")
        await self.hears(ada, "I shall be back")
        await ada.send("Page.navigate", url="about:blank")
        again = await self.open(context=context)
        await again.until("document.querySelector('#me').innerText.includes('Ada')")
        await again.until("document.querySelector('#messages .mine')")
        self.assertFalse(await again.run("document.querySelector('#name-dialog').open"))

    async def test_what_is_shown_stays_while_the_server_is_away(self):
        ada, grace = await self.person("Ada"), await self.person("Grace")
        await self.say(ada, "before")
        await self.hears(grace, "before")
        # As the power fails: without a word to anybody.
        self.server.stop(signal.SIGKILL)
        for page in (ada, grace):
            await page.until("document.querySelector('#status').innerText.includes('trying again')")
            await self.hears(page, "before")
            self.assertTrue(await page.run("document.querySelector('#send').disabled"))
        await ada.fill("#text", "a draft is kept")
        await ada.press("Enter", on="#text")
        await ada.picture("chat-away")
        self.server.start()
        for page in (ada, grace):
            await page.until("document.querySelector('#status').innerText.includes('Connected')")
            await page.until("document.querySelectorAll('#people .online').length === 2")
        self.assertEqual(await ada.run("document.querySelector('#text').value"), "a draft is kept")
        await ada.press("Enter", on="#text")
        await self.hears(grace, "a draft is kept")
        await self.hears(grace, "before")
        self.assertEqual(await grace.run("document.querySelectorAll('#messages p').length"), 2)

    async def test_who_was_offline_goes_on_where_they_were(self):
        ada, grace = await self.person("Ada"), await self.person("Grace")
        await self.say(ada, "before")
        await self.hears(grace, "before")
        await ada.offline(True)
        await ada.until("!document.body.classList.contains('online')")
        await self.say(grace, "meanwhile")
        await self.hears(grace, "meanwhile")
        ada.frames.clear()
        await ada.offline(False)
        await self.hears(ada, "meanwhile")
        self.assertEqual(await ada.run("document.querySelectorAll('#messages p').length"), 2)
        # Both of its sets were told what had changed, and not all rows again: a frame is plain, and begins with that message.
        self.assertTrue(any(frame[:2] == b"\x00\x81" for frame in ada.frames), ada.frames)
        self.assertFalse(any(frame[:2] == b"\x00\x01" for frame in ada.frames), ada.frames)

    async def test_history_goes_back_as_far_as_one_asks(self):
        ada = await self.person("Ada")
        await ada.run("""(async () => {
            const { DbConnection } = await import("/client.js");
            const conn = DbConnection.builder().withDatabaseName("chat").build();
            const sent = Array.from({ length: 230 }, (_, at) => conn.reducers.send({ room: "lobby", text: `number ${at + 1}` }));
            await Promise.all(sent);
            conn.disconnect();
        })()""")
        await self.hears(ada, "number 230")
        context = await self.browser.context()
        grace = await self.open(context=context)
        await grace.click("#name-later")
        await self.hears(grace, "number 230")
        self.assertEqual(await grace.run("document.querySelectorAll('#messages p').length"), 100)
        await grace.click("#earlier")
        await self.hears(grace, "number 31")
        await grace.click("#earlier")
        await self.hears(grace, "number 1")
        self.assertEqual(await grace.run("document.querySelectorAll('#messages p').length"), 230)
        self.assertTrue(await grace.run("document.querySelector('#earlier').hidden"))
        self.assertTrue(await grace.run("""[...document.querySelectorAll('#messages p')]
            .every((p, at) => p.innerText === `number ${at + 1}`)"""))

    async def test_the_script_of_the_article_talks_to_the_others(self):
        ada = await self.person("Ada")
        page = await self.open()
        [script] = re.findall(r'<script type="module">\n(.*?)</script>', ARTICLE.read_text(), re.DOTALL)
        imported = script.replace('import { DbConnection } from "/client.js";', 'const { DbConnection } = await import("/client.js");')
        self.assertNotEqual(imported, script)
        await page.run(f"(async () => {{ {imported} }})()")
        await self.hears(ada, "Hello")

    async def test_everything_has_a_name_for_those_who_cannot_see_it(self):
        ada = await self.person("Ada")
        await self.say(ada, "hello")
        await self.hears(ada, "hello")
        await assertNamed(self, ada)
        self.assertEqual(await ada.run("document.querySelector('#messages').ariaLive"), "polite")


class Inspector(Pages):
    async def owner(self, part="tables", **options):
        token = jwt.encode({"iss": "localhost", "sub": "owner", "iat": 1700000000}, self.server.keys[0], algorithm="ES256")
        page = await self.open(f"/inspect#database=chat&token={token}", width=1400, height=900, **options)
        await page.sees("as its owner")
        # The token does not stay in the address.
        self.assertNotIn("token", await page.run("location.href"))
        await self.go(page, part)
        return page

    @staticmethod
    async def go(page, part):
        await page.click(f"[data-part={part}]")
        await page.until(f"document.querySelector('[data-part={part}]').ariaCurrent === 'page'")

    async def test_rows_are_live(self):
        ada, page = await self.person("Ada"), await self.owner()
        await page.click("[data-table=message]")
        await page.until("document.querySelector('.detail [role=status]')?.innerText.includes('0 rows')")
        for text in ["first", "second", "third"]:
            await self.say(ada, text)
            await self.hears(ada, text)
        await page.until("document.querySelectorAll('.detail tbody tr').length === 3")
        await page.picture("inspector-tables")
        rows = "[...document.querySelectorAll('.detail tbody tr')].map((row) => row.lastElementChild.innerText).join()"
        self.assertEqual(await page.run(rows), "first,second,third")
        await page.click("th button")
        await page.until(f"{rows} === 'third,second,first'")
        await page.fill("#filter", "cond")
        await page.until(f"{rows} === 'second'")
        await page.fill("#filter", " ")
        await page.fill("#condition", "text = 'third'")
        await page.press("Enter", on="#condition")
        await page.until(f"{rows} === 'third'")
        await page.fill("#condition", "nothing = 1")
        await page.press("Enter", on="#condition")
        await page.until("document.querySelector('.detail .problem').innerText.includes('nothing')")
        # Private tables, and those of the system.
        await page.click("[data-table=sweep]")
        await page.until("document.querySelector('.detail tbody tr')?.innerText.includes('every 1 h')")
        await page.click("[data-table=st_table]")
        await page.until("document.querySelector('.detail tbody')?.innerText.includes('st_client')")

    async def test_statements_and_their_plans(self):
        page = await self.owner("sql")
        await page.fill("#statement", "SELECT name, message_count FROM room WHERE name = 'lobby'")
        await page.click("#run")
        await page.until("document.querySelector('.result td')?.innerText === 'lobby'")
        await page.click("#plan")
        await page.until("document.querySelector('.plan')?.innerText.includes('room')")
        await page.picture("inspector-sql")
        await page.fill("#statement", "INSERT INTO room (name, created, message_count) VALUES ('vault', '2026-01-01T00:00:00Z', 0)")
        await page.press("Enter", modifiers=2, on="#statement")
        await page.sees("1 inserted")
        await page.fill("#statement", "SELEKT")
        await page.press("Enter", modifiers=2, on="#statement")
        await page.until("document.querySelector('.result .problem')")

    async def test_a_reducer_is_called_with_a_form(self):
        page = await self.owner("calls")
        await page.click("[data-function=open]")
        await page.fill(".call textarea", "pantry")
        await page.click(".call button")
        await page.until("document.querySelector('.results .good')?.innerText.includes('committed')")
        await page.click(".call button")
        await page.until("document.querySelector('.results .problem')?.innerText.includes('pantry')")
        await page.picture("inspector-calls")
        await page.click("[data-function=forget_guests]")
        await page.until("document.querySelector('.call select')")
        await page.click("[data-function=set_up]")
        await page.sees("The database calls it by itself")

    async def test_clients_schedules_log_metrics_and_schema(self):
        ada, page = await self.person("Ada"), await self.owner("clients")
        await page.until("document.querySelectorAll('main tbody tr').length >= 2")
        await page.sees("the owner")
        await page.until("[...document.querySelectorAll('td.wrapped b')].some((b) => b.innerText === 'message')")
        await page.picture("inspector-clients")
        await self.go(page, "schedules")
        await page.until("document.querySelector('main tbody')?.innerText.includes('every 1 h')")
        await page.sees("none late")
        await self.go(page, "log")
        await page.until("document.querySelector('.log li')")
        await page.picture("inspector-log")
        await self.go(page, "metrics")
        for at in range(3):
            await self.say(ada, f"for the charts {at}")
        await page.until("document.querySelectorAll('.charts figure').length >= 3")
        await page.picture("inspector-metrics")
        await self.go(page, "schema")
        await page.until("document.querySelectorAll('.picture .box').length === 4")
        self.assertGreaterEqual(await page.run("document.querySelectorAll('.picture .link').length"), 2)
        await page.until("document.querySelector('.picture').textContent.includes('3 rows, ')")
        await page.picture("inspector-schema")
        await page.colours(dark=True)
        await page.picture("inspector-schema-dark")

    async def test_a_guest_reads_only(self):
        page = await self.open("/inspect#database=chat")
        await page.sees("read only")
        await page.until("document.querySelector('[data-table=room]')")
        self.assertFalse(await page.run("!!document.querySelector('[data-table=sweep]')"))
        self.assertFalse(await page.run("!!document.querySelector('[data-part=log]')"))
        await self.go(page, "calls")
        await page.click("[data-function=open]")
        self.assertFalse(await page.run("!!document.querySelector('form.call')"))

    async def test_who_asks_is_asked_first(self):
        page = await self.open("/inspect")
        await page.until("!document.querySelector('#sign-in').hidden")
        await page.picture("inspector-sign-in")
        await page.fill("#database", "nobody")
        await page.press("Enter", on="#database")
        await page.sees("not found")
        await page.fill("#database", "chat")
        await page.fill("#token", "nonsense")
        await page.press("Enter", on="#token")
        await page.until("document.querySelector('#sign-in-problem').innerText && !document.body.innerText.includes('not found')")

    async def test_it_goes_on_after_the_server_was_away(self):
        page = await self.owner()
        await page.click("[data-table=room]")
        await page.until("document.querySelector('.detail tbody tr')?.innerText.includes('lobby')")
        self.server.restart(signal.SIGKILL)
        await page.until("document.querySelector('#status').innerText === 'Connected'")
        ada = await self.person("Ada")
        await self.open_room(ada, "after")
        await page.until("document.querySelector('.detail tbody').innerText.includes('after')")

    async def test_everything_has_a_name_for_those_who_cannot_see_it(self):
        page = await self.owner()
        for part in ["tables", "sql", "calls", "clients", "schedules", "log", "metrics", "schema"]:
            await self.go(page, part)
            await page.until("document.querySelector('main h2')")
            await assertNamed(self, page)


async def assertNamed(test, page):
    """What the browser tells a screen reader: each thing that one can reach has a name."""
    nodes = (await page.send("Accessibility.getFullAXTree"))["nodes"]
    roles = {"button", "textbox", "searchbox", "combobox", "checkbox", "link", "dialog", "img", "navigation", "region"}
    nameless = [
        node["role"]["value"] for node in nodes if not node.get("ignored")
        and node.get("role", {}).get("value") in roles and not node.get("name", {}).get("value", "").strip()]
    test.assertEqual(nameless, [])


if __name__ == "__main__":
    unittest.main()
