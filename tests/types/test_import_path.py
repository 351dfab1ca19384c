import os
import sys

import pytest

from rag.types.import_path import import_path, with_import_path


def test_a_child_has_the_path_of_this_process_in_order() -> None:
    assert import_path(["/b", "/a"], package="/c") == "/b:/a"


def test_a_package_in_the_working_folder_is_found_from_elsewhere() -> None:
    assert import_path(["", "/a"], package="/c") == "/a:/c"
    assert import_path(["", "/a", "/c"], package="/c") == "/a:/c"


def test_the_rest_of_the_environment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    environment = with_import_path(GIVEN="2")
    assert (environment["KEPT"], environment["GIVEN"]) == ("1", "2")
    assert environment["PYTHONPATH"].split(os.pathsep) == [part for part in sys.path if part]
