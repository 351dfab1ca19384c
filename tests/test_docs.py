"""What the README says is so."""

import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.main import get_command

from rag.answering.answer import ask
from rag.cli.main import COMMANDS as NAMES
from rag.cli.main import command_line_of
from rag.documents.corpus import read_corpus
from rag.encoders.open import open_encoder
from rag.schemas.ask import answer_json
from reference import PARTS, written
from support.builds import build_snapshot
from support.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
EVALUATION = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PARTS)
def test_what_is_made_from_the_code_is_up_to_date(name: str) -> None:
    page, text = written(name)
    assert page.read_text(encoding="utf-8") == text, "run `python tests/reference.py`"


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        file = page.parent / path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """The anchors that headings of a page have where Markdown is shown as a website."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_of_the_documentation_names_every_page() -> None:
    docs = ROOT / "docs"
    linked = re.findall(r"\]\(([^)]+)\)", (docs / "README.md").read_text(encoding="utf-8"))
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")}
    assert {page for page in pages - {"README.md"} if page.split("/")[0] != "decisions"} <= {
        *linked
    }


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]


def test_every_make_target_in_the_readme_exists() -> None:
    targets = re.findall(r"make (\w+)", "\n".join(commands()))
    assert {"serve", "test"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.M)


@pytest.mark.parametrize("line", re.findall(r"\.venv/bin/rag [^`\n]*", README))
def test_every_rag_command_in_the_readme_parses(line: str) -> None:
    command, *arguments = shlex.split(line.rstrip("."))[1:]
    parser = get_command(command_line_of(*NAMES)).commands[command]  # type: ignore[attr-defined]
    parser.make_context(command, list(arguments))


def test_every_rag_command_is_documented() -> None:
    for name in get_command(command_line_of(*NAMES)).commands:  # type: ignore[attr-defined]
        assert f"`rag {name}" in COMMANDS


def test_every_file_that_the_readme_names_exists() -> None:
    for name in re.findall(r"`((?:rag|docs|eval)/[\w./-]+)`", README):
        assert (ROOT / name).exists(), name


def test_ci_calls_what_the_readme_calls() -> None:
    assert "exec make check" in (ROOT / ".ci" / "run").read_text()
    assert re.search(r"^check:.*?make\S* --no-print-directory test", MAKEFILE, re.M | re.S) or (
        "$(MAKE) --no-print-directory test" in MAKEFILE
    )


def test_the_program_in_the_readme_runs_as_it_is_written(tmp_path: Path) -> None:
    [program] = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
    (tmp_path / "corpus").symlink_to(ROOT / "corpus")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("car-t-lupus.md:140: The study followed a detailed plan")
    assert done.stdout.endswith("\nvalid\n")


# Another kind of processor rounds some values to the next of 8 bits.
WITHIN = 0.03


def test_the_answer_in_the_readme_is_the_real_one() -> None:
    [block] = re.findall(r"^```json\n(.*?)^```", README, re.M | re.S)
    shown = json.loads(block)
    encoder = open_encoder("bundled", "onnx", 2)
    snapshot = build_snapshot([ROOT / "corpus"], encoder)
    answer = ask(snapshot, encoder, shown["question"], top_k=1)
    real = json.loads(answer_json(answer, snapshot))
    for each in (shown, real):
        del each["took_ms"], each["index"]["version"]
    assert shown["confidence"] == pytest.approx(real.pop("confidence"), abs=WITHIN)
    assert shown["passages"][0].pop("scores") == pytest.approx(
        real["passages"][0].pop("scores"), abs=WITHIN
    )
    assert shown["passages"][0].pop("score") == pytest.approx(
        real["passages"][0].pop("score"), abs=WITHIN
    )
    del shown["confidence"]
    assert shown == real


def figures_table() -> list[str]:
    [named] = re.findall(r"`(eval/results/car-t-lupus\.json)`", README)
    groups = {each["name"]: each for each in json.loads((ROOT / named).read_text())["groups"]}
    return [
        f"| {row['figures']['nDCG@10']['n']} written questions | {row['title']} | "
        + " | ".join(
            f"{figure['mean']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]"
            for figure in (row["figures"][m] for m in ("Success@1", "Success@3", "nDCG@10"))
        )
        + " |"
        for row in groups["written"]["rows"]
    ]


def test_the_figures_in_the_readme_are_those_of_the_committed_results() -> None:
    assert re.findall(r"^\| \d+ written questions .*$", README, re.M) == figures_table()


def test_every_module_of_eval_has_its_place_in_the_reading_order() -> None:
    rows = re.findall(r"^\| `(eval/\S*)` \| [^|]+ \| ([^|]+) \|$", EVALUATION, re.M)
    shown = [f"{folder}{name}" for folder, names in rows for name in re.findall(r"`(\w+)`", names)]
    modules = (path.relative_to(ROOT) for path in (ROOT / "eval").rglob("*.py"))
    assert sorted(shown) == sorted(
        str(path.with_suffix("")) for path in modules if not path.name.startswith("__")
    )


def test_every_module_that_is_named_as_a_command_exists() -> None:
    named = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "eval").rglob("*.py")]
    for path in named:
        for module in re.findall(r"python -m (\w+(?:\.\w+)*)", path.read_text(encoding="utf-8")):
            assert find_spec(module), f"{path} names {module}"


def test_the_documentation_is_a_corpus_of_its_own() -> None:
    corpus = read_corpus([ROOT / "docs"])
    assert len(corpus.documents) == len(list((ROOT / "docs").rglob("*.md")))
