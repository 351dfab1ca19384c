"""A face imports a name when it is first used."""

import subprocess
import sys

import pytest

import rag.building
import rag.checks
from support.places import ROOT


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.strip()


def test_a_function_is_shown_even_if_its_module_has_the_same_name() -> None:
    code = "import rag.checks.diff; from rag.checks import diff; print(type(diff).__name__)"
    assert run(code) == "function"


def test_a_name_that_a_face_does_not_show_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'rag\.building' has no attribute 'judge'"):
        getattr(rag.building, "judge")  # noqa: B009


def test_a_name_is_looked_up_once() -> None:
    assert rag.checks.judge is rag.checks.judge
    assert "judge" in vars(rag.checks)


def test_a_face_lists_its_names() -> None:
    assert "judge" in dir(rag.checks)
    assert run("from rag.checks import *; print(type(judge).__name__)") == "function"


def test_a_service_starts_without_what_reads_files_and_builds() -> None:
    unused = ("rag.documents.parse", "rag.building.rebuild", "rag.checks.gate", "markdown_it")
    code = "import sys, rag.cli.programs, rag.web, service; print(*sys.modules)"
    assert not set(unused) & set(run(code).split())
    assert "torch" not in run(code).split()


def test_the_process_that_starts_workers_imports_nothing_that_answers() -> None:
    unused = {"fastapi", "uvicorn", "numpy", "faiss", "onnxruntime", "tokenizers"}
    code = "import sys, rag.cli.programs; from rag.web import share; print(*sys.modules)"
    loaded = set(run(code).split())
    assert "rag.web.supervisor" in loaded and not unused & loaded
