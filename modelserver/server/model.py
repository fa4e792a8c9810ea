"""One ONNX model in one session."""

import logging
from pathlib import Path

import numpy as np
import onnxruntime as ort

from .manifest import Manifest

log = logging.getLogger(__name__)

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
DEVICES = ("auto", "cuda", "cpu")


class OutOfMemory(Exception):
    """The device has no memory for the batch. The session still works."""


class Broken(Exception):
    """The model does not even run silence any more: the process must be restarted."""


class Model:
    """Runs batches of windows; one call at a time, from any thread."""

    def __init__(self, manifest: Manifest, path: Path, threads: int, memory_limit: int, device: str = "auto") -> None:
        """Loads a model. ``memory_limit`` bounds the arena of tensors, in bytes; 0 means the device's limit.

        ``device`` is one of DEVICES; "auto" is a GPU if there is one. Raises ValueError if the model differs from the
        manifest, or if a requested GPU is missing.
        """
        self.manifest = manifest
        self.session = _session(path, threads, memory_limit, device)
        self.device = self.session.get_providers()[0].removesuffix("ExecutionProvider").lower()
        have = {o.name for o in self.session.get_outputs()}
        if missing := [o.tensor for o in manifest.outputs if o.tensor not in have]:
            raise ValueError(f"the model has no output {missing[0]!r}; it has {sorted(have)}")
        if manifest.input not in {i.name for i in self.session.get_inputs()}:
            raise ValueError(f"the model has no input {manifest.input!r}")

    def run(self, audio: np.ndarray) -> list[np.ndarray]:
        """Runs [batch, samples]; returns one array [batch, …] for each of the manifest's outputs.

        Raises OutOfMemory; Broken if the device is lost, which a run of silence tells
        from a failure of this audio; and onnxruntime's errors.
        """
        try:
            return self._run(audio)
        except OutOfMemory:
            raise
        except Exception:
            self._prove()
            raise

    def warm_up(self, batch: int) -> None:
        """Runs each shape once, since the first run allocates and tunes.

        Raises OutOfMemory if not even one window fits.
        """
        self._run(self._silence(1))
        try:
            self._run(self._silence(batch))
        except OutOfMemory as e:
            log.warning("there is no room for %d windows at once: %s", batch, e)

    def _run(self, audio: np.ndarray) -> list[np.ndarray]:
        try:
            return self.session.run([o.tensor for o in self.manifest.outputs], {self.manifest.input: audio})
        except MemoryError as e:
            raise OutOfMemory(str(e)) from e
        except Exception as e:  # onnxruntime has no class for it
            if _is_out_of_memory(str(e)):
                raise OutOfMemory(str(e)) from e
            raise

    def _prove(self) -> None:
        """Reports whether the device is lost: after some CUDA errors every later run fails, too."""
        try:
            self._run(self._silence(1))
        except OutOfMemory:
            return
        except Exception as e:
            raise Broken(str(e)) from e

    def _silence(self, batch: int) -> np.ndarray:
        return np.zeros((batch, self.manifest.window + 2 * self.manifest.context), np.float32)


def _session(path: Path, threads: int, memory_limit: int, device: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if device == "cuda" and CUDA not in ort.get_available_providers():
        raise ValueError("--device cuda: this onnxruntime is built only for CPUs; install requirements-gpu.txt")
    if device != "cpu" and CUDA in ort.get_available_providers():
        # CUDA's libraries are Python packages, which the loader does not search.
        ort.preload_dlls()
        arena: dict[str, str | int] = {"arena_extend_strategy": "kSameAsRequested"}
        if memory_limit:
            arena["gpu_mem_limit"] = memory_limit
        session = ort.InferenceSession(str(path), options, providers=[(CUDA, arena), CPU])
        if session.get_providers()[0] == CUDA:
            return session
        # onnxruntime silently continues without it.
        if device == "cuda":
            raise ValueError("--device cuda: onnxruntime cannot use the GPU. Check its driver (nvidia-smi), and install requirements-gpu.txt.")
        log.warning("onnxruntime's GPU build cannot use a GPU here: the model runs on the CPU. Is the driver here (nvidia-smi)?")
    if memory_limit:
        _bound_cpu(options, memory_limit)
    return ort.InferenceSession(str(path), options, providers=[CPU])


def _bound_cpu(options: ort.SessionOptions, limit: int) -> None:
    """Bounds this process's CPU arena: allocations beyond it fail here, before the kernel kills the process."""
    arena = ort.OrtArenaCfg({"max_mem": limit, "arena_extend_strategy": 1})
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(memory, arena)
    options.add_session_config_entry("session.use_env_allocators", "1")


def _is_out_of_memory(text: str) -> bool:
    """Reports whether an error of onnxruntime's arena, CUDA, cuBLAS or cuDNN means out of memory."""
    text = text.lower()
    said = ("smaller than requested bytes", "failed to allocate memory", "out of memory", "bad_alloc", "memoryallocation", "alloc_failed", "allocation_failed")
    return any(s in text for s in said)
