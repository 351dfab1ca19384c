from __future__ import annotations

from pathlib import Path

import pytest

from rag.serving.allowed_paths import allowed_path, root_of, roots_of
from rag.types.errors import UsageError


def test_roots_are_those_of_the_setting_or_the_corpus_and_what_was_built(tmp_path: Path) -> None:
    assert roots_of("", tmp_path, ()) == (tmp_path.resolve(),)
    assert roots_of("", Path("/srv/a"), ["/srv/b"]) == (Path("/srv/a"), Path("/srv/b"))
    assert roots_of("/srv/a::/srv/b", tmp_path, ["/srv/c"]) == (Path("/srv/a"), Path("/srv/b"))


def test_path_within_a_root_is_resolved_whether_it_exists_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = roots_of("", tmp_path / "docs", ())
    monkeypatch.chdir(tmp_path)
    assert allowed_path("docs", roots) == roots[0]
    assert allowed_path("docs/x/../none", roots) == roots[0] / "none"
    assert allowed_path(f"{tmp_path}/docs/none", roots) == roots[0] / "none"


def test_paths_elsewhere_are_refused_in_the_same_words(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "docs-too").mkdir()
    (docs / "out").symlink_to("/etc")
    (docs / "loop").symlink_to(docs / "loop")
    elsewhere = ["/etc", "/none", f"{docs}/../docs-too", f"{docs}-too", f"{docs}/out/passwd"]
    said = set()
    for path in [*elsewhere, f"{docs}/loop/x", f"{docs}/a\0b", ".", ""]:
        with pytest.raises(UsageError) as caught:
            allowed_path(path, roots_of("", docs, ()))
        said.add(str(caught.value))
    assert said == {
        "the service may not read this path: start it again with the folder in RAG_ROOTS "
        "(folders are separated by `:`)"
    }


def test_a_path_belongs_to_the_root_that_holds_it_or_to_itself() -> None:
    roots = (Path("/srv/a"), Path("/srv/b"))
    assert root_of(Path("/srv/b/docs"), roots) == Path("/srv/b")
    assert root_of(Path("/srv/a"), roots) == Path("/srv/a")
    assert root_of(Path("/srv/ab"), roots) == Path("/srv/ab")
