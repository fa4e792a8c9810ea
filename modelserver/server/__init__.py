"""The reference model server of orak: any ONNX model that a manifest describes, behind a bounded queue."""

import os

# onnxruntime reports every session to its makers, unless this is set before it is loaded. Nothing about recordings may be
# reported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
