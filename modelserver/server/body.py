"""Reads bodies and URLs, with bounds on length and time."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

import httpx
from fastapi import Request
from starlette.requests import ClientDisconnect

from .problems import Problem


class Intake:
    """Reads bodies and URLs.

    ``limit`` is in bytes. ``seconds`` is how long a body may take to arrive:
    it holds a slot meanwhile, which a slow caller must not block. Only URLs that
    begin with one of ``prefixes`` are fetched; each prefix has a host and a path,
    so that no other host begins with it.
    """

    def __init__(self, limit: int, seconds: float, prefixes: tuple[str, ...] = ()) -> None:
        for prefix in prefixes:
            parts = urlsplit(prefix)
            if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.startswith("/"):
                raise ValueError(f"--allow-url {prefix}: want the beginning of a URL with a host and a / after it, such as https://store.example/recordings/")
        self.limit, self.seconds, self.prefixes = limit, seconds, prefixes

    def announced(self, request: Request) -> int:
        """Returns the declared length, within the limit."""
        text = request.headers.get("content-length", "")
        if not text.isdecimal():
            raise Problem(411, "length", "Want a Content-Length.")
        if int(text) > self.limit:
            raise self.too_large()
        return int(text)

    async def read(self, request: Request, length: int) -> bytes:
        """Returns the body, or raises a Problem if it is cut off or late."""
        try:
            async with asyncio.timeout(self.seconds):
                body = await request.body()
        except TimeoutError as e:
            raise Problem(408, "slow", f"The body did not arrive within {self.seconds:g} s.") from e
        except ClientDisconnect as e:
            raise Problem(400, "gone", "The caller disconnected.") from e
        if len(body) != length:
            raise Problem(400, "cut-off", "The body is shorter than its Content-Length.")
        return body

    async def url(self, request: Request) -> str:
        """Returns the URL of a recording, if it is allowed: a URL gives access to this machine's network."""
        length = self.announced(request)
        if length > 16 << 10:
            raise self.too_large()
        try:
            url = json.loads(await self.read(request, length))["url"]
        except (ValueError, KeyError, TypeError, RecursionError) as e:
            raise Problem(400, "json", 'Want {"url": "…"}.') from e
        if not isinstance(url, str) or not url.startswith(self.prefixes) or _climbs(url):
            raise Problem(400, "url", "This URL is not one that the server may fetch (--allow-url).")
        return url

    @asynccontextmanager
    async def fetch(self, url: str) -> AsyncIterator[httpx.Response]:
        """Returns the answer of a URL, of which only the header has been read, with a length within the limit."""
        # No redirects, and no body that unpacks to a larger one.
        headers = {"Accept-Encoding": "identity"}
        async with httpx.AsyncClient(follow_redirects=False, timeout=self.seconds, trust_env=False) as client:
            try:
                answer = await client.send(client.build_request("GET", url, headers=headers), stream=True)
            except (httpx.HTTPError, httpx.InvalidURL) as e:
                raise Problem(400, "url", "The URL cannot be fetched.") from e
            try:
                length = answer.headers.get("content-length", "")
                if answer.status_code != 200 or "content-encoding" in answer.headers or not length.isdecimal():
                    raise Problem(400, "url", f"The URL answered {answer.status_code}; want 200, a Content-Length, and no encoding.")
                if int(length) > self.limit:
                    raise self.too_large()
                yield answer
            finally:
                await answer.aclose()

    async def drain(self, answer: httpx.Response) -> bytes:
        """Returns the body of an answer of fetch."""
        try:
            async with asyncio.timeout(self.seconds):
                return await answer.aread()
        except (TimeoutError, httpx.HTTPError) as e:
            raise Problem(400, "url", "The URL cannot be fetched.") from e

    def too_large(self) -> Problem:
        return Problem(413, "too-large", f"At most {self.limit} bytes are accepted at once; send the recording in windows.")


def _climbs(url: str) -> bool:
    """Reports whether a server could resolve the path to one outside of its prefix."""
    path = unquote(unquote(urlsplit(url).path)).replace("\\", "/")
    return any(part in (".", "..") for part in path.split("/"))
