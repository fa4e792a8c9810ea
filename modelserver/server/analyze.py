"""Analyzes a whole recording, window by window."""

import asyncio

import numpy as np

from .batching import Batcher
from .manifest import Manifest


async def analyze(audio: np.ndarray, manifest: Manifest, batcher: Batcher) -> dict:
    """Returns the sections of analysis.json that the model gives, and the pitch curve.

    ``audio`` is int16 mono at the manifest's rate. Windows overlap by their
    context, whose results are dropped, so that seams do not show.
    """
    windows = split(audio, manifest)
    results = await asyncio.gather(*(batcher.run(w) for w in windows))
    found: dict = {"engine": {"name": manifest.name, "version": manifest.version}}
    curve: dict = {"hop_s": manifest.hop_s}
    for i, output in enumerate(manifest.outputs):
        parts = [r[i] for r in results]
        if output.kind == "embedding":
            found["embedding"] = embedding(parts, manifest)
        else:
            curve[output.kind] = join(parts, len(audio), manifest)
    if "f0_hz" in curve:
        voicing = curve.setdefault("voicing", [1.0 if f > 0 else 0.0 for f in curve["f0_hz"]])
        curve["f0_hz"] = [f if v >= 0.5 else 0.0 for f, v in zip(curve["f0_hz"], voicing, strict=True)]
        found["pitch_curve"] = curve
    return found


def split(audio: np.ndarray, manifest: Manifest) -> list[np.ndarray]:
    """Returns windows of one length with context on both sides, padded with silence."""
    window, context = manifest.window, manifest.context
    count = max(-(-len(audio) // window), 1)
    padded = np.zeros(count * window + 2 * context, np.float32)
    padded[context : context + len(audio)] = audio.astype(np.float32) / 32768
    return [padded[i * window : (i + 1) * window + 2 * context] for i in range(count)]


def join(parts: list[np.ndarray], samples: int, manifest: Manifest) -> list[float]:
    """Returns the series of the whole: an entry for every hop that begins within the audio."""
    skip, keep = manifest.context // manifest.hop, manifest.window // manifest.hop
    series = np.concatenate([p[skip : skip + keep] for p in parts])
    wanted = -(-samples // manifest.hop)
    return [round(float(x), 4) for x in _finite(series[:wanted])]


def embedding(parts: list[np.ndarray], manifest: Manifest) -> dict:
    """Returns the mean of the windows' vectors, scaled to unit length."""
    assert manifest.embedding is not None  # load checks it
    mean = np.mean([p.ravel() for p in parts], axis=0)
    length = float(np.linalg.norm(mean))
    values = _finite(mean / length if length > 0 else mean)
    return {"name": manifest.embedding.name, "version": manifest.embedding.version, "values": [round(float(x), 6) for x in values]}


class NotFinite(Exception):
    """The model returned a value that is no number, for this recording."""


def _finite(x: np.ndarray) -> np.ndarray:
    if not np.isfinite(x).all():
        raise NotFinite("the model gave something that is no number")
    return x
