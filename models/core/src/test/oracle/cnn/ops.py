"""Writes the goldens of single operations: one safetensors file per family, the parameters of each case in the metadata.

    python3 ops.py ../../resources/golden/cnn/ops       (PyTorch 1.13; golden/cnn/README.md tells the formats)
"""
import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transformer"))
import safetensors_io  # noqa: E402

ACTIVATIONS = {"none": lambda x: x, "relu": F.relu, "relu6": F.relu6, "silu": F.silu, "hardswish": F.hardswish}


class Family:
    """The cases of one file. Inputs are float32; the expected values are computed from them in float64."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors, self.cases = {}, {}

    def random(self, *shape, scale=1.0):
        return torch.randn(shape, generator=self.generator) * scale

    def add(self, name, parameters, inputs, compute):
        assert name not in self.cases and "." not in name
        inputs = {key: value for key, value in inputs.items() if value is not None}
        expected = compute(**{key: value.double() for key, value in inputs.items()})
        assert torch.isfinite(expected).all() or parameters.get("extreme"), name
        self.cases[name] = parameters
        for key, value in inputs.items():
            self.tensors[f"{name}.{key}"] = value.float()
        self.tensors[f"{name}.dst"] = expected.float()

    def write(self, path):
        metadata = {name: json.dumps(parameters) for name, parameters in self.cases.items()}
        safetensors_io.write(path, self.tensors, metadata)
        tensors, read = safetensors_io.read(path)
        assert {name: json.loads(text) for name, text in read.items()} == self.cases
        assert all(np.array_equal(tensors[n], t.numpy()) for n, t in self.tensors.items())
        print(f"{os.path.basename(path)}: {len(self.cases)} cases, {os.path.getsize(path)} bytes")


def conv_case(family, name, src, weights, stride=None, dilation=None, groups=1, begin=None, end=None, activation="none",
              bias=True, residual=False):
    rank = len(src) - 2
    stride, dilation, begin = stride or [1] * rank, dilation or [1] * rank, begin or [0] * rank
    end = end or begin
    convolution = F.conv2d if rank == 2 else F.conv1d

    def compute(src, weights, bias=None, residual=None):
        edges = [edge for axis in reversed(range(rank)) for edge in (begin[axis], end[axis])]
        out = convolution(F.pad(src, edges), weights, bias, stride, 0, dilation, groups)
        return ACTIVATIONS[activation](out if residual is None else out + residual)

    fan_in = int(np.prod(weights[1:]))
    inputs = {"src": family.random(*src), "weights": family.random(*weights, scale=(2 / fan_in) ** 0.5),
              "bias": family.random(weights[0]) if bias else None}
    shape = compute(**{k: v for k, v in inputs.items() if v is not None}).shape
    inputs["residual"] = family.random(*shape) if residual else None
    family.add(name, {"strides": stride, "dilations": dilation, "groups": groups, "padding_begin": begin,
                      "padding_end": end, "activation": activation}, inputs, compute)


def conv2d():
    f = Family(41)
    conv_case(f, "plain", [1, 3, 7, 5], [4, 3, 3, 3], bias=False)
    conv_case(f, "pointwise", [2, 17, 5, 3], [9, 17, 1, 1], activation="relu")
    conv_case(f, "pointwise_stride2", [1, 16, 7, 9], [32, 16, 1, 1], stride=[2, 2])
    conv_case(f, "same3x3_relu", [2, 5, 9, 11], [7, 5, 3, 3], begin=[1, 1], activation="relu")
    conv_case(f, "same3x3_residual_relu", [2, 16, 7, 7], [16, 16, 3, 3], begin=[1, 1], activation="relu", residual=True)
    conv_case(f, "same3x3_residual", [1, 7, 6, 5], [11, 7, 3, 3], begin=[1, 1], residual=True)
    conv_case(f, "residual_no_bias_silu", [1, 3, 5, 7], [5, 3, 3, 3], begin=[1, 1], activation="silu", residual=True, bias=False)
    conv_case(f, "stem7x7", [1, 3, 23, 19], [16, 3, 7, 7], stride=[2, 2], begin=[3, 3], activation="relu")
    conv_case(f, "kernel5x2_stride2x1", [1, 4, 11, 8], [3, 4, 5, 2], stride=[2, 1], begin=[2, 0], activation="relu6")
    conv_case(f, "dilation2", [1, 6, 13, 11], [5, 6, 3, 3], dilation=[2, 2], begin=[2, 2], activation="silu")
    conv_case(f, "dilation3x1_stride1x2", [2, 3, 12, 9], [4, 3, 3, 3], dilation=[3, 1], stride=[1, 2], begin=[3, 1], end=[2, 1])
    conv_case(f, "asymmetric_begin", [1, 3, 8, 6], [6, 3, 3, 3], stride=[2, 2], begin=[1, 1], end=[0, 0], activation="hardswish")
    conv_case(f, "asymmetric_end", [1, 3, 8, 6], [6, 3, 3, 3], stride=[2, 2], begin=[0, 0], end=[1, 1], activation="relu6")
    conv_case(f, "asymmetric_all", [1, 5, 6, 7], [3, 5, 4, 4], begin=[0, 2], end=[3, 1])
    conv_case(f, "groups3", [1, 9, 7, 6], [12, 3, 3, 3], groups=3, begin=[1, 1], activation="relu")
    conv_case(f, "groups4_stride2", [2, 32, 7, 7], [32, 8, 3, 3], groups=4, stride=[2, 2], begin=[1, 1], activation="relu")
    conv_case(f, "depthwise", [1, 19, 9, 7], [19, 1, 3, 3], groups=19, begin=[1, 1], activation="relu6")
    conv_case(f, "depthwise5x5_stride2", [2, 16, 11, 9], [16, 1, 5, 5], groups=16, stride=[2, 2], begin=[2, 2], activation="hardswish")
    conv_case(f, "depthwise_multiplier2", [1, 5, 6, 5], [10, 1, 3, 3], groups=5, begin=[1, 1], activation="silu")
    conv_case(f, "whole_picture", [2, 3, 5, 4], [7, 3, 5, 4])
    conv_case(f, "one_pixel", [1, 1, 1, 1], [1, 1, 3, 3], begin=[1, 1])
    conv_case(f, "wide33", [1, 33, 5, 5], [35, 33, 3, 3], begin=[1, 1], activation="relu")
    return f


def conv1d():
    f = Family(42)
    conv_case(f, "plain", [1, 3, 17], [5, 3, 4])
    conv_case(f, "same_relu", [2, 16, 33], [24, 16, 3], begin=[1], activation="relu")
    conv_case(f, "stride3_asymmetric", [1, 5, 29], [7, 5, 5], stride=[3], begin=[1], end=[3], activation="silu")
    conv_case(f, "causal_dilation4", [1, 6, 21], [6, 6, 3], dilation=[4], begin=[8], end=[0], activation="relu", residual=True)
    conv_case(f, "groups2", [2, 8, 15], [6, 4, 3], groups=2, begin=[1], activation="hardswish")
    conv_case(f, "depthwise", [1, 13, 19], [13, 1, 7], groups=13, begin=[3], bias=False)
    conv_case(f, "pointwise", [1, 31, 7], [3, 31, 1], activation="relu6")
    return f


def deconv_case(family, name, src, weights, stride, padding, output_padding, groups=1, dilation=None, activation="none", bias=True):
    rank = len(src) - 2
    dilation = dilation or [1] * rank
    transposed = F.conv_transpose2d if rank == 2 else F.conv_transpose1d

    def compute(src, weights, bias=None):
        return ACTIVATIONS[activation](transposed(src, weights, bias, stride, padding, output_padding, groups, dilation))

    inputs = {"src": family.random(*src), "weights": family.random(*weights, scale=0.3),
              "bias": family.random(weights[1] * groups) if bias else None}
    family.add(name, {"strides": stride, "dilations": dilation, "groups": groups, "padding": padding,
                      "output_padding": output_padding, "activation": activation}, inputs, compute)


def conv_transpose():
    f = Family(43)
    deconv_case(f, "plain", [1, 3, 5, 4], [3, 5, 3, 3], [1, 1], [0, 0], [0, 0])
    deconv_case(f, "double", [2, 8, 5, 7], [8, 6, 2, 2], [2, 2], [0, 0], [0, 0], activation="relu")
    deconv_case(f, "kernel4_padding1", [1, 16, 5, 3], [16, 9, 4, 4], [2, 2], [1, 1], [0, 0], activation="relu")
    deconv_case(f, "output_padding", [1, 5, 4, 6], [5, 7, 3, 3], [2, 2], [1, 1], [1, 1], activation="silu")
    deconv_case(f, "mixed", [1, 3, 6, 5], [3, 4, 3, 5], [3, 2], [0, 2], [2, 1], bias=False)
    deconv_case(f, "groups2", [2, 6, 4, 5], [6, 4, 3, 3], [2, 1], [1, 1], [0, 0], groups=2)
    deconv_case(f, "depthwise", [1, 7, 5, 5], [7, 1, 4, 4], [2, 2], [1, 1], [0, 0], groups=7, bias=False)
    deconv_case(f, "dilation2", [1, 4, 5, 5], [4, 3, 3, 3], [1, 2], [1, 2], [0, 1], dilation=[2, 2], activation="hardswish")
    deconv_case(f, "one_dimension", [1, 6, 11], [6, 5, 4], [2], [1], [0], activation="relu")
    deconv_case(f, "one_dimension_output_padding", [2, 3, 7], [3, 5, 3], [3], [0], [2], groups=1)
    return f


def max_case(family, name, src, kernel, stride, padding, ceil_mode=False, dilation=None, shift=0.0):
    rank = len(kernel)
    dilation = dilation or [1] * rank
    pool = F.max_pool2d if rank == 2 else F.max_pool1d
    family.add(name, {"kind": "max", "kernel": kernel, "strides": stride, "padding": padding, "ceil_mode": ceil_mode,
                      "dilations": dilation}, {"src": family.random(*src) + shift},
               lambda src: pool(src, kernel, stride, padding, dilation, ceil_mode))


def average_case(family, name, src, kernel, stride, padding, ceil_mode=False, include_padding=True):
    pool = F.avg_pool2d if len(kernel) == 2 else F.avg_pool1d
    family.add(name, {"kind": "average", "kernel": kernel, "strides": stride, "padding": padding, "ceil_mode": ceil_mode,
                      "count_include_pad": include_padding}, {"src": family.random(*src)},
               lambda src: pool(src, kernel, stride, padding, ceil_mode, include_padding))


def pool():
    f = Family(44)
    max_case(f, "max2", [2, 5, 8, 6], [2, 2], [2, 2], [0, 0])
    max_case(f, "max2_odd", [1, 19, 9, 7], [2, 2], [2, 2], [0, 0])
    max_case(f, "max2_odd_ceil", [1, 3, 9, 7], [2, 2], [2, 2], [0, 0], ceil_mode=True)
    max_case(f, "max3_stem", [1, 16, 11, 13], [3, 3], [2, 2], [1, 1])
    max_case(f, "max3_negative", [1, 3, 6, 5], [3, 3], [1, 1], [1, 1], shift=-9.0)
    max_case(f, "max3x2_ceil_padding", [1, 4, 8, 10], [3, 2], [2, 3], [1, 1], ceil_mode=True, shift=-3.0)
    max_case(f, "max_dilation2", [1, 3, 11, 9], [3, 3], [2, 1], [1, 0], dilation=[2, 2])
    max_case(f, "max_1d", [2, 5, 17], [3], [2], [1])
    for include in (True, False):
        suffix = "_include" if include else "_exclude"
        average_case(f, "average2" + suffix, [2, 5, 8, 6], [2, 2], [2, 2], [0, 0], include_padding=include)
        average_case(f, "average3_padding" + suffix, [1, 16, 7, 9], [3, 3], [2, 2], [1, 1], include_padding=include)
        average_case(f, "average3_ceil" + suffix, [1, 3, 8, 10], [3, 3], [2, 2], [1, 1], True, include)
        average_case(f, "average5x3" + suffix, [1, 4, 9, 7], [5, 3], [3, 2], [2, 1], include_padding=include)
        average_case(f, "average2_ceil" + suffix, [1, 3, 9, 7], [2, 2], [2, 2], [0, 0], True, include)
        average_case(f, "average_1d" + suffix, [1, 5, 13], [4], [3], [2], include_padding=include)
    return f


def adaptive_pool():
    f = Family(45)
    for src, size in (([1, 5, 7, 5], [3, 2]), ([2, 17, 7, 7], [1, 1]), ([1, 3, 5, 7], [6, 6]), ([1, 4, 12, 10], [5, 4]),
                      ([1, 3, 8, 6], [4, 3]), ([1, 2, 13, 11], [7, 7]), ([2, 3, 6, 6], [6, 6])):
        label = "x".join(map(str, src[2:])) + "_to_" + "x".join(map(str, size))
        f.add("average_" + label, {"kind": "average", "output_size": size}, {"src": f.random(*src)},
              lambda src, size=size: F.adaptive_avg_pool2d(src, size))
        f.add("max_" + label, {"kind": "max", "output_size": size}, {"src": f.random(*src)},
              lambda src, size=size: F.adaptive_max_pool2d(src, size))
    f.add("average_1d_17_to_5", {"kind": "average", "output_size": [5]}, {"src": f.random(2, 3, 17)},
          lambda src: F.adaptive_avg_pool1d(src, 5))
    return f


def batch_norm():
    f = Family(46)
    for name, src, affine, eps, activation in (
            ("plain", [2, 5, 7, 3], True, 1e-5, "none"), ("relu", [1, 19, 5, 5], True, 1e-5, "relu"),
            ("no_affine", [2, 3, 4, 5], False, 1e-5, "none"), ("large_epsilon", [1, 16, 3, 3], True, 1e-3, "relu"),
            ("sequence", [2, 7, 9], True, 1e-5, "none"), ("rows", [5, 11], True, 1e-5, "relu")):
        channels = src[1]
        inputs = {"src": f.random(*src), "mean": f.random(channels), "variance": f.random(channels).abs() + 0.05,
                  "scale": f.random(channels) if affine else None, "shift": f.random(channels) if affine else None}

        def compute(src, mean, variance, scale=None, shift=None, eps=eps, activation=activation):
            return ACTIVATIONS[activation](F.batch_norm(src, mean, variance, scale, shift, False, 0.0, eps))

        f.add(name, {"epsilon": eps, "activation": activation}, inputs, compute)
    return f


def lrn():
    f = Family(47)
    for name, src, size, alpha, beta, k in (
            ("alexnet", [1, 16, 5, 3], 5, 1e-4, 0.75, 2.0), ("strong", [2, 7, 4, 5], 5, 0.5, 0.75, 1.0),
            ("size3", [1, 19, 3, 3], 3, 0.2, 0.5, 1.5), ("wider_than_channels", [1, 3, 4, 4], 9, 1.0, 0.75, 1.0),
            ("one_channel", [1, 1, 5, 5], 5, 0.3, 1.0, 1.0)):
        f.add(name, {"size": size, "alpha": alpha, "beta": beta, "k": k}, {"src": f.random(*src, scale=2.0)},
              lambda src, size=size, alpha=alpha, beta=beta, k=k: F.local_response_norm(src, size, alpha, beta, k))
    return f


def interpolate():
    f = Family(48)
    for src, size in (([1, 3, 5, 4], [10, 8]), ([1, 5, 7, 6], [11, 13]), ([2, 3, 9, 11], [4, 5]), ([1, 17, 4, 4], [12, 12]),
                      ([1, 2, 8, 8], [4, 4]), ([1, 1, 8, 8], [24, 24]), ([1, 3, 1, 5], [3, 5]), ([1, 4, 6, 7], [6, 7])):
        label = "x".join(map(str, src[2:])) + "_to_" + "x".join(map(str, size))
        for mode in ("nearest", "nearest-exact", "bilinear"):
            f.add(mode.replace("-", "_") + "_" + label, {"mode": mode, "output_size": size}, {"src": f.random(*src)},
                  lambda src, mode=mode, size=size: F.interpolate(
                      src, size=tuple(size), mode=mode, **({"align_corners": False} if mode == "bilinear" else {})))
    for length, size in ((9, 21), (16, 5)):
        for mode in ("nearest", "linear"):
            f.add(f"{mode}_1d_{length}_to_{size}", {"mode": mode, "output_size": [size]}, {"src": f.random(2, 3, length)},
                  lambda src, mode=mode, size=size: F.interpolate(
                      src, size=(size,), mode=mode, **({"align_corners": False} if mode == "linear" else {})))
    return f


def softmax():
    f = Family(49)
    for kind, function in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        for name, src, axis, scale in (("rows", [5, 10], 1, 3.0), ("single", [3, 1], 1, 1.0), ("thousand", [2, 1000], 1, 4.0),
                                       ("channels", [2, 7, 3, 5], 1, 2.0), ("last", [2, 3, 4, 17], 3, 2.0), ("first", [6, 5], 0, 2.0),
                                       ("huge", [4, 9], 1, 500.0)):
            f.add(f"{kind}_{name}", {"kind": kind, "axis": axis}, {"src": f.random(*src, scale=scale)},
                  lambda src, function=function, axis=axis: function(src, axis))
    f.add("log_softmax_masked", {"kind": "log_softmax", "axis": 1, "extreme": True},
          {"src": torch.tensor([[1.0, float("-inf"), 2.0], [float("-inf"), 0.0, float("-inf")]])},
          lambda src: F.log_softmax(src, 1))
    return f


def inner_product():
    f = Family(50)
    for name, src, outputs, bias, activation in (
            ("rows", [5, 33], 7, True, "none"), ("one_row_relu", [1, 129], 65, True, "relu"), ("no_bias", [3, 17], 1, False, "none"),
            ("picture", [2, 5, 3, 4], 11, True, "relu"), ("picture_odd", [3, 7, 5, 1], 10, True, "none"),
            ("sequence", [2, 6, 9], 13, False, "silu"), ("one_input", [4, 1], 3, True, "hardswish")):
        width = int(np.prod(src[1:]))

        def compute(src, weights, bias=None, activation=activation):
            return ACTIVATIONS[activation](F.linear(src.flatten(1), weights, bias))

        inputs = {"src": f.random(*src), "weights": f.random(outputs, width, scale=width ** -0.5),
                  "bias": f.random(outputs) if bias else None}
        f.add(name, {"activation": activation}, inputs, compute)
    return f


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for family in (conv2d, conv1d, conv_transpose, pool, adaptive_pool, batch_norm, lrn, interpolate, softmax, inner_product):
        family().write(os.path.join(folder, family.__name__.replace("_", "-") + ".safetensors"))


if __name__ == "__main__":
    main()
