# SPDX-License-Identifier: Apache-2.0
"""Do many threads that read their first manifest or answer at the same moment leave us alive?

msgspec 0.22 crashes the process where threads decode into a struct of structs that it has not met
before. Each round imports the modules anew, so that their structs are new to it.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

_SCRIPT = """
import importlib, sys, threading
import msgspec
sys.setswitchinterval(1e-6)
THREADS, ROUNDS = 16, 60

def together(work):
    start = threading.Barrier(THREADS)
    def one():
        start.wait()
        work()
    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

MODULES = sys.argv[1].split(",")
for _ in range(ROUNDS):
    for name in MODULES:
        sys.modules.pop(name, None)
    last = importlib.import_module(MODULES[-1])
    exec(sys.argv[2])
"""
_STORE = 'together(lambda: last.read_manifest(b\'{"config": {}, "layers": [{"size": 1}]}\'))'
_ANSWER = """
class Asked:
    def _asked(self, *given, **named):
        return answer
verify = sys.modules["kguard.layers.images.verification.verify"]
keys = sys.modules["kguard.layers.images.verification.keys"]
checked = verify.Checked(None, keys.PublicKey(None, b"k"), "", (), {}, ())
answer = msgspec.msgpack.encode(last.Holds(checked))
together(lambda: last.Assistant.__call__(Asked(), b"", "", None, listed=True))
"""
_VERIFICATION = "kguard.layers.images.verification"


@pytest.mark.parametrize(
    ("modules", "work"),
    [
        (["kguard.layers.images.evidence.store"], _STORE),
        ([f"{_VERIFICATION}.{n}" for n in ("verify", "bundles", "child", "assistant")], _ANSWER),
    ],
)
def test_the_first_reading_in_many_threads(modules, work):
    command = [sys.executable, "-c", _SCRIPT, ",".join(modules), work]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
