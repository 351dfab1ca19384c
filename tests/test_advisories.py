"""Known holes are found in a copy of an advisory database, by the rules of OSV."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from advisories import Found, Hole, find_holes

# As the database of PyPA writes them: unquoted numbers among versions, ranges of commits beside.
LEAK = """
id: PYSEC-2026-1
aliases: [CVE-2026-1]
modified: 2026-02-01T00:00:00Z
published: 2026-01-02T00:00:00Z
affected:
- package: {ecosystem: PyPI, name: Paper.Boat}
  ranges:
  - type: GIT
    repo: https://example.org/paper-boat
    events: [{introduced: "0"}, {fixed: 0a1b}]
  - type: ECOSYSTEM
    events: [{fixed: 1.10}, {introduced: 2.0rc1}, {introduced: "0"}, {last_affected: 2.4}]
  versions: ["3.0", 2004d]
"""


def holes(folder: Path, *packages: str) -> list[str]:
    """What is found of the packages, each named with its version."""
    pairs = [(name, version) for name, _, version in (each.partition("==") for each in packages)]
    return [f"{hole.package}=={hole.version}" for hole in find_holes(folder, pairs).holes]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A folder like a clone: with an advisory, and files that are none."""
    (tmp_path / "vulns" / "paper-boat").mkdir(parents=True)
    (tmp_path / "vulns" / "paper-boat" / "PYSEC-2026-1.yaml").write_text(LEAK)
    (tmp_path / "cloudbuild.yaml").write_text("steps: []\n")
    (tmp_path / "README.md").write_text("# Advisories\n")
    return tmp_path


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("1.9", True),
        ("1.10", False),
        ("1.10.post1", False),
        ("2.0b9", False),
        ("2.0rc1", True),
        ("2.4", True),
        ("2.4.1", False),
        ("3.0.0", True),
        ("3.1", False),
    ],
)
def test_versions_are_affected_by_ranges_and_by_lists(
    database: Path, version: str, affected: bool
) -> None:
    assert bool(holes(database, f"paper-boat=={version}")) == affected


def test_names_are_compared_as_indexes_do(database: Path) -> None:
    assert holes(database, "paper_boat==1.0", "paperboat==1.0") == ["paper_boat==1.0"]


def test_a_hole_has_the_ids_of_all_databases_and_the_copy_its_day(database: Path) -> None:
    hole = Hole("paper-boat", "1.0", ("PYSEC-2026-1", "CVE-2026-1"))
    assert find_holes(database, [("paper-boat", "1.0")]) == Found([hole], 1, "2026-01-02")
    assert str(hole) == "paper-boat 1.0: PYSEC-2026-1, CVE-2026-1"


def test_what_was_withdrawn_or_is_of_another_ecosystem_concerns_nobody(tmp_path: Path) -> None:
    every = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
    for id, ecosystem, more in (
        ("A", "npm", {}),
        ("B", "PyPI", {"withdrawn": "2026-01-03T00:00:00Z"}),
        ("C", "PyPI", {}),
    ):
        affected = [{"package": {"ecosystem": ecosystem, "name": f"boat-{id}"}, "ranges": every}]
        advisory = {"id": id, "modified": "2026-01-02T00:00:00Z", "affected": affected, **more}
        (tmp_path / f"{id}.json").write_text(json.dumps(advisory))
    assert holes(tmp_path, "boat-a==1", "boat-b==1", "boat-c==1") == ["boat-c==1"]


def test_an_archive_is_read_as_it_is(database: Path) -> None:
    packed = database / "advisory-database.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main/vulns/PYSEC-2026-1.yaml", LEAK)
    assert holes(packed, "paper-boat==1.0") == ["paper-boat==1.0"]


@pytest.mark.parametrize("made", ["missing", "file.txt"])
def test_what_is_no_copy_is_refused(tmp_path: Path, made: str) -> None:
    (tmp_path / "file.txt").write_text("text")
    with pytest.raises(ValueError, match=rf"{made} is neither a folder nor a ZIP archive"):
        holes(tmp_path / made)


def test_a_folder_without_advisories_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no advisories: clone"):
        holes(tmp_path)


def test_a_range_that_cannot_be_compared_is_an_error_for_its_package_alone(database: Path) -> None:
    file = database / "vulns" / "paper-boat" / "PYSEC-2026-1.yaml"
    file.write_text(LEAK.replace("2.4", "2004d"))
    assert holes(database, "tin-boat==1.0") == []
    with pytest.raises(ValueError, match=r"PYSEC-2026-1.yaml: Invalid version: '2004d'"):
        holes(database, "paper-boat==1.0")
