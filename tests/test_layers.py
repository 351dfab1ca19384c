"""A module imports only from lower layers, and the packages hold what the picture shows."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]

LAYERS = [
    "types errors settings words lines sentences counted",
    "readers sections passages manifest files fusion encoder model_files onnx_graph"
    " onnx_encoder torch_encoder head opening dense lexical tokens integers late headings"
    " marks software wording quantity cage regular mapped sources",
    "versions intact invariants entries snapshot readback store",
    "reuse build stale origin search highlight confidence support calibrate",
    "explain answer verify diff doctor canaries gate",
    "saved schemas problem refusals body edge roots uploads worker serving jobs upkeep_models"
    " upkeep reference connection server"
    " present progress console rebuild cli service __main__",
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names.split()}
# Within a layer a module may import a sibling, as long as the imports make no circle.


def modules() -> dict[str, Path]:
    found = {path.stem: path for path in (ROOT / "rag").glob("*.py") if path.stem != "__init__"}
    return found | {
        "readers": ROOT / "rag" / "readers" / "__init__.py",
        "service": ROOT / "service.py",
    }


def imports(path: Path) -> set[str]:
    files = path.parent.glob("*.py") if path.name == "__init__.py" else [path]
    names = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text()))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rag":
            parts = node.module.split(".")
            names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return names - {"__version__"}


def test_every_module_has_its_place() -> None:
    assert set(modules()) == set(LEVEL)


def test_no_module_imports_from_a_higher_layer() -> None:
    upward = [
        f"{name} imports {other}"
        for name, path in modules().items()
        for other in imports(path) - {name}
        if LEVEL[other] > LEVEL[name]
    ]
    assert upward == []


def test_imports_make_no_circle() -> None:
    left = {name: imports(path) - {name} for name, path in modules().items()}
    while free := {name for name, needs in left.items() if not needs & set(left)}:
        left = {name: needs for name, needs in left.items() if name not in free}
    assert left == {}


def test_nothing_is_unpickled() -> None:
    banned = ("import pickle", "import joblib", "import dill", "allow_pickle=True", "torch.load(")
    for path in [*(ROOT / "rag").rglob("*.py"), ROOT / "service.py", *(ROOT / "eval").glob("*.py")]:
        code = path.read_text()
        for word in banned:
            assert word not in code, f"{path.name}: {word}"


def test_imports_stand_at_the_top_of_the_file() -> None:
    hidden = [
        f"{path.name}:{node.lineno}"
        for path in [*(ROOT / "rag").rglob("*.py"), ROOT / "service.py"]
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []
