"""Writes networks as onnxruntime's quantize_static quantizes them, and what ONNX's reference evaluator computes, in ONNX's test layout.

    python quantized.py quantized.zip          those that are committed
    python quantized.py FOLDER                 all combinations: run `gatun verify FOLDER`

A result may be off by one step of its last scale. Made with torch 2.13, onnx 1.22, onnxruntime 1.30.
"""
import json
import logging
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


class Block(nn.Module):
    def __init__(self, c, o, stride=1):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(c, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1))
        self.d = nn.Conv2d(c, o, 1, stride) if c != o else nn.Identity()

    def forward(self, x):
        return torch.relu(self.a(x) + self.d(x))


class Res(nn.Module):
    def __init__(self):
        super().__init__()
        self.b = nn.Sequential(nn.Conv2d(3, 20, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), Block(20, 20), Block(20, 24, 2))
        self.fc = nn.Linear(24, 11)

    def forward(self, x):
        return self.fc(self.b(x).mean((2, 3)))


class Inverted(nn.Module):
    def __init__(self, c, o, stride, act):
        super().__init__()
        h = c * 3
        self.a = nn.Sequential(nn.Conv2d(c, h, 1), act(), nn.Conv2d(h, h, 3, stride, 1, groups=h), act(), nn.Conv2d(h, o, 1))
        self.residual = c == o and stride == 1

    def forward(self, x):
        return x + self.a(x) if self.residual else self.a(x)


class Gate(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.f = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c // 4, 1), nn.ReLU(), nn.Conv2d(c // 4, c, 1), nn.Hardsigmoid())

    def forward(self, x):
        return x * self.f(x)


class Mobile(nn.Module):
    def __init__(self, act=nn.ReLU6, gate=nn.Identity):
        super().__init__()
        self.b = nn.Sequential(nn.Conv2d(3, 12, 3, 2, 1), act(), Inverted(12, 12, 1, act), Inverted(12, 18, 2, act), gate(18),
                               nn.Conv2d(18, 40, 1), act(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(40, 9))

    def forward(self, x):
        return self.b(x)


class Grouped(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 12, 3, 2, 1)
        self.g = nn.Conv2d(12, 20, 3, 1, 2, dilation=2, groups=4)
        self.c = nn.Conv2d(32, 10, (1, 3), 1, (0, 1))

    def forward(self, x):
        y = nn.functional.leaky_relu(self.a(x))
        return nn.functional.avg_pool2d(self.c(torch.cat([y, torch.sigmoid(self.g(y))], 1)), 2)


class Vit(nn.Module):
    def __init__(self, d=18):
        super().__init__()
        self.p = nn.Conv2d(3, d, 5, 5)
        self.n, self.m = nn.LayerNorm(d), nn.LayerNorm(d)
        self.q, self.o, self.a, self.b, self.h = (nn.Linear(*s) for s in ((d, 3 * d), (d, d), (d, 2 * d), (2 * d, d), (d, 7)))

    def forward(self, x):
        x = self.p(x).flatten(2).transpose(1, 2)
        b, t, d = x.shape
        q, k, v = self.q(self.n(x)).reshape(b, t, 3, 3, d // 3).permute(2, 0, 3, 1, 4)
        y = torch.softmax(q @ k.transpose(-1, -2) / (d // 3) ** 0.5, -1) @ v
        x = x + self.o(y.transpose(1, 2).reshape(b, t, d))
        return self.h((x + self.b(nn.functional.gelu(self.a(self.m(x))))).mean(1))


NETS = {"res": (Res, (27, 33)), "mob": (Mobile, (33, 29)), "gated": (lambda: Mobile(nn.Hardswish, Gate), (31, 34)),
        "silu": (lambda: Mobile(nn.SiLU), (27, 30)), "grouped": (Grouped, (23, 26)), "vit": (Vit, (30, 30))}
U8, S8 = QuantType.QUInt8, QuantType.QInt8
TYPES = {"u8s8": (U8, S8), "u8u8": (U8, U8), "s8s8": (S8, S8)}
COMMITTED = """res-qdq-u8s8-pc res-qop-s8s8-pt-rr mob-qdq-s8s8-pt mob-qop-u8u8-pt gated-qdq-u8s8-pc-rr gated-qop-s8s8-pc
silu-qdq-u8u8-pt grouped-qdq-s8s8-pc grouped-qop-u8s8-pc vit-qdq-u8s8-pt""".split()


def floats(x, scale, zero):
    return (x.astype(np.float32) - np.float32(0 if zero is None else zero)) * np.float32(scale)


def rounded(v, scale, zero):
    limits = np.iinfo(zero.dtype)
    return (np.clip(np.rint(v / np.float32(scale)) + np.int32(zero), limits.min, limits.max).astype(zero.dtype),)


def add(self, a, sa, za, b, sb, zb, s, z):
    return rounded(floats(a, sa, za) + floats(b, sb, zb), s, z)


def mul(self, a, sa, za, b, sb, zb, s, z):
    return rounded(floats(a, sa, za) * floats(b, sb, zb), s, z)


def sigmoid(self, x, sx, zx, s, z):
    return rounded(1 / (1 + np.exp(-floats(x, sx, zx))), s, z)


def leaky(self, x, sx, zx, s, z, alpha=None):
    v = floats(x, sx, zx)
    return rounded(np.where(v < 0, v * np.float32(0.01 if alpha is None else alpha), v), s, z)


def mean(self, x, sx, zx, s, z, channels_last=None):
    return rounded(floats(x, sx, zx).mean((2, 3), keepdims=True), s, z)


def average(self, x, sx, zx, s, z, kernel_shape=None, strides=None, **_):
    v, k = floats(x, sx, zx), kernel_shape
    n, c, h, w = v.shape
    assert k == strides
    v = v[:, :, : h // k[0] * k[0], : w // k[1] * k[1]]
    return rounded(v.reshape(n, c, h // k[0], k[0], w // k[1], k[1]).mean((3, 5)), s, z)


def concat(self, s, z, *parts, axis=None):
    return rounded(np.concatenate([floats(*parts[i:i + 3]) for i in range(0, len(parts), 3)], axis), s, z)


def softmax(self, x, sx, zx, s, z, axis=None, opset=None):
    e = np.exp(floats(x, sx, zx))
    return rounded(e / e.sum(-1, keepdims=True), s, z)


def gemm(self, a, sa, za, b, sb, zb, c=None, s=None, z=None, alpha=None, transA=None, transB=None):
    b = b.astype(np.int64) - zb.astype(np.int64).reshape(-1, *[1] * (zb.size > 1))
    sums = (a.astype(np.int64) - np.int64(za)) @ (b.T if transB else b) + (0 if c is None else c)
    v = (sums * (np.float32(alpha or 1) * sa * sb)).astype(np.float32)
    return (v,) if s is None else rounded(v, s, z)


def dequantize(self, x, s, z=None, axis=None, block_size=None, output_dtype=None):
    def along(v):
        return v.reshape([-1 if i == axis else 1 for i in range(x.ndim)]) if v.size > 1 else v.reshape(())
    return ((x.astype(np.int32) - (0 if z is None else along(z).astype(np.int32))).astype(np.float32) * along(s),)


def operator(name, f, domain="com.microsoft"):
    return type(name, (OpRun,), {"op_domain": domain, "_run": f})


OPERATORS = [operator("DequantizeLinear", dequantize, "")] + [operator(n, f) for n, f in dict(
    QLinearAdd=add, QLinearMul=mul, QLinearSigmoid=sigmoid, QLinearLeakyRelu=leaky, QLinearGlobalAveragePool=mean,
    QLinearAveragePool=average, QLinearConcat=concat, QLinearSoftmax=softmax, QGemm=gemm).items()]


class Reader(CalibrationDataReader):
    def __init__(self, shape):
        random = np.random.default_rng(1)
        self.left = iter([{"x": random.standard_normal(shape).astype(np.float32)} for _ in range(6)])

    def get_next(self):
        return next(self.left, None)


def write(folder, plain, shape, qdq, types, per_channel, reduce_range):
    folder.mkdir(parents=True)
    file = folder / "model.onnx"
    quantize_static(plain, str(file), Reader(shape), quant_format=QuantFormat.QDQ if qdq else QuantFormat.QOperator,
                    activation_type=types[0], weight_type=types[1], per_channel=per_channel, reduce_range=reduce_range)
    model = onnx.load(file)
    x = (np.random.default_rng(5).standard_normal(shape) * 8).round().astype(np.float32) / 8  # which compress well
    y = ReferenceEvaluator(model, new_ops=OPERATORS).run(None, {"x": x})[0]
    last = next(n for n in model.graph.node if n.output[0] == model.graph.output[0].name)
    scales = {i.name: float(numpy_helper.to_array(i)) for i in model.graph.initializer if not i.dims}
    step = scales[last.input[1]] if last.op_type == "DequantizeLinear" else 1e-5
    data = folder / "test_data_set_0"
    data.mkdir()
    (data / "input_0.pb").write_bytes(numpy_helper.from_array(x, "x").SerializeToString())
    (data / "output_0.pb").write_bytes(numpy_helper.from_array(y, "y").SerializeToString())
    (folder / "data.json").write_text(json.dumps({"rtol": 1e-5, "atol": 1.01 * step}))


def main(target):
    archive = target.suffix == ".zip"
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "all" if archive else target
        for name, (make, size) in NETS.items():
            torch.manual_seed(0)
            net = make().eval()
            for m in net.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.running_mean.normal_(0, 0.3)
                    m.running_var.uniform_(0.5, 2)
            shape = (2, 3, *size)
            plain = str(Path(temporary) / (name + ".onnx"))
            torch.onnx.export(net, torch.randn(shape), plain, input_names=["x"], output_names=["y"], opset_version=13, dynamo=False)
            quant_pre_process(plain, plain)
            for qdq in (True, False):
                for types, pair in TYPES.items():
                    for rest in ("pt", "pt-rr", "pc", "pc-rr"):
                        label = f"{name}-{'qdq' if qdq else 'qop'}-{types}-{rest}"
                        if (not archive or label in COMMITTED) and not (types == "u8u8" and "pc" in rest):
                            write(root / label, plain, shape, qdq, pair, "pc" in rest, "rr" in rest)
        if archive:
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
                for f in sorted(f for f in root.rglob("*") if f.is_file()):
                    zipped.writestr(zipfile.ZipInfo(str(f.relative_to(root)), (2020, 1, 1, 0, 0, 0)), f.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
