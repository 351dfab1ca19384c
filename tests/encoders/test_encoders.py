import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from transformers import BertModel

from rag.encoders.base import Encoded, Encoder, with_contexts
from rag.encoders.bert_graph import build_graph, quantised
from rag.encoders.bundled import bundled_model
from rag.encoders.onnx import open_onnx_encoder, open_session, open_tokenizer, word_pieces
from rag.encoders.open import begin_opening, open_encoder
from rag.encoders.sentence_transformer import find_model
from rag.types.errors import ModelError
from support.small_model import small_bert, small_model

ODD_TEXTS = (
    "",
    " \n\t ",
    "Which procedure collects the T cells?",
    "狼疮的细胞疗法，mixed with English",
    "🙂🙃 emoji 👩‍👩‍👧 and ﬁ ligature",
    "word " * 600,
    "a\x00b\x07c\u200bd\ufeff\r\ne\u2028f",
    "x [SEP] y [PAD] [CLS] z",
    "é" * 150,
    "e\u0301 naïve İstanbul שלום مرحبا",
    "Supercalifragilistic-expialidocious snake_case 1,234.5 mg/kg",
)
# What 8 bits cost. Of 60 scientific texts the cosine with float32 was .996 at least for pooled
# vectors and .989 for tokens; odd and very short texts lie lower. Without the last layer some would
# be below .7, and with levels of 31 to either side in place of 127 below .92.
LOWEST = 0.95
LOWEST_POOLED = 0.98
MEAN_POOLED = 0.993
CONTEXTS = ("", "Title", "日本 > é", *("Title > Heading",) * 8)


@pytest.fixture(scope="module")
def onnx() -> Encoder:
    return open_encoder("bundled", "onnx", 2)


@pytest.fixture(scope="module")
def reference() -> Encoder:
    return open_encoder("bundled", "torch", 1)


def smallest_cosine(left: Encoded, right: Encoded) -> float:
    pairs = [(left.pooled, right.pooled), *zip(left.tokens, right.tokens, strict=True)]
    return min(float((a * b).sum(axis=1).min(initial=1.0)) for a, b in pairs)


def assert_same_bits(left: Encoded, right: Encoded) -> None:
    assert left.pooled.tobytes() == right.pooled.tobytes()
    assert [t.tobytes() for t in left.tokens] == [t.tobytes() for t in right.tokens]


def spelled(text: str, spans: Sequence[Sequence[int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


def test_context_and_text_are_joined_by_a_line_break() -> None:
    assert with_contexts(["text", "text"], ["Title", ""]) == ["Title\ntext", "text"]


def test_both_encoders_agree_on_odd_queries(onnx: Encoder, reference: Encoder) -> None:
    ours, theirs = onnx.encode_queries(ODD_TEXTS), reference.encode_queries(ODD_TEXTS)
    assert smallest_cosine(ours, theirs) > LOWEST
    assert (ours.pooled * theirs.pooled).sum(axis=1).mean() > MEAN_POOLED


def test_both_encoders_agree_on_passages_with_context(onnx: Encoder, reference: Encoder) -> None:
    ours = onnx.encode_passages(ODD_TEXTS, CONTEXTS)
    theirs = reference.encode_passages(ODD_TEXTS, CONTEXTS)
    assert smallest_cosine(ours, theirs) > LOWEST
    assert (ours.pooled * theirs.pooled).sum(axis=1).mean() > MEAN_POOLED


def test_both_encoders_say_which_pieces_are_unknown(onnx: Encoder, reference: Encoder) -> None:
    for encoder in (onnx, reference):
        assert encoder.unknown("Is it 🙂 or ქართული?") == [2, 4]
        assert encoder.unknown("β of the naïve Москва") == []
        assert encoder.unknown("") == []


def test_both_encoders_are_the_same_model(onnx: Encoder, reference: Encoder) -> None:
    facts = [(e.name, e.sha256, e.dim, e.window) for e in (onnx, reference)]
    assert facts[0] == facts[1] == (bundled_model().name, bundled_model().sha256, 384, 256)
    for text in ODD_TEXTS:
        assert onnx.word_pieces(text) == reference.word_pieces(text)


def test_pooled_vectors_are_close_to_those_of_sentence_transformers(onnx: Encoder) -> None:
    model = SentenceTransformer(str(bundled_model().folder), device="cpu")
    expected = model.encode(list(ODD_TEXTS), normalize_embeddings=True, batch_size=4)
    assert (onnx.encode_queries(ODD_TEXTS).pooled * expected).sum(axis=1).min() > LOWEST_POOLED


@pytest.mark.parametrize(("name", "copies"), [("onnx", 4), ("reference", 1)])
def test_a_text_has_the_same_bits_alone_and_among_others(
    name: str, copies: int, request: pytest.FixtureRequest
) -> None:
    encoder: Encoder = request.getfixturevalue(name)
    others = [f"{text[:99]} {n}" for n in range(copies) for text in ODD_TEXTS]
    together = encoder.encode_queries([*others, ODD_TEXTS[2]])
    alone = encoder.encode_queries([ODD_TEXTS[2]])
    last = Encoded(together.pooled[-1:], together.tokens[-1:])
    assert_same_bits(alone, last)


def test_the_number_of_threads_changes_no_bit() -> None:
    one, four = (open_onnx_encoder(bundled_model(), threads) for threads in (1, 4))
    many = ODD_TEXTS * 3
    assert_same_bits(one.encode_queries(many), four.encode_queries(many))


def test_rows_are_float32_of_length_one(onnx: Encoder) -> None:
    found = onnx.encode_passages(ODD_TEXTS, CONTEXTS)
    assert found.pooled.dtype == np.float32 and found.pooled.shape == (11, 384)
    for rows, text, context in zip(found.tokens, ODD_TEXTS, CONTEXTS, strict=True):
        pieces = onnx.word_pieces(*with_contexts([text], [context]))
        assert rows.dtype == np.float32 and rows.shape == (min(len(pieces), 254), 384)
        assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    assert np.allclose(np.linalg.norm(found.pooled, axis=1), 1.0, atol=1e-6)


def test_a_blank_text_has_a_pooled_vector_and_no_tokens(onnx: Encoder) -> None:
    found = onnx.encode_queries(["", " \n"])
    assert [rows.shape for rows in found.tokens] == [(0, 384), (0, 384)]
    assert np.array_equal(found.pooled[0], found.pooled[1])


def test_no_texts_give_no_rows(onnx: Encoder) -> None:
    found = onnx.encode_passages([], [])
    assert found.pooled.shape == (0, 384) and found.tokens == ()


def test_word_pieces_are_neither_cut_nor_special(onnx: Encoder) -> None:
    text = "tokenizing words " * 300
    pieces = onnx.word_pieces(text)
    assert len(pieces) == 900
    assert spelled(text, pieces[:3]) == ["token", "izing", "words"]


@pytest.mark.parametrize("longest", [1, 3, 7])
def test_a_text_in_parts_has_the_same_word_pieces(longest: int) -> None:
    tokenizer = open_tokenizer(bundled_model())
    signs = (
        "[a]. b[SEP]-[ [MASK] 中文。“x” \u0301e\u0301\x1c\x0b\u00a0 \u3000#[1[PAD]~…\u0323〇々9İß"
    )
    chance = random.Random(longest)
    mixed = ["".join(chance.choices(signs, k=60)) for _ in range(200)]
    for text in (*ODD_TEXTS, signs, *mixed):
        whole = tokenizer.encode(text, add_special_tokens=False).offsets
        assert word_pieces(tokenizer, text, longest) == whole


def test_an_input_is_cut_to_the_window(onnx: Encoder) -> None:
    assert onnx.encode_queries(["word " * 600]).tokens[0].shape == (254, 384)
    assert_same_bits(
        onnx.encode_queries(["word " * 254]), onnx.encode_queries([("word " * 600)[: 254 * 5]])
    )


def test_as_many_contexts_as_texts_are_needed(onnx: Encoder) -> None:
    with pytest.raises(ValueError, match="longer"):
        onnx.encode_passages(["a", "b"], [""])


def test_the_onnx_path_imports_no_torch() -> None:
    code = (
        "import sys; from rag.encoders.open import open_encoder;"
        "open_encoder('bundled', 'onnx', 2).encode_queries(['a', 'b']);"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("[]\n", "")


def test_opening_changes_neither_the_environment_nor_the_threads_of_others() -> None:
    code = (
        "import os, numpy; from threadpoolctl import threadpool_info\n"
        "state = lambda: (dict(os.environ), threadpool_info()[0]['num_threads'])\n"
        "import rag; before = state()\n"
        "from rag.encoders.open import open_encoder; open_encoder('bundled', 'onnx', 1)\n"
        "print(before[1], before == state())"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == "2 True\n"


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(ModelError, match="runtime is 'cuda': set RAG_RUNTIME to onnx or torch"):
        open_encoder("bundled", "cuda", 1)


def test_an_encoder_that_was_opened_in_a_thread_is_the_same(onnx: Encoder) -> None:
    opened = begin_opening("bundled", "onnx", 1)()
    asked = "Which procedure collects the T cells?"
    assert (opened.sha256, opened.head_sha256) == (onnx.sha256, onnx.head_sha256)
    assert np.array_equal(
        opened.encode_queries([asked]).pooled, onnx.encode_queries([asked]).pooled
    )


def test_who_waits_for_an_encoder_hears_why_it_cannot_be_opened() -> None:
    opening = begin_opening("bundled", "tensorflow", 1)
    with pytest.raises(ModelError, match="set RAG_RUNTIME to onnx or torch"):
        opening()


def test_the_same_files_give_the_same_graph() -> None:
    folder = bundled_model().folder
    config, weights = folder / "config.json", folder / "model.safetensors"
    first, again = build_graph(config, weights), build_graph(config, weights)
    assert first.graph == again.graph
    assert len(first.graph) < 200_000
    assert first.arrays.keys() == again.arrays.keys()
    assert all(np.array_equal(first.arrays[name], again.arrays[name]) for name in first.arrays)


def test_signed_and_unsigned_weights_give_the_same_bits(tmp_path: Path) -> None:
    folder = bundled_model().folder
    config, weights = folder / "config.json", folder / "model.safetensors"
    ids = np.array([101, *range(2000, 2040), 102], np.int64)
    found = [
        open_session(build_graph(config, weights, signed), str(folder)).run(
            None, {"input_ids": ids}
        )
        for signed in (True, False)
    ]
    assert [rows.tobytes() for rows in found[0]] == [rows.tobytes() for rows in found[1]]


def test_weights_are_quantised_by_output() -> None:
    levels, scales = quantised(np.array([[127, -63.4, 0], [0, 0, 0], [1, 2, 4]], np.float32))
    assert levels.tolist() == [[127, -63, 0], [0, 0, 0], [32, 64, 127]]
    assert np.allclose(scales, [1, 1, 4 / 127])


def test_the_graph_reads_its_sizes_from_the_configuration(tmp_path: Path) -> None:
    encoder = open_onnx_encoder(small_bert(tmp_path), 1)
    model = BertModel.from_pretrained(tmp_path)
    ids = [101, *encoder.tokenizer.encode("naïve T cells", add_special_tokens=False).ids, 102]
    with torch.inference_mode():
        hidden = model(torch.tensor([ids])).last_hidden_state[0]
    expected = torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy()
    found = encoder.encode_queries(["naïve T cells"])
    assert found.pooled.shape == (1, 24)
    assert found.pooled[0] @ expected > 0.999


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model_type", "roberta", "has model_type 'roberta', the ONNX graph needs 'bert'"),
        ("hidden_act", "relu", "has hidden_act 'relu', the ONNX graph needs 'gelu'"),
        ("position_embedding_type", "relative_key", "needs 'absolute'"),
        ("hidden_size", None, "does not state 'hidden_size'"),
        ("intermediate_size", 99, r"needs F32 \[99, 384\]"),
        ("num_hidden_layers", 7, r"None None for encoder.layer.6.attention.self.query.weight"),
        ("num_attention_heads", 7, "384 numbers cannot be shared among 7 heads"),
    ],
)
def test_a_model_of_another_shape_is_refused(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    folder = bundled_model().folder
    stated = json.loads((folder / "config.json").read_bytes()) | {key: value}
    config = tmp_path / "config.json"
    config.write_text(json.dumps({k: v for k, v in stated.items() if v is not None}))
    with pytest.raises(ModelError, match=message):
        build_graph(config, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (b"", "holds no valid JSON"),
        (b"\xff" * 16, "is no safetensors file"),
        (b"\x02" + b"\0" * 7 + b"[]", "holds no JSON object"),
        (b"\x02" + b"\0" * 7 + b"{}", "has None None for embeddings.word_embeddings.weight"),
    ],
)
def test_damaged_weights_are_refused(tmp_path: Path, stored: bytes, message: str) -> None:
    (tmp_path / "model.safetensors").write_bytes(stored)
    with pytest.raises(ModelError, match=message):
        build_graph(bundled_model().folder / "config.json", tmp_path / "model.safetensors")


def test_any_model_opens_by_folder_and_reads_its_prompts(tmp_path: Path) -> None:
    folder = small_model(tmp_path, {"query": "ask: ", "passage": "read: "})
    encoder = open_encoder(str(folder), "onnx", 2)
    assert (encoder.name, encoder.dim) == ("st", 24)
    query = encoder.encode_queries(["T"])
    expected = SentenceTransformer(str(folder), device="cpu").encode_query(
        "T", normalize_embeddings=True
    )
    assert np.abs(query.pooled[0] - expected).max() < 1e-6


def test_the_tokens_of_a_prompt_are_left_out_and_take_up_the_window(tmp_path: Path) -> None:
    folder = small_model(tmp_path, {"query": "ask: ", "passage": "read: "})
    encoder = open_encoder(str(folder), "onnx", 2)
    # The prompt is two word pieces.
    assert encoder.window == 30
    long = "a " * 50
    queries = encoder.encode_queries(["T", long])
    passages = encoder.encode_passages(["T", long], ["A", ""])
    assert [len(tokens) for tokens in queries.tokens] == [1, 28]
    assert [len(tokens) for tokens in passages.tokens] == [2, 28]


def test_a_model_by_name_that_was_downloaded_opens_without_the_network(tmp_path: Path) -> None:
    snapshots = tmp_path / "hub" / "models--ours--small" / "snapshots"
    snapshots.mkdir(parents=True)
    small_model(tmp_path / "made", {}).rename(snapshots / "abc")
    (snapshots.parent / "refs").mkdir()
    (snapshots.parent / "refs" / "main").write_text("abc")
    code = (
        "from rag.encoders.open import open_encoder\n"
        "from rag.encoders.process import set_torch_environment\n"
        "set_torch_environment()\n"
        "encoder = open_encoder('ours/small', 'torch', 1)\n"
        "import huggingface_hub.constants as constants\n"
        "print(encoder.name, encoder.dim, constants.HF_HUB_OFFLINE)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert found.stdout == "ours/small 24 True\n", found.stderr


def test_a_models_digest_depends_on_its_weights_alone(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = find_model(str(tmp_path)).sha256
    (tmp_path / "README.md").write_text("changed")
    assert find_model(str(tmp_path)).sha256 == first
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert find_model(str(tmp_path)).sha256 != first


def test_a_model_that_is_nowhere_is_refused_without_the_network() -> None:
    with pytest.raises(ModelError, match="neither a folder nor a downloaded model: run `hf down"):
        open_encoder("nobody/no-such-model", "torch", 1)


def test_weights_that_are_not_safetensors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"holds no \*.safetensors file"):
        open_encoder(str(tmp_path), "torch", 1)


def test_a_pickled_part_of_a_model_is_refused(tmp_path: Path) -> None:
    for name in ("0_Transformer/model.safetensors", "0_Transformer/pytorch_model.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "2_Dense").mkdir()
    (tmp_path / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"2_Dense/pytorch_model.bin .*pickle"):
        open_encoder(str(tmp_path), "torch", 1)


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="sentence-transformers cannot open"):
        open_encoder(str(tmp_path), "torch", 1)


def test_token_vectors_must_be_as_long_as_the_pooled_one(tmp_path: Path) -> None:
    folder = small_model(tmp_path, {}, narrow=True)
    with pytest.raises(ModelError, match=r"token vectors of shape \(3, 24\), expected \(3, 8\)"):
        open_encoder(str(folder), "torch", 1)


def test_a_model_without_a_fast_tokenizer_is_refused(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(bundled_model().folder / "tokenizer.json"))
    static = StaticEmbedding(tokenizer, embedding_dim=4)
    SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path))
    with pytest.raises(ModelError, match="no fast tokenizer"):
        open_encoder(str(tmp_path), "torch", 1)
