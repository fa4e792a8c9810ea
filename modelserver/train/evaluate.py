"""Compares the network's pitch with the built-in engine's and with librosa's pYIN, on singing that the training never saw.

    python -m train.evaluate --builtin "../bin/bench-analyze -curves" --out evaluation.json

The test's voices are made in another way than the training's (see synth.py).
Measures, as in Poliner et al. 2007: raw pitch accuracy within 50 cents (of the
sung frames, whatever the voicing decision), voicing recall and voicing false
alarm. A frame at the edge of a note (20 ms) is not judged.
"""

import argparse
import json
import shlex
import subprocess
import tempfile
import time
from pathlib import Path

import librosa
import numpy as np
import onnxruntime as ort
import soundfile

from . import synth


def model(path: Path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(clips: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        found = []
        for audio in clips:
            f0, voicing = session.run(["f0_hz", "voicing"], {"audio": audio[None]})
            found.append((f0[0], voicing[0] >= 0.5))
        return found

    return run


def pyin(clips: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    found = []
    for audio in clips:
        f0, voiced, _ = librosa.pyin(audio, fmin=60, fmax=1100, sr=synth.RATE, frame_length=1024, hop_length=synth.HOP, fill_na=None)
        found.append((f0, voiced))
    return found


def builtin(command: str):
    """Runs the command on a folder of WAVs; it prints a line of JSON for each, in the order of their names."""

    def run(clips: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        with tempfile.TemporaryDirectory() as folder:
            for i, audio in enumerate(clips):
                soundfile.write(f"{folder}/{i:04d}.wav", audio, synth.RATE, "PCM_16")
            out = subprocess.run([*shlex.split(command), folder], check=True, capture_output=True, text=True).stdout
        lines = [json.loads(line) for line in out.splitlines()]
        return [(np.array(x["f0_hz"]), np.array(x["f0_hz"]) > 0) for x in lines]

    return run


def score(clips: list[synth.Clip], found: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    sung = right = heard = silent = false = 0
    for clip, (f0, voiced) in zip(clips, found, strict=True):
        n = min(len(clip.f0), len(f0))
        true, f0, voiced = clip.f0[:n], f0[:n], voiced[:n]
        is_sung = true > 0
        edge = np.convolve(np.abs(np.diff(is_sung.astype(int), prepend=is_sung[0])), np.ones(5), "same") > 0
        on, off = is_sung & ~edge, ~is_sung & ~edge
        cents = 1200 * np.abs(np.log2(np.maximum(f0[on], 1) / true[on]))
        sung, right, heard = sung + on.sum(), right + (cents < 50).sum(), heard + voiced[on].sum()
        silent, false = silent + off.sum(), false + voiced[off].sum()
    return {"raw_pitch_accuracy": right / sung, "voicing_recall": heard / sung, "voicing_false_alarm": false / silent}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clips", type=int, default=60, help="clips of 2 s for each condition")
    p.add_argument("--seed", type=int, default=20_001)
    p.add_argument("--model", type=Path, default=Path("models/pitch/model.onnx"))
    p.add_argument("--builtin", help="command of the built-in engine; without it only the others are compared")
    p.add_argument("--out", type=Path, help="where to write the figures as JSON")
    args = p.parse_args()
    engines = {"orak-pitch": model(args.model), "pYIN": pyin}
    if args.builtin:
        engines = {"built-in": builtin(args.builtin)} | engines
    table: dict = {}
    print(f"{'':10} {'':>12}  accuracy  recall  false alarm  x real time")
    for condition in synth.CONDITIONS:
        clips = [synth.test_clip(np.random.default_rng([args.seed, i]), condition) for i in range(args.clips)]
        for name, run in engines.items():
            began = time.perf_counter()
            found = run([c.audio for c in clips])
            speed = args.clips * synth.SECONDS / (time.perf_counter() - began)
            s = score(clips, found)
            table.setdefault(condition, {})[name] = {k: round(float(v), 4) for k, v in s.items()}
            rates = f"{s['raw_pitch_accuracy']:8.1%}  {s['voicing_recall']:6.1%}  {s['voicing_false_alarm']:11.1%}"
            print(f"{condition:10} {name:>12}  {rates}  {speed:8.0f}", flush=True)
    if args.out:
        args.out.write_text(json.dumps({"seed": args.seed, "clips": args.clips, "conditions": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
