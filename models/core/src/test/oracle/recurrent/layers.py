"""Goldens of recurrent layers: PyTorch's over packed sequences of unequal length, and ONNX Runtime's with ONNX's own gate order and the GRU
that resets before its product. Weights and inputs are a formula of a name and a number, which RecurrentGoldenTest knows too; of wide results
some columns are kept.

    python layers.py FILE.safetensors
"""
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper
from safetensors.numpy import save_file

LENGTHS = [5, 1, 8, 3]
INPUT = 6


def java_hash(text):
    h = 0
    for c in text:
        h = (31 * h + ord(c)) & 0xFFFFFFFF
    return h


def values(name, bound, *shape):
    with np.errstate(over="ignore"):
        x = np.arange(int(np.prod(shape)), dtype=np.uint32) * np.uint32(2654435761) + np.uint32(java_hash(name))
        x = (x ^ (x >> np.uint32(15))) * np.uint32(2246822519)
        x = x ^ (x >> np.uint32(13))
    v = (x >> np.uint32(8)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    return (v * np.float32(bound)).reshape(shape)


def every(hidden):
    return 1 if hidden < 64 else 7 if hidden < 513 else 31


def torch_case(kind, hidden, layers, both, out):
    name = f"{kind} {hidden} {layers} {'both' if both else 'forward'}"
    proj = max(1, hidden // 2) if kind == "lstmp" and hidden > 1 else 0
    torch.manual_seed(0)
    args = dict(num_layers=layers, bidirectional=both, batch_first=True)
    if kind in ("tanh", "relu"):
        net = torch.nn.RNN(INPUT, hidden, nonlinearity=kind, **args)
    elif kind == "gru":
        net = torch.nn.GRU(INPUT, hidden, **args)
    else:
        net = torch.nn.LSTM(INPUT, hidden, proj_size=proj, **args)
    bound = np.float32(1 / np.sqrt(np.float32(hidden)))
    with torch.no_grad():
        for key, parameter in net.named_parameters():
            parameter.copy_(torch.from_numpy(values(f"{name} {key}", bound, *parameter.shape)))
        rows = torch.from_numpy(values(f"{name} x", 1, sum(LENGTHS), INPUT))
        x = torch.nn.utils.rnn.pad_sequence(torch.split(rows, LENGTHS), batch_first=True)
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
        d = 2 if both else 1
        h0 = torch.from_numpy(values(f"{name} h", 1, layers * d, len(LENGTHS), proj or hidden))
        c0 = torch.from_numpy(values(f"{name} c", 1, layers * d, len(LENGTHS), hidden))
        y, last = net(packed, (h0, c0) if kind.startswith("lstm") else h0)
        y = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True)[0]
        y = torch.cat([y[i, :n] for i, n in enumerate(LENGTHS)])
    h, c = last if kind.startswith("lstm") else (last, None)
    step = every(hidden)
    out[f"{name}/out"] = y[:, ::step].numpy().copy()
    out[f"{name}/h"] = h[..., ::step].numpy().copy()
    if c is not None:
        out[f"{name}/c"] = c[..., ::step].numpy().copy()


def onnx_case(op, hidden, direction, out, **attributes):
    name = f"onnx {op} {hidden} {direction}"
    d, gates = (2 if direction == "bidirectional" else 1), {"LSTM": 4, "GRU": 3}[op]
    bound = np.float32(1 / np.sqrt(np.float32(hidden)))
    weights = {"W": values(f"{name} W", bound, d, gates * hidden, INPUT), "R": values(f"{name} R", bound, d, gates * hidden, hidden),
               "B": values(f"{name} B", bound, d, 2 * gates * hidden)}
    node = helper.make_node(op, ["X", "W", "R", "B", "lens"], ["Y", "Y_h"], hidden_size=hidden, direction=direction, **attributes)
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("X", 1, [None, None, INPUT]),
                                            helper.make_tensor_value_info("lens", 6, [None])],
                              [helper.make_tensor_value_info("Y", 1, None), helper.make_tensor_value_info("Y_h", 1, None)],
                              [onnx.numpy_helper.from_array(v, k) for k, v in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    rows = values(f"{name} x", 1, sum(LENGTHS), INPUT)
    x = np.zeros((max(LENGTHS), len(LENGTHS), INPUT), np.float32)
    parts = np.split(rows, np.cumsum(LENGTHS)[:-1])
    for i, part in enumerate(parts):
        x[: len(part), i] = part
    y, h = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"X": x, "lens": np.array(LENGTHS, np.int32)})
    y = np.concatenate([y[:n, :, i].reshape(n, -1) for i, n in enumerate(LENGTHS)])
    out[f"{name}/out"] = y.copy()
    out[f"{name}/h"] = h.copy()


def main():
    out = {}
    for i, kind in enumerate(["tanh", "relu", "lstm", "lstmp", "gru"]):
        for j, hidden in enumerate([1, 7, 64, 513]):
            for both in (False, True):
                torch_case(kind, hidden, 1 + (i + j + both) % 3, both, out)
    for hidden in (7, 20):
        onnx_case("GRU", hidden, "bidirectional", out, linear_before_reset=0)
        onnx_case("GRU", hidden, "reverse", out, linear_before_reset=1)
        onnx_case("LSTM", hidden, "bidirectional", out)
    save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, sys.argv[1])


main()
