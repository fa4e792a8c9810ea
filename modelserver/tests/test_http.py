import json

import numpy as np
import pytest
from fastapi.testclient import TestClient

from server import app

from .conftest import INTAKE, make_service, wave

WAV = {"content-type": "audio/wav"}


@pytest.fixture
def client(application):
    with TestClient(application) as c:
        yield c


def ready(client, service):
    while client.get("/readyz").status_code != 200:
        pass
    assert service.ready


def test_a_recording_is_analyzed_across_windows(client, service):
    ready(client, service)
    # 2.5 s: half scale except for the second second, which a seam must not blur.
    x = np.full(40_000, 16_384)
    x[16_000:32_000] = 8_192
    found = client.post("/v1/analyze", content=wave(x), headers=WAV).json()
    assert found["engine"] == {"name": "level", "version": "3"}
    curve = found["pitch_curve"]["f0_hz"]
    assert len(curve) == 250 == len(found["pitch_curve"]["voicing"])
    assert curve[:100] == [500.0] * 100
    assert curve[100:200] == [250.0] * 100
    assert curve[200:] == [500.0] * 50


def test_silence_and_nothing_are_recordings(client, service):
    ready(client, service)
    assert client.post("/v1/analyze", content=wave(np.zeros(0)), headers=WAV).json()["pitch_curve"]["f0_hz"] == []
    assert set(client.post("/v1/analyze", content=wave(np.zeros(800)), headers=WAV).json()["pitch_curve"]["f0_hz"]) == {0.0}


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"no wav at all, not even close", WAV, 415, "not-a-wav"),
        (wave(np.zeros(100), rate=8000), WAV, 415, "not-a-wav"),
        (wave(np.zeros(100), channels=2), WAV, 415, "not-a-wav"),
        (wave(np.zeros(100))[:-50], WAV, 415, "not-a-wav"),
        (b"x" * (1 << 20 | 1), WAV, 413, "too-large"),
        (b"x", {"content-type": "text/plain"}, 415, "media-type"),
        (b'{"url": "http://169.254.169.254/"}', {"content-type": "application/json"}, 400, "url"),
        (b'{"url": 7}', {"content-type": "application/json"}, 400, "url"),
        (b"[]", {"content-type": "application/json"}, 400, "json"),
    ],
)
def test_bad_input_is_refused(client, service, body, headers, status, code):
    ready(client, service)
    answer = client.post("/v1/analyze", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:orak:model-server:{code}"


def test_not_ready_before_it_is_warm_and_while_it_stops(service, application):
    client = TestClient(application)  # its startup has not run
    for path in ("/readyz", "/v2/health/ready"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
    assert client.get("/livez").status_code == 200
    assert client.post("/v1/analyze", content=wave(np.zeros(9)), headers=WAV).status_code == 503


def test_a_full_queue_answers_429(folder):
    service = make_service(folder, slots=1, queue=0)
    with TestClient(app.build(service, INTAKE)) as client:
        ready(client, service)
        service.admission.running = 1  # another request's
        answer = client.post("/v1/analyze", content=wave(np.zeros(9)), headers=WAV)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        service.admission.running = 0
        assert client.post("/v1/analyze", content=wave(np.zeros(9)), headers=WAV).status_code == 200


def test_what_it_is_doing_is_measured(client, service):
    ready(client, service)
    client.post("/v1/analyze", content=wave(np.zeros(16_000)), headers=WAV)
    text = client.get("/metrics").text
    assert 'orak_model_requests_total{outcome="ok"} 1.0' in text
    assert "orak_model_audio_seconds_total 1.0" in text
    assert client.get("/v1/capacity").json()["slots"] == 2


@pytest.mark.parametrize("binary", [True, False])
def test_the_open_inference_protocol(client, service, binary):
    ready(client, service)
    x = np.full((2, 320), 0.5, "<f4")
    one = {"name": "audio", "datatype": "FP32", "shape": [2, 320]}
    if binary:
        one["parameters"] = {"binary_data_size": x.nbytes}
    else:
        one["data"] = x.ravel().tolist()
    head = json.dumps({"id": "7", "inputs": [one], "parameters": {"binary_data_output": binary}}).encode()
    headers = {"inference-header-content-length": str(len(head))} if binary else {}
    answer = client.post("/v2/models/level/infer", content=head + (x.tobytes() if binary else b""), headers=headers)
    assert answer.status_code == 200, answer.text
    cut = int(answer.headers["inference-header-content-length"]) if binary else len(answer.content)
    described = json.loads(answer.content[:cut])
    assert described["id"] == "7"
    assert described["outputs"][0]["shape"] == [2, 2]
    value = np.frombuffer(answer.content[cut:], "<f4")[:4].tolist() if binary else described["outputs"][0]["data"]
    assert value == [500.0] * 4


def test_the_protocol_refuses_what_is_no_tensor(client, service):
    ready(client, service)
    for body, headers in (
        (b"{}", {}),
        (b"not json", {}),
        (b'{"inputs":[{"name":"audio","datatype":"INT8","shape":[1,1],"data":[1]}]}', {}),
        (b'{"inputs":[{"name":"audio","datatype":"FP32","shape":[1,9],"data":[1]}]}', {}),
        (b"{}", {"inference-header-content-length": "99"}),
    ):
        assert client.post("/v2/models/level/infer", content=body, headers=headers).status_code == 400
    assert client.get("/v2/models/other").status_code == 400
