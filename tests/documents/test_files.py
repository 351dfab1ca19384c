"""Finding the files of a corpus: order, ids, links, by-products of editors."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from rag.documents.files import Source, find_sources, is_by_product
from rag.documents.skipped import Skips
from rag.types.errors import CorpusError
from support.file_trees import ordinary_user, write


def found(*paths: Path, within: Path | None = None) -> tuple[list[str], dict[str, str]]:
    """The ids in order, and what was skipped with the reasons."""
    skips = Skips(strict=False)
    sources = find_sources(paths, skips, within)
    return [source.document_id for source in sources], {
        file.id: str(file.remarks[0]) for file in skips.found
    }


def ids(*paths: Path) -> list[str]:
    return found(*paths)[0]


def test_a_folder_gives_its_files_sorted_without_dot_names(tmp_path: Path) -> None:
    for name in ["b.md", "a/z.txt", "a/b/c.md", "a.txt", ".hidden.md", ".git/x.md", "B.md"]:
        write(tmp_path / name)
    assert ids(tmp_path) == ["B.md", "a.txt", "b.md", "a/z.txt", "a/b/c.md"]


def test_a_file_has_its_name_as_id_and_is_taken_once(tmp_path: Path) -> None:
    file = write(tmp_path / "sub" / "a.md").resolve()
    assert find_sources([file, file], Skips(True)) == [
        Source(file, "a.md", file.parent, file.parent)
    ]
    assert ids(tmp_path, tmp_path / "sub", file) == ["sub/a.md"]


def test_files_are_named_as_the_caller_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in" / "sub" / "a.md")
    monkeypatch.chdir(tmp_path)
    (source,) = find_sources([Path("in")], Skips(True))
    assert source.given == Path("in/sub/a.md")
    assert source.path == tmp_path.resolve() / "in" / "sub" / "a.md"
    (tmp_path / "in" / "b.md").symlink_to("none")
    with pytest.raises(CorpusError, match=r"^in/b\.md: symlink: a link to nothing"):
        find_sources([Path("in")], Skips(True))


def test_missing_paths_and_empty_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, why in [
        (tmp_path / "nowhere", "no such file or folder"),
        (tmp_path / "empty", "the folder holds no files; put documents into it"),
        (tmp_path / ("x" * 300), "cannot be opened"),
    ]:
        with pytest.raises(CorpusError, match=f"{path.name}: {why}"):
            ids(path)


def test_an_empty_folder_beside_documents_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    file = write(tmp_path / "a.md")
    assert found(tmp_path / "empty", file) == (
        ["a.md"],
        {"empty": "empty: the folder holds no files; put documents into it"},
    )


def test_a_closed_folder_is_refused_if_it_was_given_and_else_skipped() -> None:
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        write(Path(name) / "open.md")
        folder = Path(name) / "closed"
        folder.mkdir(mode=0)
        with ordinary_user():
            with pytest.raises(CorpusError, match=r"closed: cannot be opened .*rights"):
                ids(folder)
            assert found(Path(name)) == (
                ["open.md"],
                {
                    "closed": "io_error: the folder cannot be opened (Permission denied);"
                    " check its rights"
                },
            )


def test_the_links_of_a_mounted_config_map_are_files(tmp_path: Path) -> None:
    write(tmp_path / "..2026_05_04" / "guide.md")
    write(tmp_path / "..2026_05_04" / "more" / "faq.md")
    (tmp_path / "..data").symlink_to("..2026_05_04")
    (tmp_path / "guide.md").symlink_to("..data/guide.md")
    (tmp_path / "more").symlink_to("..data/more")
    assert found(tmp_path) == (["guide.md", "more/faq.md"], {})


def test_a_file_that_links_lead_to_keeps_its_own_name_and_is_taken_once(tmp_path: Path) -> None:
    write(tmp_path / "z" / "real.md")
    (tmp_path / "a.md").symlink_to("z/real.md")
    (tmp_path / "b").symlink_to("z")
    (tmp_path / "z" / "self.md").symlink_to("real.md")
    assert found(tmp_path) == (["z/real.md"], {})


def test_two_links_to_a_hidden_file_give_one_document(tmp_path: Path) -> None:
    write(tmp_path / ".store" / "1.md")
    for name in ("b.md", "a.md"):
        (tmp_path / name).symlink_to(".store/1.md")
    assert found(tmp_path) == (["a.md"], {})


def test_links_that_leave_the_folder_loop_or_lead_nowhere_are_skipped(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root / "sub" / "a.md")
    write(tmp_path / "root-too" / "secret.md")
    for name, target in {
        "absolute.md": "/etc/hostname",
        "beside": "../root-too",
        "gone.md": "none.md",
        "self.md": "self.md",
        "sub/up": "..",
        "sub/here": ".",
        "through": "sub/up/../root-too/secret.md",
    }.items():
        (root / name).symlink_to(target)
    names, skipped = found(root)
    assert names == ["sub/a.md"]
    leaves = "symlink: a link that leaves the folder is not followed; put the file itself there"
    cycle = "symlink: a link to a folder that it lies in; remove it"
    assert skipped == {
        "absolute.md": leaves,
        "beside": leaves,
        "gone.md": "symlink: a link to nothing; remove it",
        "self.md": "symlink: a link that leads back to itself; remove it",
        "sub/up": cycle,
        "sub/here": cycle,
        "through": leaves,
    }


def test_a_cycle_in_a_hidden_folder_ends(tmp_path: Path) -> None:
    write(tmp_path / ".h" / "one" / "a.md")
    (tmp_path / ".h" / "one" / "back").symlink_to("../../.h")
    (tmp_path / "seen").symlink_to(".h/one")
    names, skipped = found(tmp_path)
    assert (names, list(skipped)) == (["seen/a.md"], ["seen/back"])


def test_folders_that_link_to_each_other_are_entered_once(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        write(tmp_path / one / f"{one}.md")
        (tmp_path / one / "other").symlink_to(f"../{other}")
    assert found(tmp_path) == (["a/a.md", "b/b.md"], {})


def test_a_link_that_is_given_itself_is_followed_wherever_it_leads(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "a.md")
    root = tmp_path / "root"
    root.mkdir()
    (root / "docs").symlink_to("../elsewhere")
    (root / "b.md").symlink_to("../elsewhere/a.md")
    assert ids(root / "docs") == ["a.md"]
    assert ids(root / "b.md") == ["b.md"]


def test_nothing_is_found_outside_the_allowed_folder(tmp_path: Path) -> None:
    allowed = (tmp_path / "allowed").resolve()
    write(allowed / "docs" / "a.md")
    write(tmp_path / "other" / "b.md")
    assert found(allowed / "docs", within=allowed) == (["a.md"], {})
    (allowed / "exchanged").symlink_to(tmp_path / "other")
    for path in (tmp_path / "other", allowed / "exchanged", allowed / "exchanged" / "b.md"):
        with pytest.raises(CorpusError, match=r"it lies outside the folders that may be read"):
            found(path, within=allowed)


@pytest.mark.parametrize(
    "name",
    [
        *("guide.md~", "#guide.md#", "guide.md.swp", "guide.md.bak", "~$plan.docx", "x.tmp"),
        *("Thumbs.db", "desktop.ini", "Desktop.INI", "report.pdf.crdownload", "a.md___jb_tmp___"),
        *(".DS_Store", ".#guide.md", ".~lock.plan.odt#"),
    ],
)
def test_by_products_of_editors_and_desktops_are_passed_over(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    write(tmp_path / "guide.md")
    assert found(tmp_path) == (["guide.md"], {})


def test_folders_and_files_given_by_name_are_no_by_products(tmp_path: Path) -> None:
    file = write(tmp_path / "old.bak" / "guide.md")
    assert ids(tmp_path) == ["old.bak/guide.md"]
    assert ids(write(file.parent / "a.md~")) == ["a.md~"]
    assert not any(map(is_by_product, ["a.md", "backup.md", "tmp", "#1.md", "~.md", "$.md"]))


def test_a_tree_deeper_than_a_path_may_be_long_is_read(tmp_path: Path) -> None:
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(30):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        Path("deep.md").write_text("Text.")
    finally:
        os.fchdir(before)
        os.close(before)
    assert [name[-9:] for name in ids(tmp_path)] == ["d/deep.md"]
