"""The reference model server of orak: any ONNX model that a manifest describes, behind a bounded queue."""
