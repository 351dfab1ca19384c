"""Graphs in the format of ONNX, as far as this package needs it.

The format is Protocol Buffers; fields have the numbers of `onnx.proto`. The package `onnx` writes
it too, but costs each process 11 MB and a tenth of a second.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy.typing as npt

OPSET = 20
IR_VERSION = 10
# The domain of the operators that ONNX Runtime adds to those of ONNX.
RUNTIME = "com.microsoft"

# How ONNX numbers the types of tensors.
_TENSORS = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
# How it numbers the types of attributes.
_FLOAT, _INT, _INTS = 1, 2, 7


def node(
    kind: str, inputs: Iterable[str], outputs: Iterable[str], domain: str, **attributes: Any
) -> bytes:
    """A node of a graph. Attributes are numbers or lists of whole numbers."""
    return (
        _texts(1, inputs)
        + _texts(2, outputs)
        + _content(4, kind)
        + b"".join(_content(5, _attribute(*each)) for each in attributes.items())
        + _content(7, domain)
    )


def constant(name: str, values: npt.NDArray[Any]) -> bytes:
    """A tensor with its values."""
    return _tensor(name, values.dtype.name, values.shape) + _content(9, values.tobytes())


def stored_constant(
    name: str, kind: str, shape: Sequence[int], file: str, start: int, length: int
) -> bytes:
    """A tensor whose values are in a file, from byte `start` on; the runtime maps them."""
    place = {"location": file, "offset": start, "length": length}
    entries = (_content(1, key) + _content(2, str(value)) for key, value in place.items())
    return (
        _tensor(name, kind, shape)
        + b"".join(_content(13, entry) for entry in entries)
        + _number(14, 1)
    )


def argument(name: str, kind: str, shape: Sequence[int | str]) -> bytes:
    """An input or output of a graph; a dimension that is not fixed has a name."""
    sizes = (_content(2, each) if isinstance(each, str) else _number(1, each) for each in shape)
    dimensions = b"".join(_content(1, size) for size in sizes)
    tensor = _number(1, _TENSORS[kind]) + _content(2, dimensions)
    return _content(1, name) + _content(2, _content(1, tensor))


def model(
    nodes: Iterable[bytes],
    constants: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    """A whole model of one graph."""
    graph = b"".join(
        [
            _texts(1, nodes),
            _content(2, "graph"),
            _texts(5, constants),
            _texts(11, inputs),
            _texts(12, outputs),
        ]
    )
    opsets = (_content(1, domain) + _number(2, at) for domain, at in (("", OPSET), (RUNTIME, 1)))
    return _number(1, IR_VERSION) + _content(7, graph) + _texts(8, opsets)


def _attribute(name: str, value: float | list[int]) -> bytes:
    if isinstance(value, list):
        given, kind = b"".join(_number(8, each) for each in value), _INTS
    elif isinstance(value, float):
        given, kind = _varint(2 << 3 | 5) + struct.pack("<f", value), _FLOAT
    else:
        given, kind = _number(3, value), _INT
    return _content(1, name) + given + _number(20, kind)


def _tensor(name: str, kind: str, shape: Sequence[int]) -> bytes:
    sizes = b"".join(_number(1, each) for each in shape)
    return sizes + _number(2, _TENSORS[kind]) + _content(8, name)


def _texts(place: int, contents: Iterable[str | bytes]) -> bytes:
    return b"".join(_content(place, each) for each in contents)


def _content(place: int, content: str | bytes) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return b"".join([_varint(place << 3 | 2), _varint(len(raw)), raw])


def _number(place: int, number: int) -> bytes:
    return _varint(place << 3) + _varint(number)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as 64 bits."""
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
