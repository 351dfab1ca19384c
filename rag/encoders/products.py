"""Matrix products by ONNX Runtime, each on one thread.

NumPy leaves products to BLAS, whose threads spin on matrices as small as ours, and whose sums
depend to the last bit on their number. For integers these products are also several times faster.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import TensorProto, helper

OPSET = 20
IR_VERSION = 10


def product(
    left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The product of (n, k) and (k, m), float32 (n, m)."""
    session = _session("MatMul", TensorProto.FLOAT, TensorProto.FLOAT, TensorProto.FLOAT)
    result: npt.NDArray[np.float32] = session.run(None, {"left": left, "right": right})[0]
    return result


def integer_product(
    left: npt.NDArray[np.uint8], right: npt.NDArray[np.int8]
) -> npt.NDArray[np.int32]:
    """The exact product of (n, k) and (k, m), int32 (n, m).

    Exact on every processor if `left` is at most 128: some add two products in 16 bits.
    """
    session = _session("MatMulInteger", TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32)
    result: npt.NDArray[np.int32] = session.run(None, {"left": left, "right": right})[0]
    return result


@cache
def _session(operator: str, left: int, right: int, result: int) -> onnxruntime.InferenceSession:
    node = helper.make_node(operator, ["left", "right"], ["product"])
    sides = [("left", left), ("right", right)]
    inputs = [helper.make_tensor_value_info(name, kind, [None, None]) for name, kind in sides]
    output = helper.make_tensor_value_info("product", result, [None, None])
    graph = helper.make_graph([node], "product", inputs, [output])
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
