"""What makes an index stale."""

from importlib.resources import files

from rag.index.fingerprint import CODE, _sources


def test_a_models_profile_counts_as_code_that_calibrates() -> None:
    names = [path.name for part in CODE["calibrating"] for path in _sources(files("rag") / part)]
    assert {"confidence.py", "generic.json"} <= set(names)


def test_a_profile_makes_no_vector_stale() -> None:
    names = [path.name for part in CODE["encoding"] for path in _sources(files("rag") / part)]
    assert {name.rpartition(".")[2] for name in names} == {"py"}
