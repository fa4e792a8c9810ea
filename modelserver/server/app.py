"""The HTTP side: orak's own contract (docs/model-server.md) and the Open Inference Protocol."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from . import oip, wav
from .analyze import analyze
from .body import Intake
from .problems import Problem, answer
from .service import Service, cut_short

log = logging.getLogger(__name__)

# How long an idle connection is kept: longer than a worker keeps it (60 s), since a request that is sent while the server
# closes it is lost.
KEEP_ALIVE_S = 75


def build(service: Service, intake: Intake) -> FastAPI:
    """Returns the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.batcher.start()
        warming = asyncio.create_task(_warm_up(service))
        yield
        warming.cancel()
        await service.batcher.stop()

    app = FastAPI(title="orak model server", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_exception_handler(Problem, answer)

    @app.get("/livez")
    async def live() -> dict:
        return {"status": "ok"}

    @app.get("/readyz")
    async def ready() -> dict:
        service.check_ready()
        return {"status": "ok"}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(service.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/v1/capacity")
    async def capacity() -> dict:
        return service.capacity()

    @app.post("/v1/analyze")
    async def post_analyze(request: Request) -> dict:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("audio/wav", "audio/x-wav"):
            # Takes a place before it reads the body: a queue of bodies would use the memory that it must bound.
            length = intake.announced(request)
            async with service.admitted(wav.samples(length)):
                return await _analyzed(service, await intake.read(request, length), request)
        if kind == "application/json":
            async with intake.fetch(await intake.url(request)) as found, service.admitted(wav.samples(int(found.headers["content-length"]))):
                return await _analyzed(service, await intake.drain(found), request)
        raise Problem(415, "media-type", "Want audio/wav, or application/json with a url.")

    oip.routes(app, service, intake)
    return app


async def _warm_up(service: Service) -> None:
    """Warms the model up. If that fails, the process ends, so that its supervisor sees it."""
    try:
        await service.batcher.warm_up()
        service.ready = True
    except Exception:
        log.exception("the model does not run")
        service.fail()


async def _analyzed(service: Service, body: bytes, request: Request) -> dict:
    try:
        audio: np.ndarray = wav.parse(body, service.manifest.sample_rate_hz)
    except wav.NotTaken as e:
        raise Problem(415, "not-a-wav", f"{e}.") from e

    async def gone() -> None:
        while not await request.is_disconnected():  # noqa: ASYNC110, Starlette has no event for it
            await asyncio.sleep(1)

    return await cut_short(analyze(audio, service.manifest, service.batcher), gone())
