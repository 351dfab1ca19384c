"""Texts become vectors."""

from rag.encoders.base import Encoder
from rag.encoders.bundled import bundled_model
from rag.encoders.open import begin_opening, open_encoder
from rag.encoders.process import set_torch_environment
from rag.encoders.products import integer_product, product
