"""The ONNX graph of a BERT-shaped sentence encoder, written from its configuration.

The graph reads one text at a time, so it needs neither batch nor mask, and a text's vectors cannot
depend on other texts. Devlin et al. 2019, arXiv:1810.04805; pooling as in Reimers and Gurevych
2019, arXiv:1908.10084: the mean over all tokens, L2-normalised.

The weights of linear layers are 8-bit integers with one scale an output; their inputs are
quantised as the graph runs, with one scale a token. So the products are sums of integers, exact in
any order. All other tensors refer to their bytes in the safetensors file, which the runtime maps
into memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.encoders import onnx_format
from rag.encoders.onnx_format import RUNTIME
from rag.types.errors import ModelError

LARGEST = 127
# What stands for 0 among unsigned bytes.
MIDDLE = 128

REQUIRED = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}


Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BertShape:
    """The sizes that fix the graph."""

    hidden: int
    inner: int
    layers: int
    heads: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class _Graph:
    """A model being written; `stored` is the header of the weights file, name -> entry.

    `signed`: the bytes of quantised weights are signed. `constants`: the model's tensors by name.
    `arrays`: the large ones of them, which the runtime is given as they are.
    """

    weights: Path
    signed: bool
    stored: Mapping[str, Any]
    first_byte: int
    nodes: list[bytes] = field(default_factory=list)
    constants: dict[str, bytes] = field(default_factory=dict)
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class BertModel:
    """The serialised ONNX model, and those of its constants that are not in it, by name."""

    graph: bytes
    arrays: Mapping[str, npt.NDArray[Any]]


def build_graph(config: Path, weights: Path, signed: bool = True) -> BertModel:
    """The model; the same files give the same bytes.

    With `signed` weights it is faster, and without them its products are exact on processors that
    add products of unsigned and signed bytes in 16 bits. The values are the same.

    Input: input_ids int64 (t,), special tokens included. Outputs, rows L2-normalised: pooled
    float32 (dim,), tokens float32 (t, dim). Raises ModelError for a model of another shape.
    """
    shape = read_shape(config)
    graph = _open_graph(weights, signed)
    # Attention needs a batch, here always of one text.
    batch = _ints(graph, "first_axis", [0])
    hidden = _node(graph, "Unsqueeze", _embed(graph, shape), batch)
    for layer in range(shape.layers):
        hidden = _layer(graph, shape, f"encoder.layer.{layer}", hidden)
    hidden = _node(graph, "Squeeze", hidden, batch)
    mean = _node(graph, "ReduceMean", hidden, batch, keepdims=0)
    _node(graph, "LpNormalization", mean, output="pooled", axis=-1, p=2)
    _node(graph, "LpNormalization", hidden, output="tokens", axis=-1, p=2)
    written = onnx_format.model(
        graph.nodes,
        graph.constants.values(),
        [onnx_format.argument("input_ids", "int64", ["t"])],
        [
            onnx_format.argument("pooled", "float32", [shape.hidden]),
            onnx_format.argument("tokens", "float32", ["t", shape.hidden]),
        ],
    )
    return BertModel(written, graph.arrays)


def read_shape(config: Path) -> BertShape:
    """The sizes that a config.json states; ModelError if it describes no such encoder."""
    stated = _read_object(config, config.read_bytes())
    for key, wanted in REQUIRED.items():
        found = stated.get(key, "absolute" if key == "position_embedding_type" else None)
        if found != wanted:
            raise ModelError(
                f"{config} has {key} {found!r}, the ONNX graph needs {wanted!r}: "
                "name the model in RAG_MODEL, and sentence-transformers will run it"
            )
    try:
        shape = BertShape(
            hidden=int(stated["hidden_size"]),
            inner=int(stated["intermediate_size"]),
            layers=int(stated["num_hidden_layers"]),
            heads=int(stated["num_attention_heads"]),
            vocabulary=int(stated["vocab_size"]),
            positions=int(stated["max_position_embeddings"]),
            types=int(stated["type_vocab_size"]),
            epsilon=float(stated["layer_norm_eps"]),
        )
    except KeyError as exc:
        raise ModelError(f"{config} does not state {exc}: it is no BERT configuration") from exc
    if shape.hidden % shape.heads:
        raise ModelError(
            f"{config}: {shape.hidden} numbers cannot be shared among {shape.heads} heads: "
            "fetch the model again"
        )
    return shape


def _read_object(path: Path, text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise ModelError(f"{path} holds no valid JSON ({exc}): fetch the model again") from exc
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds no JSON object: fetch the model again")
    return found


def _open_graph(weights: Path, signed: bool) -> _Graph:
    """An empty graph over a safetensors file: 8 bytes of header length, header, tensors."""
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > weights.stat().st_size:
            raise ModelError(f"{weights} is no safetensors file: fetch the model again")
        stored = _read_object(weights, file.read(length))
    return _Graph(weights, signed, stored, 8 + length)


def _embed(graph: _Graph, shape: BertShape) -> str:
    """The summed embeddings of word, position and the one type, normalised: (t, hidden)."""
    zero = _scalar(graph, "zero", np.int64, 0)
    one = _scalar(graph, "one", np.int64, 1)
    length = _node(graph, "Squeeze", _node(graph, "Shape", "input_ids"))
    place = _node(graph, "Range", zero, length, one)
    middle = _scalar(graph, "middle", np.uint8, MIDDLE)
    _node(graph, "Expand", middle, _node(graph, "Shape", "input_ids"), output="middles")
    words = _lookup(graph, "word", shape.vocabulary, shape.hidden, "input_ids")
    types = _lookup(graph, "token_type", shape.types, shape.hidden, zero)
    places = _lookup(graph, "position", shape.positions, shape.hidden, place)
    summed = _node(graph, "Add", _node(graph, "Add", words, types), places)
    return _norm(graph, shape, "embeddings.LayerNorm", summed)


def _lookup(graph: _Graph, kind: str, rows: int, width: int, index: str) -> str:
    table = _weight(graph, f"embeddings.{kind}_embeddings.weight", [rows, width])
    return _node(graph, "Gather", table, index)


def _layer(graph: _Graph, shape: BertShape, name: str, hidden: str) -> str:
    """One transformer layer, normalised after each of its two steps: (1, t, hidden)."""
    wide, inner = shape.hidden, shape.inner
    context = _attention(graph, shape, f"{name}.attention.self", hidden)
    attended = _linear(graph, f"{name}.attention.output.dense", wide, wide, context)
    hidden = _node(graph, "Add", attended, hidden)
    hidden = _norm(graph, shape, f"{name}.attention.output.LayerNorm", hidden)
    up = f"{name}.intermediate.dense"
    raised = _product(graph, [up], wide, inner, hidden)
    bias = _weight(graph, f"{up}.bias", [inner])
    raised = _node(graph, "BiasGelu", raised, bias, domain=RUNTIME)
    lowered = _linear(graph, f"{name}.output.dense", inner, wide, raised)
    return _norm(graph, shape, f"{name}.output.LayerNorm", _node(graph, "Add", lowered, hidden))


def _attention(graph: _Graph, shape: BertShape, name: str, hidden: str) -> str:
    """Scaled dot-product attention over all heads: (1, t, hidden)."""
    parts = [f"{name}.{part}" for part in ("query", "key", "value")]
    joint = _product(graph, parts, shape.hidden, shape.hidden, hidden)
    biases = [_read(graph, f"{part}.bias", [shape.hidden]) for part in parts]
    bias = _array(graph, f"{name}.bias", np.concatenate(biases))
    split = _nodes(graph, "Split", [joint], 3, axis=2, num_outputs=3)
    return _node(graph, "MultiHeadAttention", *split, bias, domain=RUNTIME, num_heads=shape.heads)


def _linear(graph: _Graph, name: str, inputs: int, outputs: int, value: str) -> str:
    bias = _weight(graph, f"{name}.bias", [outputs])
    return _node(graph, "Add", _product(graph, [name], inputs, outputs, value), bias)


def _product(graph: _Graph, names: Sequence[str], inputs: int, outputs: int, value: str) -> str:
    """The value times the weights of these layers, side by side: (1, t, len(names) * outputs)."""
    parts = [quantised(_read(graph, f"{name}.weight", [outputs, inputs])) for name in names]
    levels = np.concatenate([levels for levels, _ in parts])
    scales = np.concatenate([scales for _, scales in parts])
    zero, kind = (0, np.int8) if graph.signed else (MIDDLE, np.uint8)
    # `MIDDLE` is the sign bit: a byte around 0 becomes one around `MIDDLE`.
    stored = levels.view(kind) ^ kind(zero)
    zeros = np.full(len(scales), zero, kind)
    name = names[0]
    rows, row_scales = _quantise_rows(graph, value)
    product = _node(
        graph,
        "MatMulIntegerToFloat",
        rows,
        _large_array(graph, f"{name}.levels", np.ascontiguousarray(stored.T)),
        _scalar(graph, "unit", np.float32, 1),
        _array(graph, f"{name}.scales", scales),
        _scalar(graph, "middle", np.uint8, MIDDLE),
        _array(graph, f"{name}.zeros", zeros),
        domain=RUNTIME,
    )
    return _node(graph, "Mul", product, row_scales)


def quantised(weights: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Weights (outputs, inputs) as levels of -127 to 127 and the scale of each output."""
    scales = np.maximum(weights.max(axis=1), -weights.min(axis=1)) / np.float32(LARGEST)
    # An output of zeros has any scale.
    scales[scales == 0] = 1
    levels = weights / scales[:, None]
    return np.rint(levels, out=levels).astype(np.int8), scales


def _quantise_rows(graph: _Graph, value: str) -> tuple[str, str]:
    """The value in unsigned bytes around `MIDDLE`, and the scale of each row: (1, t, 1).

    A row of zeros has the scale 0. Whatever its bytes are, its product is 0.
    """
    largest = _node(graph, "ReduceMax", _node(graph, "Abs", value), _ints(graph, "last_axis", [-1]))
    step = _scalar(graph, "step", np.float32, 1 / LARGEST)
    scales = _node(graph, "Mul", largest, step)
    flat = _node(graph, "Reshape", scales, _ints(graph, "flat", [-1]))
    return _node(graph, "QuantizeLinear", value, flat, "middles", axis=1), scales


def _norm(graph: _Graph, shape: BertShape, name: str, value: str) -> str:
    weight = _weight(graph, f"{name}.weight", [shape.hidden])
    bias = _weight(graph, f"{name}.bias", [shape.hidden])
    return _node(graph, "LayerNormalization", value, weight, bias, epsilon=shape.epsilon)


def _node(
    graph: _Graph, kind: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any
) -> str:
    output = output or f"{kind}_{len(graph.nodes)}"
    graph.nodes.append(onnx_format.node(kind, inputs, [output], domain, **attributes))
    return output


def _nodes(graph: _Graph, kind: str, inputs: list[str], count: int, **attributes: Any) -> list[str]:
    """Adds a node of several outputs."""
    outputs = [f"{kind}_{len(graph.nodes)}_{at}" for at in range(count)]
    graph.nodes.append(onnx_format.node(kind, inputs, outputs, "", **attributes))
    return outputs


def _scalar(graph: _Graph, name: str, kind: type[np.generic], value: float) -> str:
    return _array(graph, name, np.array(value, kind))


def _ints(graph: _Graph, name: str, values: list[int]) -> str:
    return _array(graph, name, np.array(values, np.int64))


def _array(graph: _Graph, name: str, values: npt.NDArray[Any]) -> str:
    """Adds a constant, unless the model has one of this name."""
    if name not in graph.constants:
        graph.constants[name] = onnx_format.constant(name, values)
    return name


def _large_array(graph: _Graph, name: str, values: npt.NDArray[Any]) -> str:
    """Adds a constant that is given to the runtime beside the model, so that it is not copied."""
    graph.arrays[name] = values
    graph.constants[name] = onnx_format.stored_constant(
        name, values.dtype.name, values.shape, name, 0, values.nbytes
    )
    return name


def _read(graph: _Graph, name: str, shape: list[int]) -> Floats:
    """The values of a tensor of the weights file."""
    start, _ = _place(graph, name, shape)
    found: Floats = np.fromfile(graph.weights, "<f4", math.prod(shape), offset=start).reshape(shape)
    return found


def _place(graph: _Graph, name: str, shape: list[int]) -> tuple[int, int]:
    """First byte and length of a tensor of the file; ModelError if it is not stored so."""
    entry = graph.stored.get(name, {})
    found = (entry.get("dtype"), entry.get("shape"))
    if found != ("F32", shape):
        raise ModelError(
            f"{graph.weights} has {found[0]} {found[1]} for {name}, the ONNX graph needs F32 "
            f"{shape}: name the model in RAG_MODEL, and sentence-transformers will run it"
        )
    start, end = entry["data_offsets"]
    return graph.first_byte + start, end - start


def _weight(graph: _Graph, name: str, shape: list[int]) -> str:
    """Adds a tensor that points into the weights file."""
    start, length = _place(graph, name, shape)
    graph.constants[name] = onnx_format.stored_constant(
        name, "float32", shape, graph.weights.name, start, length
    )
    return name
