"""The ONNX graph of a BERT-shaped sentence encoder, written from its configuration.

The graph holds no weights: each tensor refers to its bytes in the safetensors file, which the
runtime maps into memory. It reads one text at a time, so it needs neither batch nor mask, and a
text's vectors cannot depend on other texts. Devlin et al. 2019, arXiv:1810.04805; pooling as in
Reimers and Gurevych 2019, arXiv:1908.10084: the mean over all tokens, L2-normalised.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onnx import ModelProto, NodeProto, TensorProto, helper

from rag.encoders.products import IR_VERSION, OPSET
from rag.errors import ModelError

REQUIRED = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}


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
    """A graph being written; `stored` is the header of the weights file, name -> entry."""

    weights: Path
    stored: Mapping[str, Any]
    first_byte: int
    nodes: list[NodeProto] = field(default_factory=list)
    tensors: list[TensorProto] = field(default_factory=list)


def build_graph(config: Path, weights: Path) -> bytes:
    """The serialised ONNX model; the same files give the same bytes.

    Input: input_ids int64 (t,), special tokens included. Outputs, rows L2-normalised: pooled
    float32 (dim,), tokens float32 (t, dim). Raises ModelError for a model of another shape.
    """
    shape = read_shape(config)
    graph = _open_graph(weights)
    hidden = _embed(graph, shape)
    for layer in range(shape.layers):
        hidden = _layer(graph, shape, f"encoder.layer.{layer}", hidden)
    mean = _node(graph, "ReduceMean", hidden, _ints(graph, "first_axis", [0]), keepdims=0)
    _node(graph, "LpNormalization", mean, output="pooled", axis=-1, p=2)
    _node(graph, "LpNormalization", hidden, output="tokens", axis=-1, p=2)
    written: bytes = _model(graph, shape).SerializeToString(deterministic=True)
    return written


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


def _open_graph(weights: Path) -> _Graph:
    """An empty graph over a safetensors file: 8 bytes of header length, header, tensors."""
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > weights.stat().st_size:
            raise ModelError(f"{weights} is no safetensors file: fetch the model again")
        stored = _read_object(weights, file.read(length))
    return _Graph(weights, stored, 8 + length)


def _embed(graph: _Graph, shape: BertShape) -> str:
    """The summed embeddings of word, position and the one type, normalised: (t, hidden)."""
    zero = _scalar(graph, "zero", TensorProto.INT64, 0)
    one = _scalar(graph, "one", TensorProto.INT64, 1)
    length = _node(graph, "Squeeze", _node(graph, "Shape", "input_ids"))
    place = _node(graph, "Range", zero, length, one)
    words = _lookup(graph, "word", shape.vocabulary, shape.hidden, "input_ids")
    types = _lookup(graph, "token_type", shape.types, shape.hidden, zero)
    places = _lookup(graph, "position", shape.positions, shape.hidden, place)
    summed = _node(graph, "Add", _node(graph, "Add", words, types), places)
    return _norm(graph, shape, "embeddings.LayerNorm", summed)


def _lookup(graph: _Graph, kind: str, rows: int, width: int, index: str) -> str:
    table = _weight(graph, f"embeddings.{kind}_embeddings.weight", [rows, width])
    return _node(graph, "Gather", table, index)


def _layer(graph: _Graph, shape: BertShape, name: str, hidden: str) -> str:
    """One transformer layer, normalised after each of its two steps: (t, hidden)."""
    wide, inner = shape.hidden, shape.inner
    context = _attention(graph, shape, f"{name}.attention.self", hidden)
    attended = _linear(graph, f"{name}.attention.output.dense", wide, wide, context)
    hidden = _node(graph, "Add", attended, hidden)
    hidden = _norm(graph, shape, f"{name}.attention.output.LayerNorm", hidden)
    raised = _node(graph, "Gelu", _linear(graph, f"{name}.intermediate.dense", wide, inner, hidden))
    lowered = _linear(graph, f"{name}.output.dense", inner, wide, raised)
    return _norm(graph, shape, f"{name}.output.LayerNorm", _node(graph, "Add", lowered, hidden))


def _attention(graph: _Graph, shape: BertShape, name: str, hidden: str) -> str:
    """Scaled dot-product attention over all heads: (t, hidden)."""
    size = shape.hidden // shape.heads
    split = _ints(graph, "split", [-1, shape.heads, size])
    scale = _scalar(graph, "scale", TensorProto.FLOAT, 1 / math.sqrt(size))

    def heads(part: str, perm: list[int]) -> str:
        flat = _linear(graph, f"{name}.{part}", shape.hidden, shape.hidden, hidden)
        return _node(graph, "Transpose", _node(graph, "Reshape", flat, split), perm=perm)

    scores = _node(graph, "MatMul", heads("query", [1, 0, 2]), heads("key", [1, 2, 0]))
    weights = _node(graph, "Softmax", _node(graph, "Mul", scores, scale), axis=-1)
    mixed = _node(graph, "MatMul", weights, heads("value", [1, 0, 2]))
    joined = _node(graph, "Transpose", mixed, perm=[1, 0, 2])
    return _node(graph, "Reshape", joined, _ints(graph, "join", [-1, shape.hidden]))


def _linear(graph: _Graph, name: str, inputs: int, outputs: int, value: str) -> str:
    weight = _weight(graph, f"{name}.weight", [outputs, inputs])
    return _node(graph, "Gemm", value, weight, _weight(graph, f"{name}.bias", [outputs]), transB=1)


def _norm(graph: _Graph, shape: BertShape, name: str, value: str) -> str:
    weight = _weight(graph, f"{name}.weight", [shape.hidden])
    bias = _weight(graph, f"{name}.bias", [shape.hidden])
    return _node(graph, "LayerNormalization", value, weight, bias, epsilon=shape.epsilon)


def _node(graph: _Graph, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
    output = output or f"{kind}_{len(graph.nodes)}"
    graph.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
    return output


def _scalar(graph: _Graph, name: str, kind: int, value: float) -> str:
    return _constant(graph, helper.make_tensor(name, kind, [], [value]))


def _ints(graph: _Graph, name: str, values: list[int]) -> str:
    return _constant(graph, helper.make_tensor(name, TensorProto.INT64, [len(values)], values))


def _constant(graph: _Graph, tensor: TensorProto) -> str:
    if all(known.name != tensor.name for known in graph.tensors):
        graph.tensors.append(tensor)
    return tensor.name


def _weight(graph: _Graph, name: str, shape: list[int]) -> str:
    """Adds a tensor that points into the weights file; ModelError if it is not stored so."""
    entry = graph.stored.get(name, {})
    found = (entry.get("dtype"), entry.get("shape"))
    if found != ("F32", shape):
        raise ModelError(
            f"{graph.weights} has {found[0]} {found[1]} for {name}, the ONNX graph needs F32 "
            f"{shape}: name the model in RAG_MODEL, and sentence-transformers will run it"
        )
    start, end = entry["data_offsets"]
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    place = {
        "location": graph.weights.name,
        "offset": graph.first_byte + start,
        "length": end - start,
    }
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    graph.tensors.append(tensor)
    return name


def _model(graph: _Graph, shape: BertShape) -> ModelProto:
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["t"])]
    outputs = [
        helper.make_tensor_value_info("pooled", TensorProto.FLOAT, [shape.hidden]),
        helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["t", shape.hidden]),
    ]
    made = helper.make_graph(graph.nodes, "encoder", inputs, outputs, graph.tensors)
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(made, opset_imports=[opset], ir_version=IR_VERSION)
