"""The Open Inference Protocol v2 over REST (KServe, Triton), with its binary extension.

The tensors are the model's: one batch of windows, as the manifest describes it.
"""

import json

import numpy as np
from fastapi import FastAPI, Request, Response

from .body import Intake
from .problems import Problem
from .service import Service

HEADER_LENGTH = "inference-header-content-length"
# The queue's memory budget also bounds a request's batch.
MAX_BATCH = 64


def routes(app: FastAPI, service: Service, intake: Intake) -> None:
    m = service.manifest

    def known(name: str) -> None:
        if name != m.name:
            raise Problem(400, "unknown-model", f"The model here is {m.name}.")

    @app.get("/v2")
    async def server() -> dict:
        return {"name": "orak-model-server", "version": "1", "extensions": ["binary_tensor_data"]}

    @app.get("/v2/health/live")
    async def live() -> dict:
        return {"live": True}

    @app.get("/v2/health/ready")
    @app.get("/v2/models/{name}/ready")
    async def ready(name: str = m.name) -> dict:
        known(name)
        service.check_ready()
        return {"name": name, "ready": True}

    @app.get("/v2/models/{name}")
    async def metadata(name: str) -> dict:
        known(name)
        return {
            "name": m.name,
            "versions": [m.version],
            "platform": "onnx_onnxv1",
            "inputs": [{"name": m.input, "datatype": "FP32", "shape": [-1, -1]}],
            "outputs": [{"name": o.tensor, "datatype": "FP32", "shape": [-1, -1]} for o in m.outputs],
        }

    @app.post("/v2/models/{name}/infer")
    async def infer(name: str, request: Request) -> Response:
        known(name)
        length = intake.announced(request)
        async with service.admitted(length // 4):
            head, audio = _decode(await intake.read(request, length), request.headers.get(HEADER_LENGTH), m.input)
            outputs = [np.stack(o) for o in zip(*[await service.infer(w) for w in audio], strict=True)]
            return _encode(head, m.name, m.version, [o.tensor for o in m.outputs], outputs)


def _decode(body: bytes, header_length: str | None, tensor: str) -> tuple[dict, np.ndarray]:
    """Returns the request's JSON and its one input as float32 [batch, samples]."""
    cut = len(body)
    if header_length is not None:
        if not header_length.isdecimal() or int(header_length) > len(body):
            raise Problem(400, "tensor", "Inference-Header-Content-Length is wrong.")
        cut = int(header_length)
    try:
        head = json.loads(body[:cut])
        one = next(i for i in head["inputs"] if i["name"] == tensor)
        shape, kind = [int(n) for n in one["shape"]], one["datatype"]
        if kind != "FP32" or len(shape) != 2 or not 1 <= shape[0] <= MAX_BATCH or shape[1] < 1:
            raise ValueError("want FP32 [batch, samples]")
        if "data" in one:
            audio = np.asarray(one["data"], np.float32)
        else:
            size = int(one["parameters"]["binary_data_size"])
            if size != len(body) - cut:
                raise ValueError("binary_data_size is wrong")
            audio = np.frombuffer(body, "<f4", size // 4, cut)
        return head, audio.reshape(shape)
    except (StopIteration, KeyError, TypeError, ValueError) as e:
        raise Problem(400, "tensor", f"Want one input {tensor}: FP32 [batch, samples].") from e


def _encode(head: dict, name: str, version: str, names: list[str], outputs: list[np.ndarray]) -> Response:
    """Returns the answer as JSON, or with binary tensors if the request wants them."""
    binary = bool(head.get("parameters", {}).get("binary_data_output", False))
    wanted = {o["name"]: bool(o.get("parameters", {}).get("binary_data", binary)) for o in head.get("outputs", [])}
    described, tail = [], b""
    for tensor, value in zip(names, outputs, strict=True):
        if wanted and tensor not in wanted:
            continue
        value = value.astype("<f4")
        entry: dict = {"name": tensor, "datatype": "FP32", "shape": list(value.shape)}
        if wanted.get(tensor, binary):
            entry["parameters"] = {"binary_data_size": value.nbytes}
            tail += value.tobytes()
        else:
            entry["data"] = value.ravel().tolist()
        described.append(entry)
    text = json.dumps({"model_name": name, "model_version": version, "id": str(head.get("id", "")), "outputs": described}).encode()
    if not tail:
        return Response(text, media_type="application/json")
    return Response(text + tail, media_type="application/octet-stream", headers={"Inference-Header-Content-Length": str(len(text))})
