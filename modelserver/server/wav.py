"""Reads the only accepted kind of WAV: 16 kHz, mono, 16-bit PCM."""

import struct

import numpy as np

# The length of a WAV header; after it comes audio at 2 bytes a sample.
HEADER = 44


def samples(length: int) -> int:
    """Returns the most samples in a file of so many bytes."""
    return max(length - HEADER, 0) // 2


class NotTaken(ValueError):
    """The bytes are not such a WAV; the text is for the caller."""


def parse(body: bytes, rate: int) -> np.ndarray:
    """Returns the samples as int16. A length in the header beyond the end counts as cut off."""
    if len(body) < 12 or body[:4] != b"RIFF" or body[8:12] != b"WAVE":
        raise NotTaken("want a WAV file")
    at, known = 12, False
    while at + 8 <= len(body):
        kind, size = body[at : at + 4], struct.unpack_from("<I", body, at + 4)[0]
        at += 8
        if kind == b"fmt ":
            if size < 16 or at + 16 > len(body):
                raise NotTaken("the WAV's header is cut off")
            form, channels, hertz, _, _, bits = struct.unpack_from("<HHIIHH", body, at)
            if (form, channels, hertz, bits) != (1, 1, rate, 16):
                raise NotTaken(f"want {rate} Hz, mono, 16-bit PCM")
            known = True
        elif kind == b"data":
            if not known:
                raise NotTaken("the WAV has its data before its format")
            if at + size > len(body):
                raise NotTaken("the WAV is cut off")
            return np.frombuffer(body, "<i2", size // 2, at)
        at += size + size % 2
    raise NotTaken("the WAV has no data")
