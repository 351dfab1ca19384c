from rag.text.counted import counted


def test_one_is_singular_and_all_else_plural() -> None:
    assert [counted(n, "passage") for n in (0, 1, 2)] == ["0 passages", "1 passage", "2 passages"]
    assert counted(2, "canary", "canaries") == "2 canaries"
