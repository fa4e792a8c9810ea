"""Devices without memory, or lost: real errors of onnxruntime, with models of a few nodes."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from fastapi.testclient import TestClient
from onnx import TensorProto, helper

from server import app, manifest
from server.batching import Batcher
from server.model import Broken, Model, OutOfMemory, _is_out_of_memory

from .conftest import INTAKE, make_service, wave

WAV = {"content-type": "audio/wav"}


@pytest.fixture(scope="module")
def pitch() -> manifest.Manifest:
    described, _ = manifest.load(PITCH)
    return described


PITCH = Path(__file__).parent.parent / "models/pitch/manifest.json"


def test_a_device_without_room_halves_the_batch_and_answers_everybody(pitch):
    # The process's arena can be bounded only once: room for the model and some 4 windows, which take at least 9 MB each.
    model = Model(pitch, PITCH.parent / pitch.model, 2, 100_000_000, "cpu")
    with pytest.raises(OutOfMemory, match="requested"):
        model.run(np.zeros((16, pitch.window + 2 * pitch.context), np.float32))

    async def go() -> Batcher:
        b = Batcher(model, limit=16, wait=0.05)
        b.start()
        await b.warm_up()
        found = await asyncio.gather(*(b.run(np.zeros(pitch.window + 2 * pitch.context, np.float32)) for _ in range(16)))
        assert {f[0].shape for f in found} == {(1100,)}
        await b.stop()
        return b

    b = asyncio.run(go())
    assert b.halved >= 1
    assert 1 <= b.size < 16


@pytest.mark.parametrize(
    "said",
    [
        "CUDA failure 2: out of memory ; GPU=0",
        "BFCArena::AllocateRawInternal Available memory of 2563840 is smaller than requested bytes of 10560000",
        "Failed to allocate memory for requested buffer of size 4096",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
        "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    ],
)
def test_what_devices_say_of_no_room_is_known(said):
    assert _is_out_of_memory(said)
    assert not _is_out_of_memory("CUDA failure 700: an illegal memory access was encountered")


def session(limit: float) -> ort.InferenceSession:
    """A model that fails for audio louder than ``limit``: it reshapes it to a wrong length."""
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["batch", "samples"])
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("f0_hz", "voicing")]
    constants = [helper.make_tensor("limit", TensorProto.FLOAT, [], [limit]), helper.make_tensor("all", TensorProto.INT64, [1], [-1])]
    nodes = [
        helper.make_node("ReduceMax", ["audio"], ["top"], keepdims=0),
        helper.make_node("Greater", ["top", "limit"], ["loud"]),
        helper.make_node("Cast", ["loud"], ["one"], to=TensorProto.INT64),
        helper.make_node("Shape", ["audio"], ["shape"]),
        helper.make_node("Add", ["shape", "one"], ["wrong"]),
        helper.make_node("Reshape", ["audio", "wrong"], ["f0_hz"]),
        helper.make_node("Reshape", ["audio", "wrong"], ["voicing"]),
    ]
    graph = helper.make_graph(nodes, "moody", [audio], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def test_a_recording_that_fails_is_told_from_a_device_that_is_lost(folder):
    model = make_service(folder).batcher.model
    model.session = session(limit=0.5)
    with pytest.raises(Exception, match="Reshape") as failed:
        model.run(np.ones((1, 160), np.float32))
    assert not isinstance(failed.value, Broken)
    model.session = session(limit=-1)
    with pytest.raises(Broken):
        model.run(np.ones((1, 160), np.float32))


def test_a_lost_device_is_no_fault_of_the_recording_and_ends_the_process(folder):
    service, stops = make_service(folder), []
    service.stop = lambda: stops.append(1)
    with TestClient(app.build(service, INTAKE)) as client:
        while client.get("/readyz").status_code != 200:
            pass
        service.batcher.model.session = session(limit=-1)
        for _ in range(2):
            answer = client.post("/v1/analyze", content=wave(np.zeros(160)), headers=WAV)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
        assert client.get("/readyz").status_code == 503
    assert stops == [1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "cuda"], "requirements-gpu.txt"),
        (["--allow-url", "https://store.example"], "--allow-url"),
        (["--manifest", "missing.json"], "missing.json"),
    ],
)
def test_what_cannot_work_is_said_at_the_start(arguments, said):
    if "cuda" in arguments and "CUDAExecutionProvider" in ort.get_available_providers():
        arguments = [*arguments, "--manifest", "missing.json"]
        said = "missing.json"
    done = subprocess.run([sys.executable, "-m", "server", *arguments], cwd=PITCH.parents[2], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_is_told_of_a_session(tmp_path):
    """onnxruntime's telemetry keeps its queue, and an id of the machine, in the home folder."""
    opened = (
        "import sys, pathlib; from server import manifest, model; m, p = manifest.load(pathlib.Path(sys.argv[1])); model.Model(m, p, 1, 0, 'cpu').warm_up(1)"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ORT_", "XDG_"))} | {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", opened, str(PITCH)], cwd=PITCH.parents[2], env=environment, check=True, timeout=60)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_the_gpu_build_differs_in_nothing_else():
    cpu, gpu = (pinned(PITCH.parents[2] / name) for name in ("requirements.txt", "requirements-gpu.txt"))
    assert {name for name in gpu.keys() ^ cpu.keys() if not name.startswith("nvidia-")} == {"onnxruntime", "onnxruntime-gpu"}
    assert {name: gpu[name] for name in gpu.keys() & cpu.keys()} == {name: cpu[name] for name in gpu.keys() & cpu.keys()}


def pinned(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("==") for line in lines)
