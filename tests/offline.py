"""Runs commands in a network namespace without interfaces, traced: what they connect to and write.

`python tests/offline.py` prints the table. It needs root, strace and unshare (Linux).
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[1]
CALLS = "trace=connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat,rename,renameat2"
RAG = [sys.executable, "-c", "from rag.cli.main import main; main()"]
PORT = "8551"
QUESTION = {"question": "Which procedure collects the T cells?"}

# Set a loopback interface up (linux/sockios.h and linux/if.h).
SIOCSIFFLAGS, IFF_UP = 0x8914, 1

_FD = re.compile(r"(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>")
_PATH = re.compile(r'"(?P<path>[^"]*)"')
_PEER = re.compile(
    r'sin6?_port=htons\((?P<port>\d+)\).*?(?:inet_addr\(|AF_INET6, |")(?P<to>[^")]+)'
)
_LOCAL = ("127.", "::1")


@dataclass(frozen=True, slots=True)
class Traced:
    """What a command did: exit code, look-ups, connections elsewhere, paths written."""

    code: int
    output: str
    lookups: list[str]
    connections: list[str]
    written: list[str]


def missing() -> str:
    """What this machine lacks to run a command without a network, "" for nothing."""
    tools = [tool for tool in ("strace", "unshare") if shutil.which(tool) is None]
    if tools:
        return f"needs {' and '.join(tools)}"
    tried = subprocess.run(["unshare", "-n", "strace", "-qq", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "needs root, to make a namespace without a network"


def traced(command: Sequence[str], folder: Path) -> Traced:
    """Runs a command from the project's root; its home is `folder/home`, and temporary files go
    to `folder/tmp`."""
    log = folder / "trace"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(ROOT),
    }
    tracing = ["strace", "-f", "-qq", "-y", "-s", "300", "-e", CALLS, "-o", str(log)]
    done = subprocess.run(
        ["unshare", "-n", *tracing, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    calls = log.read_text(errors="replace").splitlines()
    return Traced(
        done.returncode,
        done.stdout + done.stderr,
        [call for call in calls if _looks_up(call)],
        [call for call in calls if _goes_out(call)],
        sorted({path for call in calls if (path := _written(call))}),
    )


def _looks_up(call: str) -> bool:
    """Whether a call asks a name server, or reads which one to ask."""
    peer = _PEER.search(call)
    return "/etc/resolv.conf" in call or (peer is not None and peer["port"] in ("53", "5353"))


def _goes_out(call: str) -> bool:
    """Whether a call names another peer than this machine by its loopback address."""
    peer = _PEER.search(call)
    return peer is not None and not peer["to"].startswith(_LOCAL)


def _written(call: str) -> str | None:
    """The path that a call makes or opens for writing."""
    if " = -1 " in call or not re.search(r"O_WRONLY|O_RDWR|O_CREAT|mkdir|creat\(|rename", call):
        return None
    folder, paths = _FD.search(call), _PATH.findall(call)
    path = os.path.join(folder["folder"] if folder else str(ROOT), paths[-1]) if paths else ""
    # Devices and semaphores in memory are no files; compiled modules are the interpreter's.
    own = path.startswith(("/dev/", "/proc/")) or "/__pycache__" in path
    return None if own else path


def outside(found: Traced, folder: Path) -> list[str]:
    """What a command wrote beside its index or results and temporary files, below `folder`."""
    allowed = (str(folder / "scratch"), str(folder / "tmp"))
    return [path for path in found.written if not path.startswith(allowed)]


def commands(folder: Path) -> dict[str, list[str]]:
    """The commands to run, in order; what they write belongs below `folder/scratch`."""
    index, evalset = str(folder / "scratch" / "index"), str(folder / "scratch" / "eval")
    results = ["--results", evalset, "--report", f"{evalset}/page.html"]
    return {
        "build": [*RAG, "build", "corpus", "--index", index],
        "ask": [*RAG, "ask", QUESTION["question"], "--index", index],
        "build by torch": [
            "env",
            "RAG_RUNTIME=torch",
            *RAG,
            "build",
            "corpus/car-t-lupus.md",
            "--index",
            f"{index}-torch",
        ],
        "serve, ask, verify, rebuild": [sys.executable, __file__, "serve", index],
        "eval build": [*RAG, "eval", "build", "corpus", "--set", evalset],
        "eval run": [*RAG, "eval", "run", "corpus", "--set", evalset, *results],
        "a script": [sys.executable, "-c", SCRIPT, index],
    }


SCRIPT = """
import sys
from pathlib import Path
from rag.answering.answer import ask
from rag.encoders.open import open_encoder
from rag.store.open import open_current
encoder = open_encoder("bundled", "onnx", 1)
print(ask(open_current(Path(sys.argv[1]), encoder), encoder, "What is leukapheresis?").confidence)
"""


def serve(index: str) -> None:
    """Serves, asks, verifies and rebuilds over HTTP, then ends the service."""
    with socket.socket() as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    command = [*RAG, "serve", "--index", index, "--port", PORT]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60) as client:
            _wait(lambda: client.get("/readyz").status_code == 200)
            answer = client.post("/ask", json=QUESTION).raise_for_status().json()
            saved = {"citations": answer["passages"]}
            client.post("/verify", json=saved).raise_for_status()
            upload = {"files": [{"name": "a.md", "text": "# Nurses\n\nThey watch for fever."}]}
            job = client.post("/index/rebuild", json={**upload, "force": True}).raise_for_status()
            place = f"/index/jobs/{job.json()['job']}"
            _wait(lambda: client.get(place).json()["status"] not in ("queued", "running"))
            ended = client.get(place).json()
            if ended["status"] != "done":
                sys.exit(f"the rebuild: {ended}")
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(done: Callable[[], bool], seconds: float = 60) -> None:
    for _ in range(int(seconds * 10)):
        try:
            if done():
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"not done in {seconds:g} seconds")


def main() -> None:
    """Prints the table."""
    if lacks := missing():
        sys.exit(f"python tests/offline.py {lacks}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("scratch", "home", "tmp"):
            (folder / part).mkdir()
        print("| command | exit | look-ups | connections elsewhere | written elsewhere |")
        print("| --- | --- | --- | --- | --- |")
        for title, command in commands(folder).items():
            found = traced(command, folder)
            written = " ".join(outside(found, folder)).replace(name, "") or "nothing"
            counts = f"{found.code} | {len(found.lookups)} | {len(found.connections)}"
            print(f"| {title} | {counts} | {written} |", flush=True)


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1:2] == ["serve"] else main()
