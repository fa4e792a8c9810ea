"""Singing with known truth.

A clip is 2 s of 16 kHz audio: phrases of sung notes, with vibrato, glides and
jitter, between consonants and pauses, then the effects of a phone and a room.
The fundamental of every frame of 10 ms is known, since the clip is made from it
(0 for silence). Nothing here is a recording.

Two ways of making a voice keep the test apart from the training: the training
adds up harmonics below an envelope of formants; the test (``source_filter``)
sends glottal pulses (Rosenberg 1971) through resonators (Klatt 1980), with
other vowels, other noise and other rooms.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

RATE = 16_000
HOP = 160
SECONDS = 2.0

# Formants in Hz of vowels (Peterson and Barney 1952, men; scaled for others).
VOWELS = np.array(
    [
        [270, 2290, 3010, 3500],
        [390, 1990, 2550, 3500],
        [530, 1840, 2480, 3500],
        [660, 1720, 2410, 3500],
        [730, 1090, 2440, 3500],
        [570, 840, 2410, 3500],
        [440, 1020, 2240, 3500],
        [300, 870, 2240, 3500],
    ],
    float,
)
# Vowels only of the test (Italian, sung; rounded from Sundberg 1987).
TEST_VOWELS = np.array([[600, 1200, 2600, 2900], [400, 1700, 2400, 2900], [300, 2000, 2700, 3000], [450, 800, 2500, 2900], [350, 700, 2500, 2900]], float)


@dataclass
class Clip:
    """audio: float32 of RATE × SECONDS; f0: Hz of the frame centered at i × HOP, 0 if unvoiced."""

    audio: np.ndarray
    f0: np.ndarray


def _smooth(rng: np.random.Generator, n: int, hertz: float) -> np.ndarray:
    """Slow noise of unit deviation with a bandwidth of about ``hertz``."""
    points = max(int(n / RATE * hertz) + 3, 4)
    x = np.interp(np.linspace(0, points - 1, n), np.arange(points), rng.standard_normal(points))
    return x / max(x.std(), 1e-9)


def contour(rng: np.random.Generator, n: int, low: float = 55.0, high: float = 1300.0) -> tuple[np.ndarray, np.ndarray]:
    """Fundamental in Hz at every sample, and a gain that is 0 in silence."""
    f0, gain = np.zeros(n), np.zeros(n)
    centre = np.exp(rng.uniform(np.log(low * 1.2), np.log(high / 1.2)))
    at = int(rng.uniform(0, 0.25) * RATE)
    last = None
    while at < n:
        length = int(rng.choice([rng.uniform(0.08, 0.3), rng.uniform(0.3, 1.2)]) * RATE)
        end = min(at + length, n)
        note = np.clip(centre * 2 ** (rng.normal(0, 4) / 12), low * 1.06, high / 1.06)
        t = np.arange(end - at) / RATE
        cents = np.full(end - at, 1200 * np.log2(note))
        if last is not None and rng.random() < 0.5:  # from the previous note
            cents += 1200 * np.log2(last / note) * np.exp(-t / rng.uniform(0.01, 0.06))
        if rng.random() < 0.25:  # a glide through the whole note
            cents += np.linspace(0, rng.uniform(-700, 700), end - at)
        if rng.random() < 0.6:  # vibrato sets in late
            depth = rng.uniform(10, 120) * np.clip((t - rng.uniform(0, 0.25)) / 0.15, 0, 1)
            cents += depth * np.sin(2 * np.pi * rng.uniform(4, 7.5) * t + rng.uniform(0, 6.3))
        cents += rng.uniform(0, 12) * _smooth(rng, end - at, 12)
        f0[at:end] = np.clip(2 ** (cents / 1200), low, high)
        edge = min(int(rng.uniform(0.008, 0.04) * RATE), (end - at) // 2)
        env = np.ones(end - at)
        if edge > 0:
            env[:edge] = np.linspace(0, 1, edge)
            env[-edge:] = np.linspace(1, 0, edge)
        gain[at:end] = env * 10 ** (rng.uniform(-12, 0) / 20) * 10 ** (0.1 * _smooth(rng, end - at, 3))
        last = float(f0[end - 1])
        at = end if rng.random() < 0.35 else end + int(rng.uniform(0.04, 0.35) * RATE)
    return f0, gain


def _envelope(freq: np.ndarray, formants: np.ndarray, widths: np.ndarray, tilt: float) -> np.ndarray:
    """Amplitude at ``freq`` (any shape): resonances over a spectral tilt in dB per octave."""
    amp = np.zeros_like(freq)
    for f, w in zip(formants, widths, strict=True):
        amp += w / f * 6 / (1 + ((freq - f) / w) ** 2)
    return (amp + 0.03) * (np.maximum(freq, 50) / 200) ** (tilt / 6.02)


def additive(rng: np.random.Generator, f0: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """A voice as the sum of its harmonics."""
    n = len(f0)
    sung = np.where(f0 > 0, f0, 100.0)
    phase = 2 * np.pi * np.cumsum(sung) / RATE
    scale = rng.uniform(0.85, 1.35)
    first, second = (VOWELS[rng.integers(len(VOWELS))] * scale for _ in range(2))
    mix = np.clip(np.linspace(*rng.uniform(-0.5, 1.5, 2), 8), 0, 1)
    widths = rng.uniform(50, 160, 4)
    tilt = rng.uniform(-14, -3)
    y = np.zeros(n)
    coarse = np.linspace(0, n - 1, 128).astype(int)
    count = int(min(7600 / max(sung.min(), 50), 90))
    offsets = rng.uniform(0, 2 * np.pi, count) if rng.random() < 0.5 else np.zeros(count)
    weak = rng.random(count) < rng.choice([0, 0, 0.2])  # partials that are missing
    for h in range(1, count + 1):
        freq = h * sung[coarse]
        m = np.interp(coarse, np.linspace(0, n, 8), mix)
        amp = (1 - m) * _envelope(freq, first, widths, tilt) + m * _envelope(freq, second, widths, tilt)
        amp = np.where(freq < 7600, amp, 0) * (0.05 if weak[h - 1] else 1)
        if amp.max() < 1e-4:
            continue
        y += np.interp(np.arange(n), coarse, amp) * np.sin(h * phase + offsets[h - 1])
    breath = sosfilt(butter(2, [1500, 6000], "bandpass", fs=RATE, output="sos"), rng.standard_normal(n))
    y = y / (np.abs(y).max() + 1e-9) + breath * 10 ** (rng.uniform(-60, -22) / 20)
    return y * gain


def source_filter(rng: np.random.Generator, f0: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """A voice as pulses through resonators."""
    over = 4  # or the pulses would alias
    sung = np.repeat(np.where(f0 > 0, f0, 100.0), over)
    phase = np.cumsum(sung) / (RATE * over)
    cycle = phase % 1
    opening, closing = rng.uniform(0.35, 0.5), rng.uniform(0.1, 0.2)
    flow = np.where(
        cycle < opening,
        0.5 * (1 - np.cos(np.pi * cycle / opening)),
        np.where(cycle < opening + closing, np.cos(np.pi / 2 * (cycle - opening) / closing), 0),
    )
    y = np.diff(flow, prepend=flow[0])
    formants = TEST_VOWELS[rng.integers(len(TEST_VOWELS))] * rng.uniform(0.9, 1.25)
    for f in formants:
        r = np.exp(-np.pi * rng.uniform(60, 120) / (RATE * over))
        y = lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * f / (RATE * over)), r * r], y)
    y = sosfilt(butter(8, 7400, fs=RATE * over, output="sos"), y)[::over]
    return y / (np.abs(y).max() + 1e-9) * gain


def colored(rng: np.random.Generator, n: int, exponent: float) -> np.ndarray:
    """Noise whose power falls as 1/f^exponent: 0 white, 1 pink, 2 brown; -1 blue. Unit deviation."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    freq = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20)
    y = np.fft.irfft(spectrum * freq ** (-exponent / 2), n)
    return y / y.std()


def consonants(rng: np.random.Generator, gain: np.ndarray) -> np.ndarray:
    """Hiss and bursts in silence, some of it narrow-band."""
    n = len(gain)
    y = np.zeros(n)
    for _ in range(rng.integers(0, 5)):
        at, length = int(rng.uniform(0, n)), int(rng.uniform(0.02, 0.2) * RATE)
        end = min(at + length, n)
        if end - at < 40:
            continue
        low = rng.uniform(300, 5000)
        sos = butter(2, [low, min(low * rng.uniform(1.2, 3), 7800)], "bandpass", fs=RATE, output="sos")
        hiss = sosfilt(sos, rng.standard_normal(end - at)) * np.hanning(end - at)
        y[at:end] += hiss / (np.abs(hiss).max() + 1e-9) * 10 ** (rng.uniform(-24, -3) / 20)
    return y * (gain < 1e-3)


def room(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Reverberation: exponentially falling noise (Moorer 1979) of 0.1 to 0.5 s."""
    length = int(rng.uniform(0.1, 0.5) * RATE)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail[0] = 0
    tail *= 10 ** (rng.uniform(-20, -6) / 20) / np.sqrt((tail**2).sum())
    tail[0] = 1
    return fftconvolve(y, tail)[: len(y)]


def band(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """A phone line or a poor microphone: the fundamental may be missing."""
    low, high = rng.uniform(60, 400), rng.uniform(2800, 7500)
    return sosfilt(butter(int(rng.integers(1, 4)), [low, high], "bandpass", fs=RATE, output="sos"), y)


def truth(f0: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Per frame: the fundamental at its center, if it is audible."""
    at = np.arange(0, len(f0), HOP)
    return np.where(gain[at] > 0.02, f0[at], 0).astype(np.float32)


def clip(rng: np.random.Generator, snr: tuple[float, float] | None = (-3, 40)) -> Clip:
    """One clip of the training."""
    n = int(RATE * SECONDS)
    f0, gain = contour(rng, n) if rng.random() > 0.06 else (np.zeros(n), np.zeros(n))
    y = additive(rng, f0, gain) + consonants(rng, gain)
    if rng.random() < 0.4:
        y = room(rng, y)
    if rng.random() < 0.3:
        y = band(rng, y)
    power = np.sqrt((y[gain > 0.02] ** 2).mean()) if (gain > 0.02).any() else 0.1
    if snr is not None and rng.random() < 0.8:
        y = y + colored(rng, n, rng.uniform(-1, 2)) * power * 10 ** (-rng.uniform(*snr) / 20)
    if rng.random() < 0.15:  # hum
        y = y + power * 10 ** (-rng.uniform(15, 40) / 20) * np.sin(2 * np.pi * rng.choice([50, 60]) * np.arange(n) / RATE)
    if rng.random() < 0.1:  # clipped
        y = np.clip(y, -0.3 * np.abs(y).max(), 0.3 * np.abs(y).max())
    y = y / (np.abs(y).max() + 1e-9) * 10 ** (rng.uniform(-36, -0.5) / 20)
    return Clip(y.astype(np.float32), truth(f0, gain))


def test_clip(rng: np.random.Generator, condition: str) -> Clip:
    """One clip of the test, as condition says: clean, white0, pink10, room or phone."""
    n = int(RATE * SECONDS)
    f0, gain = contour(rng, n, 65.0, 1000.0)
    y = source_filter(rng, f0, gain)
    power = np.sqrt((y[gain > 0.02] ** 2).mean()) if (gain > 0.02).any() else 0.1
    match condition:
        case "white0":
            y = y + rng.standard_normal(n) * power
        case "pink10":
            y = y + colored(rng, n, 1) * power * 10 ** (-10 / 20)
        case "room":
            delays = (rng.uniform(0.011, 0.043, 6) * RATE).astype(int)
            for d in delays:  # early reflections, unlike the training's diffuse tail
                y[d:] += 0.3 * rng.choice([-1, 1]) * y[: n - d]
        case "phone":
            y = sosfilt(butter(4, [300, 3400], "bandpass", fs=RATE, output="sos"), y)
    y = y / (np.abs(y).max() + 1e-9) * 0.5
    return Clip(y.astype(np.float32), truth(f0, gain))


CONDITIONS = ("clean", "white0", "pink10", "room", "phone")
