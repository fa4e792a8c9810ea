"""The pitch network: its features and its outputs.

    audio ─► frames of 1024, Hann ─► power spectrum to 4 kHz ─► log, by frame level
                                   └► compressed, cosine transform ─► autocorrelation by log lag
          ─► dense 192 ─► 4 residual blocks over time (5 frames) ─► 300 bins of 20 cents, and voicing

The autocorrelation of a compressed spectrum is from Tolonen and Karjalainen (2000);
the bins and their decoding are from CREPE (Kim et al. 2018). Weights are JAX
arrays; export.py writes the same graph in ONNX.
"""

import jax
import jax.numpy as jnp
import numpy as np

RATE, HOP, FRAME = 16_000, 160, 1024
BINS = 257  # 0 to 4 kHz
LAGS = 240
PITCHES = 300
LOW_HZ, CENTS = 50.0, 20.0
WIDTH, BLOCKS, KERNEL = 192, 4, 5

HANN = np.hanning(FRAME + 1)[:-1].astype(np.float32)
# Lags from 9.6 samples (1667 Hz) to 335 (47.8 Hz).
LAG = np.geomspace(9.6, 335, LAGS).astype(np.float32)
COSINE = np.cos(2 * np.pi * np.outer(np.arange(BINS), LAG) / FRAME).astype(np.float32)


def features(audio: jax.Array) -> jax.Array:
    """[batch, samples] to [batch, frames, BINS + LAGS]; frame i is centered at i × HOP."""
    x = jnp.pad(audio, ((0, 0), (FRAME // 2, FRAME // 2)))
    frames = audio.shape[1] // HOP
    index = np.arange(frames)[:, None] * HOP + np.arange(FRAME)[None, :]
    spectrum = jnp.fft.rfft(x[:, index] * HANN, axis=-1)[..., :BINS]
    power = jnp.abs(spectrum) ** 2
    level = jnp.mean(power, axis=-1, keepdims=True) + 1e-5
    relative = power / level
    log = jnp.log(relative + 1e-4) * 0.3
    acf = (relative**0.33) @ COSINE / BINS
    return jnp.concatenate([log, acf * 2, jnp.log(level) * 0.1], axis=-1)


INPUTS = BINS + LAGS + 1


def init(seed: int) -> dict[str, jax.Array]:
    """Fresh weights (He et al. 2015)."""
    rng = np.random.default_rng(seed)

    def dense(fan_in: int, *shape: int) -> jax.Array:
        return jnp.asarray(rng.standard_normal(shape).astype(np.float32) * np.sqrt(2 / fan_in))

    w = {
        "mean": jnp.zeros(INPUTS),
        "scale": jnp.ones(INPUTS),
        "in_w": dense(INPUTS, INPUTS, WIDTH),
        "in_b": jnp.zeros(WIDTH),
    }
    for i in range(BLOCKS):
        w[f"depth{i}_w"] = dense(KERNEL, KERNEL, WIDTH)
        w[f"depth{i}_b"] = jnp.zeros(WIDTH)
        w[f"point{i}_w"] = dense(WIDTH, WIDTH, WIDTH) * 0.3
        w[f"point{i}_b"] = jnp.zeros(WIDTH)
    w["out_w"] = dense(WIDTH, WIDTH, PITCHES + 1) * 0.3
    w["out_b"] = jnp.zeros(PITCHES + 1)
    return w


def forward(w: dict[str, jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Features to the logits of the pitches and of voicing."""
    h = jax.nn.relu(((x - w["mean"]) * w["scale"]) @ w["in_w"] + w["in_b"])
    for i in range(BLOCKS):
        padded = jnp.pad(h, ((0, 0), (KERNEL // 2, KERNEL // 2), (0, 0)))
        mixed = sum(padded[:, k : k + h.shape[1]] * w[f"depth{i}_w"][k] for k in range(KERNEL)) + w[f"depth{i}_b"]
        h = h + jax.nn.relu(mixed) @ w[f"point{i}_w"] + w[f"point{i}_b"]
    out = jax.nn.relu(h) @ w["out_w"] + w["out_b"]
    return out[..., :PITCHES], out[..., PITCHES]


def cents(hz: np.ndarray) -> np.ndarray:
    """Position among the bins; the unit is one bin."""
    return 1200 * np.log2(np.maximum(hz, 1e-9) / LOW_HZ) / CENTS
