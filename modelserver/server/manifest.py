"""Describes a model's input and outputs: the file manifest.json beside it."""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

# The kinds of outputs: a series with an entry for every hop, or one vector for the whole recording.
Series = Literal["f0_hz", "voicing"]


class Strict(BaseModel):
    """Refuses unknown fields: a misspelled limit must not be silently absent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Output(Strict):
    """One output tensor of the ONNX model."""

    tensor: str
    kind: Literal["f0_hz", "voicing", "embedding"]


class Embedding(Strict):
    """The name and version of vectors that may be compared with each other."""

    name: str
    version: str


class Manifest(Strict):
    """One model. All times are in seconds, all sizes in bytes."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    model: str = Field(description="file name of the ONNX model, in the manifest's folder")
    input: str = Field("audio", description="tensor [batch, samples], float32, -1 to 1")
    outputs: tuple[Output, ...] = Field(min_length=1)
    embedding: Embedding | None = None
    sample_rate_hz: Literal[16000] = 16000
    hop_s: float = Field(0.01, gt=0, le=1, description="distance of two entries of a series")
    window_s: float = Field(10, gt=0, le=600, description="audio that the model is given at once")
    context_s: float = Field(0.5, ge=0, le=60, description="audio on both sides of a window whose results are dropped")
    memory_bytes: int = Field(ge=0, description="memory of the loaded model by itself")
    memory_bytes_per_second: int = Field(gt=0, description="memory that a second of audio takes while it is analyzed")

    @property
    def window(self) -> int:
        """Samples of a window without its context."""
        return round(self.window_s * self.sample_rate_hz)

    @property
    def context(self) -> int:
        """Samples of context on each side; whole hops."""
        return round(self.context_s / self.hop_s) * self.hop

    @property
    def hop(self) -> int:
        """Samples between two entries of a series."""
        return round(self.hop_s * self.sample_rate_hz)


def load(path: Path) -> tuple[Manifest, Path]:
    """Reads a manifest and returns it with the path of its model. Refuses a model outside of the manifest's folder."""
    manifest = Manifest.model_validate(json.loads(path.read_text()))
    if manifest.window % manifest.hop:
        raise ValueError("window_s: want a whole number of hops")
    if (Path(manifest.model).name != manifest.model) or manifest.model in ("", ".", ".."):
        raise ValueError("model: want a file name in the manifest's folder")
    if any(o.kind == "embedding" for o in manifest.outputs) and manifest.embedding is None:
        raise ValueError("embedding: a model that gives a vector needs its name and version")
    return manifest, path.parent / manifest.model
