"""Models as a manifest names them."""

from rag.encoders.bundled import DIGESTS, MODEL_NAME, WEIGHTS
from rag.encoders.head import HEADS, read_head
from rag.index.manifest import ModelInfo

HEAD = read_head(HEADS[DIGESTS[WEIGHTS]], 384)
BUNDLED = ModelInfo(
    MODEL_NAME, DIGESTS[WEIGHTS], HEAD.sha256, "int8", dim=384, token_dim=384, window=256
)
OTHER = ModelInfo("other", "0" * 64, "", "float32", dim=2, token_dim=2, window=256)
