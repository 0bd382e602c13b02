"""What `generate` writes for TypeScript and Rust: checked by the compilers, together with what users write against it, and run.

The code is the golden one of SpacetimeBindingsTests. That for the original's packages is checked against our own renderings of
their types, Generated/spacetimedb.d.ts and Generated/rust/sdk.rs; the packages themselves are not fetched.
"""

import json
import os
import platform
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from server import PATIENCE
from test_javascript import DENO, LIMIT

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
GOLDEN = ROOT / "Tests/SpacetimeBindingsTests/Golden"
LIBRARY = ROOT / "Sources/SpacetimeServer/Client/Library"
MODULES = ["Game", "Everything", "Nested"]


@unittest.skipUnless(DENO, f"PyPI has no Deno for {platform.platform()}, or it is not installed")
class TypeScript(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for module in MODULES:
            shutil.copytree(GOLDEN / module, self.folder / module)
            own = self.folder / module / "own-typescript"
            marker = (own / "index.ts").read_text().partition("\n")[0]
            for file in LIBRARY.iterdir():
                # As the command writes them: with a line in front.
                (own / file.name).write_text(f"{marker}\n{file.read_text()}")
        for file in (HERE / "Generated").glob("*.ts"):
            shutil.copy(file, self.folder / ("Game" if file.name in ("stock.ts", "own.ts") else "") / file.name)
        (self.folder / "deno.json").write_text(json.dumps({
            "imports": {"spacetimedb": "./spacetimedb.d.ts"},
            "compilerOptions": {"strict": True, "noImplicitOverride": True, "lib": ["deno.window", "dom", "esnext"]},
        }))

    def deno(self, *arguments):
        return subprocess.run(
            [DENO, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=LIMIT,
            env={**os.environ, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"})

    def check(self, *files):
        # Bundlers, which most users have, find files without their endings; so does the compiler if it is told to.
        done = self.deno("check", "--quiet", "--unstable-sloppy-imports", *files)
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")

    def test_code_for_the_originals_package_is_typed(self):
        everything = [f"Everything/typescript/{name}.ts" for name in ("index", "types/reducers", "types/procedures")]
        self.check("Game/stock.ts", "Nested/typescript/index.ts", *everything)

    def test_code_for_our_own_client_is_typed(self):
        self.check("Game/own.ts", "Everything/own-typescript/index.ts", "Nested/own-typescript/index.ts")

    def test_the_compiler_looks(self):
        for file in ("stock.ts", "own.ts"):
            with (self.folder / "Game" / file).open("a") as source:
                source.write("const wrong: number = conn.db.player.name.find('x');\n")
            done = self.deno("check", "--quiet", "--unstable-sloppy-imports", f"Game/{file}")
            self.assertNotEqual(done.returncode, 0, file)
            self.assertIn("TS2322", done.stdout + done.stderr)

    def test_values_come_back_as_they_were(self):
        done = self.deno("run", "--quiet", "values.ts")
        self.assertEqual((done.returncode, done.stdout), (0, "holds\n"), done.stderr)


PROGRAMS = Path(os.environ["CHAT_SERVER"]).parent


@unittest.skipUnless(DENO, f"PyPI has no Deno for {platform.platform()}, or it is not installed")
class Serving(unittest.TestCase):
    """A server with something of everything, and the code that the command writes for it."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        server = subprocess.Popen([PROGRAMS / "peer-server"], stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(server.stdout.close)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.kill)
        # A server that hangs before it listens must not hang the tests.
        watchdog = threading.Timer(PATIENCE, server.kill)
        watchdog.start()
        cls.address = server.stdout.readline().strip()
        watchdog.cancel()
        assert cls.address.startswith("http://"), "the server did not start"
        done = subprocess.run(
            [PROGRAMS / "spacetimekit", "generate", "--lang", "typescript", "gallery", "--server", cls.address,
             "--out-dir", cls.folder / "module_bindings"],
            capture_output=True, text=True, timeout=LIMIT, env={**os.environ, "SPACETIMEKIT_CONFIG": folder.name + "/none"})
        assert done.returncode == 0, done.stderr
        shutil.copy(HERE / "Generated/gallery.ts", cls.folder)

    def run_program(self, *options):
        done = subprocess.run(
            [DENO, "run", "--quiet", "--allow-net", "--unstable-sloppy-imports", *options, "gallery.ts", self.address], cwd=self.folder,
            capture_output=True, text=True, timeout=LIMIT,
            env={**os.environ, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"})
        self.assertEqual((done.returncode, done.stdout), (0, "holds\n"), done.stderr)

    def test_generated_code_calls_watches_and_reads(self):
        self.run_program("--check")


RUSTC = shutil.which("rustc")


@unittest.skipUnless(RUSTC, "Rust is not installed: apt-get install rustc")
class Rust(unittest.TestCase):
    def test_code_for_the_originals_crate_compiles(self):
        sources = HERE / "Generated/rust"
        with tempfile.TemporaryDirectory() as folder:
            for module in MODULES:
                shutil.copy(GOLDEN / module / "rust/mod.rs", f"{folder}/{module.lower()}.rs")
            shutil.copy(sources / "users.rs", folder)

            def rustc(*arguments):
                done = subprocess.run(
                    [RUSTC, "--edition", "2021", "-L", ".", *arguments], cwd=folder, capture_output=True, text=True,
                    timeout=LIMIT)
                self.assertEqual(done.returncode, 0, done.stderr)

            rustc("--crate-type", "proc-macro", sources / "derive.rs")
            rustc("--crate-type", "lib", "--crate-name", "spacetimedb_sdk", "--extern", "derive", sources / "sdk.rs")
            rustc("--emit=metadata", "--extern", "spacetimedb_sdk", "users.rs")


if __name__ == "__main__":
    unittest.main()
