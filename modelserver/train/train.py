"""Trains the pitch network on synthesized singing, and writes weights.npz and the record of the training.

python -m train.train --clips 6000 --steps 6000 --seed 7 --out models/pitch
"""

import argparse
import json
import multiprocessing
import platform
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import net, synth


def make(seed: int, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Clip number ``index`` of a seed, always the same."""
    c = synth.clip(np.random.default_rng([seed, index]))
    return (c.audio * 32767).astype(np.int16), c.f0


def dataset(seed: int, count: int, workers: int) -> tuple[np.ndarray, np.ndarray]:
    """``count`` clips as int16 audio and their truth."""
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        made = []
        for i, one in enumerate(pool.imap(partial(make, seed), range(count), 32), 1):
            made.append(one)
            if i % 500 == 0:
                print(f"synthesized {i} of {count} clips", flush=True)
    return np.stack([a for a, _ in made]), np.stack([f for _, f in made])


def loss(w: dict, audio: jax.Array, f0: jax.Array) -> jax.Array:
    """Cross-entropy of blurred pitches on voiced frames, and of voicing on all."""
    pitch, voicing = net.forward(w, net.features(audio))
    voiced = (f0 > 0).astype(jnp.float32)
    at = 1200 * jnp.log2(jnp.maximum(f0, 1.0) / net.LOW_HZ) / net.CENTS
    target = jnp.exp(-0.5 * ((jnp.arange(net.PITCHES) - at[..., None]) / 1.2) ** 2)
    target = target / jnp.maximum(target.sum(-1, keepdims=True), 1e-9)
    of_pitch = -(target * jax.nn.log_softmax(pitch)).sum(-1) * voiced
    of_voicing = optax.sigmoid_binary_cross_entropy(voicing, voiced)
    return of_pitch.sum() / jnp.maximum(voiced.sum(), 1) + 2 * of_voicing.mean()


def normalize(w: dict, audio: np.ndarray) -> dict:
    """Zero mean and unit deviation of every feature over some clips."""
    x = np.asarray(net.features(jnp.asarray(audio, jnp.float32) / 32768)).reshape(-1, net.INPUTS)
    return w | {"mean": jnp.asarray(x.mean(0)), "scale": jnp.asarray(1 / (x.std(0) + 1e-3))}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clips", type=int, default=6000, help="clips of 2 s to train on")
    p.add_argument("--steps", type=int, default=6000)
    p.add_argument("--batch", type=int, default=24, help="clips a step")
    p.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--workers", type=int, default=2, help="processes that synthesize")
    p.add_argument("--out", type=Path, default=Path("models/pitch"))
    args = p.parse_args()

    began = time.time()
    audio, f0 = dataset(args.seed, args.clips, args.workers)
    synthesized = time.time() - began
    w = normalize(net.init(args.seed), audio[:200])
    frozen = {k: w.pop(k) for k in ("mean", "scale")}
    schedule = optax.warmup_cosine_decay_schedule(0, args.rate, args.steps // 20, args.steps)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-3))
    state = optimizer.init(w)

    @jax.jit
    def step(w, state, x, y):
        value, grad = jax.value_and_grad(lambda w: loss(w | frozen, x, y))(w)
        update, state = optimizer.update(grad, state, w)
        return optax.apply_updates(w, update), state, value

    rng = np.random.default_rng(args.seed)
    curve, mean = [], 0.0
    for i in range(1, args.steps + 1):
        pick = rng.integers(0, len(audio), args.batch)
        w, state, value = step(w, state, jnp.asarray(audio[pick], jnp.float32) / 32768, jnp.asarray(f0[pick]))
        mean += float(value)
        if i % 100 == 0:
            curve.append({"step": i, "loss": round(mean / 100, 4)})
            print(f"step {i} of {args.steps}: loss {mean / 100:.4f}, {(time.time() - began) / 60:.1f} min", flush=True)
            mean = 0.0
            if i % 1000 == 0:
                np.savez(args.out / "weights.npz", **{k: np.asarray(v) for k, v in (w | frozen).items()})

    args.out.mkdir(parents=True, exist_ok=True)
    np.savez(args.out / "weights.npz", **{k: np.asarray(v) for k, v in (w | frozen).items()})
    record = {
        "seed": args.seed,
        "clips": args.clips,
        "seconds_per_clip": synth.SECONDS,
        "steps": args.steps,
        "batch": args.batch,
        "peak_learning_rate": args.rate,
        "parameters": int(sum(v.size for v in w.values())),
        "synthesis_s": round(synthesized),
        "training_s": round(time.time() - began - synthesized),
        "machine": f"{platform.machine()}, {jax.devices()[0].platform}",
        "jax": jax.__version__,
        "numpy": np.__version__,
        "loss": curve,
    }
    (args.out / "training.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
