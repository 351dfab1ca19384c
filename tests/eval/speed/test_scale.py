"""What is measured by size, without a build."""

from pathlib import Path

from eval.speed.scale import disk_bytes, merged


def test_a_new_row_takes_the_place_of_the_one_of_its_size() -> None:
    old = [{"size": 1000, "of": "old"}, {"size": 5000, "of": "old"}]
    new = [{"size": 10_000, "of": "new"}, {"size": 1000, "of": "new"}]
    assert [(row["size"], row["of"]) for row in merged(old, new)] == [
        (1000, "new"),
        (5000, "old"),
        (10_000, "new"),
    ]


def test_the_disk_holds_the_bytes_of_files_in_folders_too(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "one").write_bytes(bytes(3))
    (tmp_path / "below" / "two").write_bytes(bytes(4))
    assert disk_bytes(tmp_path) == 7
