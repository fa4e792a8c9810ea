"""Errors by RFC 9457; their status says whose fault they are."""

from fastapi import Request
from fastapi.responses import JSONResponse


class Problem(Exception):
    """An error answer. ``code`` is stable; ``detail`` is safe to show and says what to do."""

    def __init__(self, status: int, code: str, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.retry_after = status, code, detail, retry_after


TITLES = {
    400: "Bad request",
    408: "Too slow",
    411: "Length required",
    413: "Too large",
    415: "Not taken",
    422: "Not analyzable",
    429: "Busy",
    500: "Failed",
    503: "Not ready",
}


async def answer(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
    body = {"type": f"urn:orak:model-server:{problem.code}", "title": TITLES[problem.status], "status": problem.status, "detail": problem.detail}
    return JSONResponse(body, problem.status, headers, media_type="application/problem+json")
