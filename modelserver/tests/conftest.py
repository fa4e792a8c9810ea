import json
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from onnx import TensorProto, helper

from server import app, manifest
from server.admission import Admission
from server.batching import Batcher
from server.body import Intake
from server.model import Model
from server.service import Service

# Real ONNX models of a few nodes, with the failures that a test needs.
HOP = 160

INTAKE = Intake(1 << 20, 30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A manifest and a model whose f0_hz is the level of every hop × 1000, and whose voicing is 1."""
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["batch", "samples"])
    out = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", "frames"]) for n in ("f0_hz", "voicing")]
    constants = [
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("thousand", TensorProto.FLOAT, [], [1000.0]),
        helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
        helper.make_tensor("unit", TensorProto.FLOAT, [], [1.0]),
    ]
    nodes = [
        helper.make_node("Abs", ["audio"], ["abs"]),
        helper.make_node("Unsqueeze", ["abs", "one"], ["channel"]),
        helper.make_node("AveragePool", ["channel"], ["pooled"], kernel_shape=[HOP], strides=[HOP]),
        helper.make_node("Squeeze", ["pooled", "one"], ["level"]),
        helper.make_node("Mul", ["level", "thousand"], ["f0_hz"]),
        helper.make_node("Mul", ["level", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "unit"], ["voicing"]),
    ]
    graph = helper.make_graph(nodes, "level", [audio], out, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "manifest.json").write_text(
        json.dumps(
            {
                "name": "level",
                "version": "3",
                "model": "model.onnx",
                "window_s": 1,
                "context_s": 0.1,
                "outputs": [{"tensor": "f0_hz", "kind": "f0_hz"}, {"tensor": "voicing", "kind": "voicing"}],
                "memory_bytes": 1000,
                "memory_bytes_per_second": 1000,
            }
        )
    )
    return tmp_path


def make_service(folder: Path, slots: int = 2, queue: int = 2, memory: int = 1_000_000, batch: int = 4) -> Service:
    described, path = manifest.load(folder / "manifest.json")
    model = Model(described, path, 1, 0)
    return Service(described, Batcher(model, batch, 0.005), Admission(slots, queue, memory), model.device)


@pytest.fixture
def service(folder: Path) -> Service:
    return make_service(folder)


@pytest.fixture
def application(service: Service):
    return app.build(service, INTAKE)


def wave(samples: np.ndarray, rate: int = 16_000, channels: int = 1) -> bytes:
    data = samples.astype("<i2").tobytes()
    return b"".join(
        (
            b"RIFF",
            (36 + len(data)).to_bytes(4, "little"),
            b"WAVEfmt ",
            (16).to_bytes(4, "little"),
            (1).to_bytes(2, "little"),
            channels.to_bytes(2, "little"),
            rate.to_bytes(4, "little"),
            (rate * 2 * channels).to_bytes(4, "little"),
            (2 * channels).to_bytes(2, "little"),
            (16).to_bytes(2, "little"),
            b"data",
            len(data).to_bytes(4, "little"),
            data,
        )
    )


@contextmanager
def serving(service, intake):
    """The application on its own port."""
    server = uvicorn.Server(uvicorn.Config(app.build(service, intake), port=0, log_level="warning", timeout_keep_alive=app.KEEP_ALIVE_S))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not (server.started and service.ready):
            assert thread.is_alive()
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
