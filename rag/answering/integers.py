"""Products of integer matrices, several times faster than NumPy's own or those of floats."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import TensorProto, helper

OPSET = 20
IR_VERSION = 10


def product(left: npt.NDArray[np.uint8], right: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
    """The exact product of (n, k) and (k, m), int32 (n, m).

    Exact on every processor where `left` is at most 128: some add two products in 16 bits.
    """
    result: npt.NDArray[np.int32] = _session().run(None, {"left": left, "right": right})[0]
    return result


@cache
def _session() -> onnxruntime.InferenceSession:
    node = helper.make_node("MatMulInteger", ["left", "right"], ["product"])
    sides = [("left", TensorProto.UINT8), ("right", TensorProto.INT8)]
    inputs = [helper.make_tensor_value_info(name, kind, [None, None]) for name, kind in sides]
    output = helper.make_tensor_value_info("product", TensorProto.INT32, [None, None])
    graph = helper.make_graph([node], "product", inputs, [output])
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
