"""Writes the trained network as ONNX, from audio to Hz, with all pre- and post-processing in the graph.

    python -m train.export --weights models/pitch/weights.npz --out models/pitch/model.onnx

Input ``audio`` [batch, samples] float32, 16 kHz, -1 to 1. Outputs, one entry for
every 10 ms: ``f0_hz`` (the best pitch, voiced or not) and ``voicing`` (0 to 1).
The graph computes the Fourier and cosine matrices, so that the file holds only
the weights.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import net

OPSET = 17


class Graph:
    """Collects nodes and constants; every method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.count = 0

    def constant(self, value: np.ndarray | list, dtype: type = np.float32) -> str:
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def op(self, kind: str, *inputs: str, name: str = "", **attributes) -> str:
        self.count += 1
        out = name or f"{kind.lower()}{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def outer(self, column: np.ndarray, row: np.ndarray) -> str:
        return self.op("MatMul", self.constant(column.reshape(-1, 1)), self.constant(row.reshape(1, -1)))


def spectrum(g: Graph, audio: str) -> str:
    """[batch, samples] to the power spectrum [batch, frames, BINS]."""
    half = net.FRAME // 2
    # The padding holds one frame too many, which is dropped.
    padded = g.op("Pad", audio, g.constant([0, half, 0, half - net.HOP], np.int64))
    x = g.op("Unsqueeze", padded, g.constant([1], np.int64))
    angle = g.outer(np.arange(net.BINS) * 2 * np.pi / net.FRAME, np.arange(net.FRAME))
    power = []
    for part in ("Cos", "Sin"):
        kernel = g.op("Mul", g.op(part, angle), g.constant(net.HANN))
        y = g.op("Conv", x, g.op("Unsqueeze", kernel, g.constant([1], np.int64)), strides=[net.HOP])
        power.append(g.op("Mul", y, y))
    return g.op("Transpose", g.op("Add", *power), perm=[0, 2, 1])


def features(g: Graph, power: str) -> str:
    level = g.op("Add", g.op("ReduceMean", power, axes=[2], keepdims=1), g.constant(1e-5))
    relative = g.op("Div", power, level)
    log = g.op("Mul", g.op("Log", g.op("Add", relative, g.constant(1e-4))), g.constant(0.3))
    cosine = g.op("Cos", g.outer(np.arange(net.BINS) * 2 * np.pi / net.FRAME, net.LAG))
    compressed = g.op("Pow", relative, g.constant(0.33))
    acf = g.op("Mul", g.op("MatMul", compressed, cosine), g.constant(2 / net.BINS))
    loud = g.op("Mul", g.op("Log", level), g.constant(0.1))
    return g.op("Concat", log, acf, loud, axis=2)


def dense(g: Graph, x: str, weight: np.ndarray, bias: np.ndarray, name: str = "") -> str:
    return g.op("Add", g.op("MatMul", x, g.constant(weight)), g.constant(bias), name=name)


def network(g: Graph, x: str, w: dict[str, np.ndarray]) -> str:
    x = g.op("Mul", g.op("Sub", x, g.constant(w["mean"])), g.constant(w["scale"]))
    h = g.op("Relu", dense(g, x, w["in_w"], w["in_b"]))
    for i in range(net.BLOCKS):
        kernel = w[f"depth{i}_w"].T[:, None, :]  # [channel, 1, time]
        t = g.op("Transpose", h, perm=[0, 2, 1])
        pad = net.KERNEL // 2
        t = g.op("Conv", t, g.constant(kernel), g.constant(w[f"depth{i}_b"]), group=net.WIDTH, pads=[pad, pad])
        t = g.op("Relu", g.op("Transpose", t, perm=[0, 2, 1]))
        h = g.op("Add", h, dense(g, t, w[f"point{i}_w"], w[f"point{i}_b"]))
    return dense(g, g.op("Relu", h), w["out_w"], w["out_b"])


def decode(g: Graph, logits: str) -> None:
    """Returns the mean of the bins around the best, as CREPE does, and the voicing."""
    pitch, voicing = (f"{n}_logits" for n in ("pitch", "voicing"))
    g.nodes.append(helper.make_node("Split", [logits, g.constant([net.PITCHES, 1], np.int64)], [pitch, voicing], axis=2))
    p = g.op("Softmax", pitch, axis=2)
    best = g.op("Cast", g.op("ArgMax", p, axis=2, keepdims=1), to=TensorProto.FLOAT)
    bins = g.constant(np.arange(net.PITCHES))
    near = g.op("Cast", g.op("LessOrEqual", g.op("Abs", g.op("Sub", bins, best)), g.constant(3.5)), to=TensorProto.FLOAT)
    kept = g.op("Mul", p, near)
    axes = g.constant([2], np.int64)
    mean = g.op("Div", g.op("ReduceSum", g.op("Mul", kept, bins), axes, keepdims=0), g.op("ReduceSum", kept, axes, keepdims=0))
    octaves = g.op("Mul", mean, g.constant(net.CENTS / 1200))
    g.op("Mul", g.op("Pow", g.constant(2.0), octaves), g.constant(net.LOW_HZ), name="f0_hz")
    g.op("Squeeze", g.op("Sigmoid", voicing), axes, name="voicing")


def build(w: dict[str, np.ndarray]) -> onnx.ModelProto:
    g = Graph()
    decode(g, network(g, features(g, spectrum(g, "audio")), w))
    series = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", "frames"]) for n in ("f0_hz", "voicing")]
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["batch", "samples"])
    graph = helper.make_graph(g.nodes, "orak-pitch", [audio], series, g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="orak", ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--weights", type=Path, default=Path("models/pitch/weights.npz"))
    p.add_argument("--out", type=Path, default=Path("models/pitch/model.onnx"))
    args = p.parse_args()
    model = build(dict(np.load(args.weights)))
    onnx.save(model, args.out)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
