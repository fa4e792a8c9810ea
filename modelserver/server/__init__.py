"""The reference model server of orak: any ONNX model that a manifest describes, behind a bounded queue."""

import os

# onnxruntime tells its makers of every session, unless it is told not to before it is loaded. What users record, and where it
# is analyzed, is nobody's business.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
