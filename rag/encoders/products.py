"""Matrix products by ONNX Runtime, each on one thread.

NumPy leaves products to BLAS, whose threads spin on matrices as small as ours, and whose sums
depend to the last bit on their number. For integers these products are also several times faster.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import onnxruntime

from rag.encoders import onnx_format


def product(
    left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The product of (n, k) and (k, m), float32 (n, m)."""
    session = _session("MatMul", "float32", "float32", "float32")
    result: npt.NDArray[np.float32] = session.run(None, {"left": left, "right": right})[0]
    return result


def integer_product(
    left: npt.NDArray[np.uint8], right: npt.NDArray[np.int8]
) -> npt.NDArray[np.int32]:
    """The exact product of (n, k) and (k, m), int32 (n, m).

    Exact on every processor if `left` is at most 128: some add two products in 16 bits.
    """
    session = _session("MatMulInteger", "uint8", "int8", "int32")
    result: npt.NDArray[np.int32] = session.run(None, {"left": left, "right": right})[0]
    return result


@cache
def _session(operator: str, left: str, right: str, result: str) -> onnxruntime.InferenceSession:
    inputs = [("left", left), ("right", right)]
    graph = onnx_format.model(
        [onnx_format.node(operator, ["left", "right"], ["product"], "")],
        [],
        [onnx_format.argument(name, kind, ["", ""]) for name, kind in inputs],
        [onnx_format.argument("product", result, ["", ""])],
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # It would keep a plan of the memory for each pair of shapes, and these never end.
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
