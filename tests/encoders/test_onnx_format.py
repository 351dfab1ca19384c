"""Graphs as they are written are read back with the same content."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from rag.encoders import onnx_format
from rag.encoders.onnx_format import argument, constant, model, node, stored_constant


def session(graph: bytes, folder: Path | None = None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    if folder is not None:
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(folder)
        )
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def added(*constants: bytes) -> bytes:
    """A graph that adds the constant `c` to its input."""
    adds = node("Add", ["x", "c"], ["y"], "")
    ends = [[argument(name, "float32", ["t", 2])] for name in "xy"]
    return model([adds], constants, *ends)


def test_a_graph_computes_with_its_constants() -> None:
    values = np.array([[1, 2]], np.float32)
    found = session(added(constant("c", values)))
    assert found.run(None, {"x": np.ones((3, 2), np.float32)})[0].tolist() == [[2, 3]] * 3


def test_a_constant_may_stay_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"head" + np.array([5, 6], np.float32).tobytes())
    stored = stored_constant("c", "float32", [1, 2], "weights", 4, 8)
    found = session(added(stored), tmp_path)
    assert found.run(None, {"x": np.zeros((1, 2), np.float32)})[0].tolist() == [[5, 6]]


def test_inputs_and_outputs_have_their_types_and_sizes() -> None:
    found = session(added(constant("c", np.zeros((1, 2), np.float32))))
    [x], [y] = found.get_inputs(), found.get_outputs()
    assert (x.name, x.type, x.shape) == ("x", "tensor(float)", ["t", 2])
    assert (y.name, y.type, y.shape) == ("y", "tensor(float)", ["t", 2])


def test_attributes_are_numbers_and_lists_of_whole_numbers() -> None:
    norm = node("LpNormalization", ["x"], ["n"], "", axis=-1, p=1)
    turned = node("Transpose", ["n"], ["u"], "", perm=[1, 0])
    steep = node("LeakyRelu", ["u"], ["y"], "", alpha=0.5)
    ends = [[argument("x", "float32", [1, 300])], [argument("y", "float32", [300, 1])]]
    found = session(model([norm, turned, steep], [], *ends))
    x = np.full((1, 300), -1, np.float32)
    assert found.run(None, {"x": x})[0].tolist() == [[pytest.approx(-0.5 / 300)]] * 300


def test_operators_of_the_runtime_have_its_domain() -> None:
    gelu = node("BiasGelu", ["x", "c"], ["y"], onnx_format.RUNTIME)
    ends = [[argument(name, "float32", ["t", 2])] for name in "xy"]
    found = session(model([gelu], [constant("c", np.array([1, 1], np.float32))], *ends))
    result = found.run(None, {"x": np.full((1, 2), -1, np.float32)})[0]
    assert result.tolist() == [[0, 0]]
