"""Drives a headless Chromium over the DevTools protocol, with nothing but a WebSocket."""

import asyncio
import base64
import json
import logging
import os
import shutil
import tempfile
import time
from pathlib import Path

from websockets.asyncio.client import connect

from server import PATIENCE

# The test case runs its loop in debugging mode, which reports each step of more than 0.1 s.
logging.getLogger("asyncio").setLevel(logging.ERROR)

ARTEFACTS = Path(os.environ.get("ARTEFACTS", ".build/artifacts"))
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: What the browser says of a page that was on its way elsewhere.
ELSEWHERE = ("Execution context was destroyed", "Cannot find context", "Inspected target navigated", "Promise was collected")


def program():
    """The path of the browser, or None."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


class Browser:
    """One browser process. Contexts in it share nothing: each is a person at a machine of their own."""

    async def __aenter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="peers-browser-", ignore_cleanup_errors=True)
        arguments = [
            "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={self.folder.name}", "--disable-gpu",
            "--no-first-run", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-background-timer-throttling",
            "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows", "--disable-hang-monitor",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        ]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        self.process = await asyncio.create_subprocess_exec(
            program(), *arguments, "about:blank", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
        address = await asyncio.wait_for(self._address(), PATIENCE)
        self._drain = asyncio.create_task(self.process.stderr.read())
        # A browser that is too busy to answer a ping is not gone.
        self.socket = await connect(address, max_size=None, open_timeout=PATIENCE, ping_interval=None)
        self.next_id = 0
        self.waiting = {}
        self.pages = {}
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_):
        self._reader.cancel()
        await self.socket.close()
        self.process.terminate()
        await self.process.wait()
        self.folder.cleanup()

    async def _address(self):
        async for line in self.process.stderr:
            if b"DevTools listening on " in line:
                return line.decode().split(" on ", 1)[1].strip()
        raise RuntimeError("the browser ended before it listened")

    async def _read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self.waiting.pop(message["id"]).set_result(message)
            elif page := self.pages.get(message.get("sessionId")):
                page.event(message["method"], message["params"])

    async def send(self, method, session=None, **parameters):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        answer = self.waiting[self.next_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps(message))
        answer = await asyncio.wait_for(answer, PATIENCE)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    async def context(self):
        """A browser context of its own: no shared storage, no shared cookies."""
        return (await self.send("Target.createBrowserContext"))["browserContextId"]

    async def page(self, context, url, width=1280, height=800, dark=False):
        target = (await self.send("Target.createTarget", url="about:blank", browserContextId=context))["targetId"]
        session = (await self.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = Page(self, session)
        self.pages[session] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.send(f"{domain}.enable")
        await page.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        await page.colours(dark)
        await page.send("Page.navigate", url=url)
        # Before that, what is asked may be answered by the empty page that was there first.
        await page.until("location.href !== 'about:blank' && document.readyState === 'complete'")
        return page


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session
        #: What the page complained of: exceptions that nobody caught, and violations of its content policy.
        self.problems = []
        #: The addresses that it fetched from.
        self.requests = []
        #: What came over its WebSockets, frame by frame.
        self.frames = []

    def send(self, method, **parameters):
        return self.browser.send(method, self.session, **parameters)

    def event(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and parameters["entry"]["source"] in ("security", "javascript", "violation"):
            if parameters["entry"]["level"] == "error":
                self.problems.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Network.webSocketFrameReceived" and parameters["response"]["opcode"] == 2:
            self.frames.append(base64.b64decode(parameters["response"]["payloadData"]))

    async def run(self, script):
        """The value of an expression in the page, which may be a promise."""
        result = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    async def until(self, condition, seconds=PATIENCE):
        """Waits until an expression in the page is true, and returns its value."""
        script = """(() => {
            let value; try { value = (%s); } catch (error) { value = null; }
            return value instanceof Node ? true : value;
        })()""" % condition
        end = time.monotonic() + seconds
        while True:
            try:
                if value := await self.run(script):
                    return value
            except RuntimeError as error:
                if not any(text in str(error) for text in ELSEWHERE):
                    raise
            if time.monotonic() > end:
                shown = await self.run("document.body.innerText.slice(0, 2000)")
                raise AssertionError(f"in vain: {condition}\n{shown}")
            await asyncio.sleep(0.02)

    async def sees(self, text, seconds=PATIENCE):
        await self.until(f"document.body.innerText.includes({json.dumps(text)})", seconds)

    async def click(self, selector):
        """Clicks what can be clicked, as soon as it can: the page may make it anew meanwhile."""
        await self.until(f"((e) => e && !e.disabled && (e.click(), true))(document.querySelector({json.dumps(selector)}))")

    async def focus(self, selector):
        await self.until(f"((e) => e && (e.focus(), document.activeElement === e))(document.querySelector({json.dumps(selector)}))")

    async def fill(self, selector, text):
        """Types into a field, as a keyboard does: what listens for input hears of it. Again, if the page has moved the focus."""
        element = f"document.querySelector({json.dumps(selector)})"
        end = time.monotonic() + PATIENCE
        while True:
            await self.focus(selector)
            await self.run(f"{element}?.select?.()")
            await self.send("Input.insertText", text=text)
            if await self.run(f"{element}?.value === {json.dumps(text)}"):
                return
            assert time.monotonic() < end, f"{selector} does not take {text!r}"

    async def press(self, key, modifiers=0, on=None):
        """Presses a key, on a field that has to have the focus for it."""
        if on:
            await self.focus(on)
        codes = {"Enter": (13, "\r"), "Tab": (9, None), "Escape": (27, None), "ArrowDown": (40, None), "ArrowUp": (38, None)}
        code, text = codes[key]
        down = {"text": text} if text else {}
        await self.send("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code,
                        modifiers=modifiers, **down)
        await self.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code,
                        modifiers=modifiers)

    async def colours(self, dark):
        await self.send("Emulation.setEmulatedMedia",
                        features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    async def size(self, width, height):
        await self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    async def offline(self, is_offline):
        await self.send("Network.emulateNetworkConditions", offline=is_offline, latency=0, downloadThroughput=-1, uploadThroughput=-1)

    async def picture(self, name):
        """Keeps what the page looks like as an artefact."""
        data = (await self.send("Page.captureScreenshot", format="png"))["data"]
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        (ARTEFACTS / f"{name}.png").write_bytes(base64.b64decode(data))
