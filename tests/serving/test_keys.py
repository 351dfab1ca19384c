from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rag.serving.keys import Keys, add_key, keys_beside, lasting, read_keys, revoke_key
from rag.types.errors import UsageError

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index.keys.json"


def test_keys_are_beside_the_index() -> None:
    assert keys_beside(Path("/srv/index")) == Path("/srv/index.keys.json")


def test_token_is_stored_hashed_in_a_file_of_its_owner_alone(file: Path) -> None:
    key, token = add_key(file, "read", DAY, name="bob")
    assert token.startswith(f"rag_{key.id}_") and len(token) == 56
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    stored = file.read_text()
    assert token not in stored and token[13:] not in stored
    assert read_keys(file) == (key,)
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "index.keys.json",
        "index.keys.json.lock",
    ]


def test_key_is_found_by_its_whole_token_alone(file: Path) -> None:
    key, token = add_key(file, "read", DAY)
    _, other = add_key(file, "admin", DAY)
    keys = Keys(file)
    assert keys.find(token.encode()) == key
    mixed = f"rag_{key.id}_{other[13:]}"
    for wrong in (mixed, token[:-1], token + "x", token.upper(), "", "rag_", "\xff" * 56):
        assert keys.find(wrong.encode("latin-1")) is None


def test_scopes_include_the_lower_ones(file: Path) -> None:
    key, _ = add_key(file, "build", DAY)
    assert [key.may(scope) for scope in ("read", "build", "admin")] == [True, True, False]


def test_key_expires_at_its_time(file: Path) -> None:
    key, _ = add_key(file, "read", DAY, now=lambda: NOON)
    assert not key.has_expired(NOON + DAY - timedelta(seconds=1))
    assert key.has_expired(NOON + DAY)
    assert not Keys(file, lambda: NOON + DAY).any_valid()


def test_key_made_or_revoked_by_another_process_counts_at_once(file: Path) -> None:
    keys = Keys(file)
    assert not keys.required
    first, token = add_key(file, "read", DAY)
    assert keys.required and keys.find(token.encode()) == first
    second, _ = add_key(file, "read", DAY)
    revoke_key(file, first.id)
    assert keys.find(token.encode()) is None
    assert keys.of_id(second.id) == second


def test_service_that_has_seen_keys_requires_them_even_if_the_file_is_gone(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, token = add_key(file, "read", DAY)
    keys = Keys(file)
    assert keys.required
    file.unlink()
    assert keys.required and keys.find(token.encode()) is None
    assert "no key is accepted" in caplog.text


def test_process_that_joins_or_has_not_looked_yet_requires_what_another_has_seen(
    file: Path,
) -> None:
    mark = file.with_name("keyed")
    idle = Keys(file, mark=mark)
    assert not Keys(file, mark=mark).required
    add_key(file, "read", DAY)
    assert Keys(file, mark=mark).required
    file.unlink()
    assert idle.required and Keys(file, mark=mark).required
    assert not Keys(file).required


def test_file_without_keys_lets_nobody_in(file: Path) -> None:
    key, _ = add_key(file, "read", DAY)
    revoke_key(file, key.id)
    assert Keys(file).required and not Keys(file).any_valid()


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'[{"id": "a"}]', b"\xff"])
def test_damaged_file_lets_nobody_in_and_names_the_fix(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_bytes(content)
    file.chmod(0o600)
    assert Keys(file).required
    assert not Keys(file).any_valid()
    assert "is no file of keys" in caplog.text
    with pytest.raises(UsageError, match="restore it, or remove it"):
        add_key(file, "read", DAY)
    assert file.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_file_that_others_may_open_is_refused(file: Path, mode: int) -> None:
    add_key(file, "read", DAY)
    file.chmod(mode)
    assert not Keys(file).any_valid()
    with pytest.raises(UsageError, match="chmod 600"):
        read_keys(file)


def test_keys_made_at_once_are_all_kept(file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [
            each.result()[0].id
            for each in [threads.submit(add_key, file, "read", DAY) for _ in range(24)]
        ]
    assert sorted(key.id for key in read_keys(file)) == sorted(made)


def test_write_that_was_cut_off_leaves_the_keys_and_the_next_one_works(file: Path) -> None:
    first, _ = add_key(file, "read", DAY)
    file.with_name(f"{file.name}.new").write_text("[")
    assert read_keys(file) == (first,)
    second, _ = add_key(file, "read", DAY)
    assert read_keys(file) == (first, second)


def test_planted_link_is_not_written_through(file: Path) -> None:
    victim = file.parent / "victim"
    victim.write_text("precious")
    os.symlink(victim, file.with_name(f"{file.name}.new"))
    add_key(file, "read", DAY)
    assert victim.read_text() == "precious"


def test_key_limited_to_paths_sees_what_matches(file: Path) -> None:
    key, _ = add_key(file, "read", DAY, paths=["guides/*", "a?.md"])
    seen = ("guides/a.md", "guides/deep/b.md", "ab.md")
    hidden = ("guide/a.md", "a.md", "xguides/a.md", "ab.md2", "GUIDES/a.md", "guides", "ab.md\n")
    assert all(map(key.sees, seen)) and not any(map(key.sees, hidden))


@pytest.mark.parametrize("scope", ["build", "admin"])
def test_limited_key_can_only_read(file: Path, scope: str) -> None:
    with pytest.raises(UsageError, match=f"scope {scope}: give it read"):
        add_key(file, scope, DAY, paths=["guides/*"])  # type: ignore[arg-type]
    assert not file.exists()


def test_unknown_id_is_not_revoked(file: Path) -> None:
    key, _ = add_key(file, "read", DAY)
    with pytest.raises(UsageError, match=f"no key has the id 'x': .* has {key.id}"):
        revoke_key(file, "x")


@pytest.mark.parametrize(("said", "hours"), [("90d", 2160), ("12h", 12), ("30m", 0.5)])
def test_times_are_read(said: str, hours: float) -> None:
    assert lasting(said) == timedelta(hours=hours)


@pytest.mark.parametrize("said", ["", "0d", "-1d", "90", "1y", "3651d", "9999999d", "1 d", "d"])
def test_other_times_are_refused(said: str) -> None:
    with pytest.raises(UsageError, match="as in 90d"):
        lasting(said)


def test_file_holds_nothing_but_what_is_listed(file: Path) -> None:
    add_key(file, "read", DAY)
    assert set(json.loads(file.read_text())[0]) == {
        *("id", "sha256", "scope", "created", "expires", "name", "paths")
    }
