"""The HTTP side: orak's own contract (docs/model-server.md) and the Open Inference Protocol."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import numpy as np
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from . import oip, wav
from .analyze import analyze
from .problems import Problem, answer
from .service import Service, cut_short

log = logging.getLogger(__name__)

# The header of a WAV; what comes after it is audio at 2 bytes a sample.
WAV_HEADER = 44


def build(service: Service, max_body: int, url_prefixes: tuple[str, ...] = ()) -> FastAPI:
    """The application. ``max_body`` is in bytes; only URLs that begin with one of ``url_prefixes`` are fetched."""

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
        if not service.ready or service.stopping:
            raise Problem(503, "not-ready", "The model is not ready; come back later.", 2)
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
            # Its place is taken before its body is read: a queue of bodies would be what it is to prevent.
            length = content_length(request, max_body)
            async with service.admitted(max(length - WAV_HEADER, 0) // 2):
                return await _analyzed(service, await read(request, length), request)
        if kind == "application/json":
            url = await _url(request, url_prefixes)
            async with httpx.AsyncClient(follow_redirects=False, timeout=30) as client, client.stream("GET", url) as found:
                length = _fetchable(found, max_body)
                async with service.admitted(max(length - WAV_HEADER, 0) // 2):
                    return await _analyzed(service, await found.aread(), request)
        raise Problem(415, "media-type", "Want audio/wav, or application/json with a url.")

    oip.routes(app, service, max_body)
    return app


async def _warm_up(service: Service) -> None:
    """A model that cannot be warmed up will serve nobody: the process ends, for whoever restarts it to see."""
    try:
        await service.batcher.warm_up()
        service.ready = True
    except Exception:
        log.exception("the model does not run")
        signal.raise_signal(signal.SIGTERM)


def content_length(request: Request, limit: int) -> int:
    """The length that was announced, within the limit."""
    text = request.headers.get("content-length", "")
    if not text.isdecimal():
        raise Problem(411, "length", "Want a Content-Length.")
    if int(text) > limit:
        raise Problem(413, "too-large", f"At most {limit} bytes are taken at once; send the recording in windows.")
    return int(text)


async def read(request: Request, length: int) -> bytes:
    """The body; one that is cut off is nobody's recording."""
    body = await request.body()
    if len(body) != length:
        raise Problem(400, "cut-off", "The body is not as long as was said.")
    return body


async def _analyzed(service: Service, body: bytes, request: Request) -> dict:
    try:
        audio: np.ndarray = wav.parse(body, service.manifest.sample_rate_hz)
    except wav.NotTaken as e:
        raise Problem(415, "not-a-wav", f"{e}.") from e

    async def gone() -> None:
        while not await request.is_disconnected():  # noqa: ASYNC110, Starlette has no event for it
            await asyncio.sleep(1)

    return await cut_short(analyze(audio, service.manifest, service.batcher), gone())


async def _url(request: Request, prefixes: tuple[str, ...]) -> str:
    """Where to fetch the recording. Only what was allowed: a URL is a way into the network of this machine."""
    content_length(request, 16 << 10)
    try:
        url = (await request.json())["url"]
    except (ValueError, KeyError, TypeError) as e:
        raise Problem(400, "json", 'Want {"url": "…"}.') from e
    if not isinstance(url, str) or not url.startswith(prefixes):
        raise Problem(400, "url", "This URL is not one that the server may fetch (--allow-url).")
    return url


def _fetchable(found: httpx.Response, limit: int) -> int:
    length = found.headers.get("content-length", "")
    if found.status_code != 200:
        raise Problem(400, "url", f"The URL answered {found.status_code}.")
    if not length.isdecimal() or int(length) > limit:
        raise Problem(413, "too-large", f"At most {limit} bytes are taken at once; send the recording in windows.")
    return int(length)
