"""The contract's document (docs/model-server.openapi.yaml) and this server agree."""

from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from server import app
from server.analyze import NotFinite
from server.model import OutOfMemory
from server.problems import Problem

from .conftest import INTAKE, make_service, wave

DOCUMENT = yaml.safe_load((Path(__file__).parent.parent.parent / "docs/model-server.openapi.yaml").read_text())
WAV = {"content-type": "audio/wav"}


def resolve(node: dict) -> dict:
    while "$ref" in node:
        target: dict = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def hold(answer: httpx.Response, method: str, path: str) -> None:
    """Checks an answer against the document."""
    described = DOCUMENT["paths"][path][method]["responses"]
    assert str(answer.status_code) in described, f"{method} {path} answered {answer.status_code}"
    response = resolve(described[str(answer.status_code)])
    assert answer.headers["content-type"] in response["content"]
    for name, header in response.get("headers", {}).items():
        assert int(answer.headers[name]) >= header["schema"]["minimum"]
    schema = {"$ref": "#/schema", "schema": response["content"][answer.headers["content-type"]]["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(answer.json())


@pytest.fixture
def service(folder):
    return make_service(folder, slots=1, queue=0)


@pytest.fixture
def client(service):
    with TestClient(app.build(service, INTAKE)) as c:
        while c.get("/readyz").status_code != 200:
            pass
        yield c


def test_the_document_has_the_paths_of_the_server(client):
    own = {(r.path, m.lower()) for r in client.app.routes for m in r.methods if m != "HEAD" and hasattr(r, "response_model")}
    # The other paths belong to another protocol, or to the operator.
    own = {(path, m) for path, m in own if not path.startswith("/v2") and path != "/metrics"}
    assert own == {(path, m) for path, item in DOCUMENT["paths"].items() for m in item}


def test_what_is_asked_for_is_answered_as_described(client, service):
    for path in ("/livez", "/readyz", "/v1/capacity"):
        hold(client.get(path), "get", path)
    service.stopping = True
    answer = client.get("/readyz")
    assert answer.status_code == 503
    hold(answer, "get", "/readyz")


def fail(service, error):
    async def run(_):
        raise error

    service.batcher.run = run


def full(service):
    service.admission.running = 1  # another request's


def stopping(service):
    service.stopping = True


def chunks():
    yield wave(np.zeros(100))


PROVOKED = [
    (200, wave(np.ones(2000)), WAV, None),
    (200, wave(np.zeros(0)), WAV, None),
    (400, b"[]", {"content-type": "application/json"}, None),
    (408, wave(np.zeros(100)), WAV, lambda s: fail(s, Problem(408, "slow", "on purpose"))),
    (411, chunks(), WAV, None),
    (413, b"x" * (1 << 20 | 1), WAV, None),
    (415, b"no wav", WAV, None),
    (422, wave(np.zeros(100)), WAV, lambda s: fail(s, NotFinite())),
    (429, wave(np.zeros(100)), WAV, full),
    (500, wave(np.zeros(100)), WAV, lambda s: fail(s, RuntimeError("on purpose"))),
    (503, wave(np.zeros(100)), WAV, lambda s: fail(s, OutOfMemory())),
    (503, wave(np.zeros(100)), WAV, stopping),
]


def test_every_status_of_the_document_is_provoked():
    assert {str(status) for status, *_ in PROVOKED} == set(DOCUMENT["paths"]["/v1/analyze"]["post"]["responses"])


@pytest.mark.parametrize(("status", "body", "headers", "before"), PROVOKED)
def test_an_analysis_is_answered_as_described(client, service, status, body, headers, before):
    if before:
        before(service)
    answer = client.post("/v1/analyze", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    hold(answer, "post", "/v1/analyze")


def test_the_document_would_find_another_answer(client):
    spoiled = client.get("/v1/capacity").json() | {"slots": 0}
    with pytest.raises(Exception, match="less than the minimum"):
        hold(httpx.Response(200, json=spoiled), "get", "/v1/capacity")
