"""Texts become vectors."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.encoders.base import Encoder
    from rag.encoders.bundled import bundled_model
    from rag.encoders.open import begin_opening, open_encoder
    from rag.encoders.process import set_torch_environment
    from rag.encoders.products import integer_product, product
else:
    show_late(__name__)
