"""A model of the bundled one's shape, small enough to be run many times."""

from __future__ import annotations

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
from transformers import BertConfig, BertModel

from rag.encoders.bundled import ModelFiles, bundled_model


def small_bert(folder: Path) -> ModelFiles:
    """Another model of the shape, with random weights and the bundled vocabulary."""
    torch.manual_seed(1)
    config = BertConfig(
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=3,
        max_position_embeddings=64,
        layer_norm_eps=1e-6,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (folder / name).write_bytes((bundled_model().folder / name).read_bytes())
    return ModelFiles(folder, "small", "0" * 64, 32)


def small_model(folder: Path, prompts: dict[str, str], *, narrow: bool = False) -> Path:
    """A sentence-transformers folder round the small model; `narrow` adds a Dense module."""
    transformer = Transformer(str(small_bert(folder / "bert").folder), max_seq_length=32)
    modules = [transformer, Pooling(24), *([Dense(24, 8)] if narrow else [])]
    SentenceTransformer(modules=modules, device="cpu", prompts=prompts).save(str(folder / "st"))
    return folder / "st"
