"""Document-grounded retrieval: passages cited to the character, offline, on one CPU."""

import os

__version__ = "0.1.0"

# ONNX Runtime and huggingface_hub read these when they are loaded, so they are set before any of
# our modules imports them, for scripts too; child processes inherit them. Another value is
# overwritten: what is asked and indexed here is nobody else's business.
os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")
