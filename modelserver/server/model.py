"""One ONNX model in one session."""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from .manifest import Manifest


class OutOfMemory(Exception):
    """The device has no room for the batch. The session is still good."""


class Model:
    """Runs batches of windows; one call at a time, from any thread."""

    def __init__(self, manifest: Manifest, path: Path, threads: int, memory_limit: int) -> None:
        """``memory_limit`` bounds the arena of a GPU, in bytes; 0 leaves it to the device."""
        self.manifest = manifest
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = ort.InferenceSession(str(path), options, providers=_providers(memory_limit))
        self.device = self.session.get_providers()[0].removesuffix("ExecutionProvider").lower()
        have = {o.name for o in self.session.get_outputs()}
        if missing := [o.tensor for o in manifest.outputs if o.tensor not in have]:
            raise ValueError(f"the model has no output {missing[0]!r}; it has {sorted(have)}")
        if manifest.input not in {i.name for i in self.session.get_inputs()}:
            raise ValueError(f"the model has no input {manifest.input!r}")

    def run(self, audio: np.ndarray) -> list[np.ndarray]:
        """[batch, samples] to one array [batch, …] for each of the manifest's outputs."""
        try:
            return self.session.run([o.tensor for o in self.manifest.outputs], {self.manifest.input: audio})
        except MemoryError as e:
            raise OutOfMemory(str(e)) from e
        except Exception as e:  # onnxruntime has no class of its own for it
            if _is_out_of_memory(str(e)):
                raise OutOfMemory(str(e)) from e
            raise

    def warm_up(self, batch: int) -> None:
        """The first run of each shape allocates and tunes: it is not to be a caller's."""
        samples = self.manifest.window + 2 * self.manifest.context
        for n in (1, batch):
            self.run(np.zeros((n, samples), np.float32))


def _providers(memory_limit: int) -> list:
    """A GPU where this build and this machine have one, else the CPU."""
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        return ["CPUExecutionProvider"]
    options: dict[str, str | int] = {"arena_extend_strategy": "kSameAsRequested"}
    if memory_limit:
        options["gpu_mem_limit"] = memory_limit
    return [("CUDAExecutionProvider", options), "CPUExecutionProvider"]


def _is_out_of_memory(text: str) -> bool:
    text = text.lower()
    return any(s in text for s in ("out of memory", "failed to allocate memory", "bad_alloc", "cudaerrormemoryallocation"))
