"""The client for JavaScript: its own tests in Node and in Deno, and what TypeScript makes of its types."""

import os
import platform
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from server import Server

HERE = Path(__file__).parent / "JavaScript"
#: Some tests wait for a busy machine; none takes a minute on an idle one.
LIMIT = 900


def node():
    """Node's program and version, or (None, None)."""
    program = shutil.which("node")
    if not program:
        return None, None
    found = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return program, tuple(int(part) for part in re.findall(r"\d+", found)[:2])


def deno():
    """Deno's program, which is installed beside Python's packages, or None."""
    program = Path(sys.executable).parent / "deno"
    return str(program) if program.exists() else shutil.which("deno")


NODE, VERSION = node()
DENO = deno()


class JavaScript(unittest.TestCase):
    def run_tests(self, command, *files, **environment):
        for file in files:
            with self.subTest(file=file):
                done = subprocess.run(
                    [*command, str(HERE / file)], capture_output=True, text=True, timeout=LIMIT,
                    env={**os.environ, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1", **environment})
                self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")

    @unittest.skipUnless(NODE, "Node is not installed: apt-get install nodejs")
    def test_values_messages_and_rows_in_node(self):
        self.run_tests([NODE], "codec.test.mjs", "cache.test.mjs", "react.test.mjs")

    @unittest.skipUnless(NODE and VERSION >= (20, 10), "Node has WebSockets since 20.10")
    def test_sessions_with_the_server_in_node(self):
        server = Server("--in-memory")
        self.addCleanup(server.close)
        # Since version 22 it needs not be asked for.
        options = ["--experimental-websocket"] if VERSION < (22, 0) else []
        self.run_tests([NODE, *options], "session.test.mjs", CHAT_URL=server.url)

    @unittest.skipUnless(DENO, f"PyPI has no Deno for {platform.platform()}, or it is not installed")
    def test_all_of_it_in_deno(self):
        server = Server("--in-memory")
        self.addCleanup(server.close)
        self.run_tests(
            [DENO, "test", "--no-check", "--allow-all"], "codec.test.mjs", "cache.test.mjs", "react.test.mjs", "session.test.mjs",
            CHAT_URL=server.url)

    @unittest.skipUnless(DENO, f"PyPI has no Deno for {platform.platform()}, or it is not installed")
    def test_types_accept_what_is_right_and_refuse_what_is_wrong(self):
        self.run_tests([DENO, "check"], "types.ts")


if __name__ == "__main__":
    unittest.main()
