"""Runs the chat server that the tests talk to."""

import os
import re
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

PROGRAM = os.environ["CHAT_SERVER"]
#: How long anything is waited for, in seconds: on a busy machine late is not wrong.
PATIENCE = 120


class Server:
    """A chat server, on a free port and with a folder of its own unless told otherwise."""

    def __init__(self, *options):
        self.options = options
        self.folder = tempfile.TemporaryDirectory(prefix="peers-server-")
        self.data = Path(self.folder.name) / "data"
        self.port = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [PROGRAM, "--port", str(self.port), "--data", str(self.data), *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.output = []
        # A server that hangs before it listens must not hang the tests.
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        for line in self.process.stdout:
            self.output.append(line)
            if found := re.search(r"The chat is at +http://127\.0\.0\.1:(\d+)/", line):
                self.port = int(found[1])
                break
        else:
            raise RuntimeError("the server did not start:\n" + "".join(self.output))
        watchdog.cancel()
        # Nobody may make the server wait for its output to be read.
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            self.output.append(line)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()

    def restart(self, how=signal.SIGTERM):
        """Stops the server and starts it on the same port and folder."""
        self.stop(how)
        self.start()

    def close(self):
        self.stop(signal.SIGKILL)
        self.folder.cleanup()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self):
        return f"ws://127.0.0.1:{self.port}/v1/database/chat/subscribe"

    @property
    def keys(self):
        """The server's own keys: (private, public), as PEM."""
        folder = self.data / "keys"
        return (folder / "id_ecdsa").read_text(), (folder / "id_ecdsa.pub").read_text()
