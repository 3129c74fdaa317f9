"""Writes tests of operators of com.microsoft in ONNX's own layout, with what ONNX Runtime computes.

    python microsoft.py ARCHIVE.zip

Made with onnxruntime 1.30.
"""
import io
import os
import sys
import tempfile
import zipfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper as h
from onnx import numpy_helper

rng = np.random.default_rng(0)


def f(*shape, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def i32(*values):
    return np.array(values, np.int32)


def case(out, name, op, inputs, count, constants=(), atol=2e-5, oracle=None, model=None, **attributes):
    """Inputs in order: arrays, or None where one is left out; those in constants become initializers."""
    names = ["" if v is None else f"i{k}" for k, v in enumerate(inputs)]
    node = h.make_node(op, names, [f"o{k}" for k in range(count)], domain="com.microsoft", **attributes)
    info = [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in zip(names, inputs) if n and int(n[1:]) not in constants]
    fixed = [numpy_helper.from_array(inputs[k], f"i{k}") for k in constants]
    results = [h.make_empty_tensor_value_info(f"o{k}") for k in range(count)]
    model = model or h.make_model(h.make_graph([node], name, info, results, fixed), ir_version=8,
                         opset_imports=[h.make_opsetid("", 17), h.make_opsetid("com.microsoft", 1)])
    oracle = oracle or model
    session = onnxruntime.InferenceSession(oracle.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {f"i{k}": v for k, v in enumerate(inputs) if v is not None and k not in constants}
    found = session.run(None, feed)
    for value, result in zip(found, model.graph.output):
        result.CopyFrom(h.make_tensor_value_info(result.name, h.np_dtype_to_tensor_dtype(value.dtype), None))

    def write(path, data):
        out.writestr(zipfile.ZipInfo(f"{name}/{path}"), data, zipfile.ZIP_DEFLATED, 9)
    write("model.onnx", model.SerializeToString())
    write("data.json", '{"rtol": %g, "atol": %g}' % (1e-3 if atol < 0.05 else 0, atol))
    for k, (key, value) in enumerate(feed.items()):
        write(f"test_data_set_0/input_{k}.pb", numpy_helper.from_array(value, key).SerializeToString())
    for k, value in enumerate(found):
        write(f"test_data_set_0/output_{k}.pb", numpy_helper.from_array(value, f"o{k}").SerializeToString())


def attention(out):
    x, w, b = f(2, 5, 12), f(12, 24, scale=0.3), f(24)
    case(out, "attention", "Attention", [x, w, b], 1, (1, 2), num_heads=2)
    case(out, "attention_lengths", "Attention", [x, w, b, i32(5, 3)], 1, (1, 2), num_heads=2)
    case(out, "attention_from_to", "Attention", [x, w, b, i32(5, 4, 0, 2)], 1, (1, 2), num_heads=2)
    case(out, "attention_mask", "Attention", [x, w, b, np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], np.int32)], 1, (1, 2), num_heads=4, scale=0.2)
    case(out, "attention_mask3", "Attention", [x, w, b, rng.integers(0, 2, (2, 5, 5)).astype(np.int32)], 1, (1, 2), num_heads=2, mask_filter_value=-1.5)
    case(out, "attention_causal_past", "Attention", [x, w, b, None, f(2, 2, 2, 3, 4)], 2, (1, 2), num_heads=2, unidirectional=1)
    case(out, "attention_sizes_bias", "Attention", [x, f(12, 20), f(20), None, None, f(1, 2, 5, 5)], 1, (1, 2), num_heads=2, qkv_hidden_sizes=[8, 8, 4])


def multi_head(out):
    q, k, v = f(2, 3, 8), f(2, 5, 8), f(2, 5, 12)
    case(out, "multihead", "MultiHeadAttention", [q, k, v], 1, num_heads=2)
    case(out, "multihead_bias_padding", "MultiHeadAttention", [q, k, f(2, 5, 8), f(24), np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], np.int32)], 1, (3,), num_heads=2)
    case(out, "multihead_past", "MultiHeadAttention", [q, f(2, 3, 8), f(2, 3, 8), None, None, f(1, 2, 3, 7), f(2, 2, 4, 4), f(2, 2, 4, 4)], 3, num_heads=2)
    case(out, "multihead_causal", "MultiHeadAttention", [q, f(2, 3, 8), f(2, 3, 8)], 1, num_heads=2, unidirectional=1, scale=0.5)


def group_query(out):
    lengths, total = i32(2, 2), np.array(3, np.int32)
    empty = np.zeros((2, 2, 0, 16), np.float32)
    cos, sin = f(10, 8), f(10, 8)
    case(out, "group_query", "GroupQueryAttention", [f(2, 3, 64), f(2, 3, 32), f(2, 3, 32), empty, empty, lengths, total], 3, num_heads=4, kv_num_heads=2)
    case(out, "group_query_packed_rotary", "GroupQueryAttention", [f(2, 3, 128), None, None, empty, empty, lengths, total, cos, sin], 3, (7, 8), num_heads=4,
         kv_num_heads=2, do_rotary=1, softcap=3.0)
    past = [f(2, 2, 6, 16), f(2, 2, 6, 16)]
    case(out, "group_query_past_window", "GroupQueryAttention", [f(2, 1, 64), f(2, 1, 32), f(2, 1, 32), *past, i32(6, 6), np.array(7, np.int32), cos, sin], 3,
         (7, 8), num_heads=4, kv_num_heads=2, do_rotary=1, rotary_interleaved=1, local_window_size=3, scale=0.4)


def rest(out):
    ids, types = rng.integers(0, 11, (2, 4)).astype(np.int32), rng.integers(0, 2, (2, 4)).astype(np.int32)
    tables = [f(11, 6), f(7, 6), f(2, 6), f(6), f(6)]
    case(out, "embed_norm", "EmbedLayerNormalization", [ids, types, *tables, np.array([[1, 1, 1, 0], [1, 1, 0, 0]], np.int32)], 2, (2, 3, 4, 5, 6))
    case(out, "embed_norm_sum", "EmbedLayerNormalization", [ids, None, *tables[:2], None, *tables[3:]], 3, (2, 3, 5, 6), epsilon=1e-5)
    case(out, "rotary", "RotaryEmbedding", [f(2, 3, 16), np.array([[0, 1, 2], [4, 5, 6]]), f(9, 4), f(9, 4)], 1, (2, 3))
    case(out, "rotary_interleaved", "RotaryEmbedding", [f(2, 2, 3, 8), np.array([2]), f(9, 4), f(9, 4)], 1, (2, 3), interleaved=1)
    b4 = rng.integers(0, 256, (5, 3, 8)).astype(np.uint8)
    case(out, "bits4", "MatMulNBits", [f(2, 3, 40), b4, f(15)], 1, (1, 2), K=40, N=5, bits=4, block_size=16)
    case(out, "bits4_zeros", "MatMulNBits", [f(3, 40), b4, f(15), rng.integers(0, 256, 10).astype(np.uint8)], 1, (1, 2, 3), K=40, N=5, bits=4, block_size=16)
    case(out, "bits8", "MatMulNBits", [f(3, 32), rng.integers(0, 256, (6, 2, 16)).astype(np.uint8), f(12)], 1, (1, 2), K=32, N=6, bits=8, block_size=16)


def u8(*shape):
    return rng.integers(0, 256, shape).astype(np.uint8)


def s8(*shape, most=127):
    return rng.integers(-most, most + 1, shape).astype(np.int8)


def scale(*values):
    return np.array(values, np.float32) if len(values) > 1 else np.array(values[0], np.float32)


def zero(kind, *values):
    return np.array(values, kind) if len(values) > 1 else np.array(values[0], kind)


def quantized(out):
    """Results of one rounding may differ by one where they lie between two bytes."""
    a, b, y = (scale(0.043), zero(np.uint8, 120)), (scale(0.021), zero(np.uint8, 3)), (scale(0.05), zero(np.uint8, 97))
    s = (scale(0.03), zero(np.int8, -5)), (scale(0.02), zero(np.int8, 11)), (scale(0.037), zero(np.int8, 7))
    case(out, "qlinear_add", "QLinearAdd", [u8(2, 3, 7), *a, u8(3, 1), *b, *y], 1, atol=1)
    case(out, "qlinear_add_signed", "QLinearAdd", [s8(5, 7), *s[0], s8(1), *s[1], *s[2]], 1, (4, 5), atol=1)
    case(out, "qlinear_mul", "QLinearMul", [u8(2, 3, 7), *a, u8(1, 7), *b, *y], 1, atol=1)
    case(out, "qlinear_sigmoid", "QLinearSigmoid", [s8(3, 67), *s[0], scale(1 / 256), zero(np.int8, -128)], 1, (1, 2, 3, 4), atol=1)
    case(out, "qlinear_leaky", "QLinearLeakyRelu", [u8(3, 5), *a, *y], 1, (1, 2, 3, 4), alpha=0.2, atol=1)
    case(out, "qlinear_softmax", "QLinearSoftmax", [u8(3, 4, 9), *a, scale(1 / 256), zero(np.uint8, 0)], 1, (1, 2, 3, 4), opset=13, axis=-1, atol=1)
    case(out, "qlinear_softmax_old", "QLinearSoftmax", [s8(3, 4, 5), *s[0], scale(1 / 256), zero(np.int8, -128)], 1, (1, 2, 3, 4), opset=11, axis=1, atol=1)
    case(out, "qlinear_average", "QLinearAveragePool", [u8(2, 3, 7, 6), *a, *y], 1, (1, 2, 3, 4), kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], atol=1)
    case(out, "qlinear_average_last", "QLinearAveragePool", [s8(1, 7, 6, 3), *s[0], *s[2]], 1, (1, 2, 3, 4), kernel_shape=[2, 2], pads=[1, 1, 0, 0],
         count_include_pad=1, channels_last=1, atol=1)
    case(out, "qlinear_global", "QLinearGlobalAveragePool", [u8(2, 5, 7, 3), *a, *y], 1, (1, 2, 3, 4), atol=1)
    case(out, "qlinear_global_last", "QLinearGlobalAveragePool", [s8(2, 7, 3, 5), *s[0], *s[2]], 1, (1, 2, 3, 4), channels_last=1, atol=1)
    case(out, "qlinear_concat", "QLinearConcat", [*y, u8(2, 3, 4), *a, u8(2, 1, 4), *b, u8(2, 2, 4), *y], 1, axis=1, atol=1)
    case(out, "qlinear_where", "QLinearWhere", [rng.integers(0, 2, (2, 1, 5)).astype(bool), u8(2, 3, 5), *a, u8(3, 1), *b, *y], 1, atol=1)
    by = scale(0.01, 0.02, 0.003, 0.04, 0.05), np.zeros(5, np.int8)
    x, w, bias = u8(2, 7, 6, 3), s8(5, 3, 3, 2, most=63), rng.integers(-900, 900, 5).astype(np.int32)
    case(out, "qlinear_conv_last", "QLinearConv", [x, *a, w, *by, scale(0.3), zero(np.uint8, 131), bias], 1, (1, 2, 3, 4, 5, 6, 7, 8), channels_last=1,
         pads=[1, 1, 1, 0], strides=[2, 1], atol=1)
    case(out, "qgemm", "QGemm", [u8(4, 19), *a, s8(19, 5, most=63), *by, bias, scale(0.2), zero(np.uint8, 99)], 1, (1, 2, 3, 4, 5, 6, 7, 8), atol=1)
    case(out, "qgemm_float", "QGemm", [s8(19, 4), *s[0], s8(5, 19, most=63), scale(0.02), zero(np.int8, 3)], 1, (1, 2, 3, 4, 5), transA=1, transB=1, alpha=0.7)
    x, w, bias = u8(2, 5, 12), s8(12, 24, most=63), f(24)
    case(out, "qattention", "QAttention", [x, w, bias, scale(0.02), scale(0.01), i32(5, 3), zero(np.uint8, 120), zero(np.int8, 0)], 1, (1, 2, 3, 4, 6, 7), num_heads=2)
    case(out, "qattention_columns", "QAttention", [x, w, bias, scale(0.02), np.abs(f(24, scale=0.01)), None, zero(np.uint8, 3), np.zeros(24, np.int8)], 1, (1, 2, 3, 4, 6, 7),
         num_heads=4, unidirectional=1)
    case(out, "qattention_past", "QAttention", [x, w, bias, scale(0.02), scale(0.01), None, zero(np.uint8, 120), zero(np.int8, 5), f(2, 2, 2, 3, 4)], 2,
         (1, 2, 3, 4, 6, 7), num_heads=2)
    small = u8(5, 19)
    case(out, "dynamic_product", "DynamicQuantizeMatMul", [f(3, 2, 37), s8(37, 9, most=63), np.abs(f(9, scale=0.02)), np.zeros(9, np.int8), f(9)], 1, (1, 2, 3, 4))
    case(out, "dynamic_product_unsigned", "DynamicQuantizeMatMul", [f(5, 19), u8(19, 7), scale(0.02), zero(np.uint8, 113)], 1, (1, 2, 3), atol=2e-4)
    case(out, "integer_to_float", "MatMulIntegerToFloat", [small, s8(19, 7, most=63), scale(0.03), scale(0.02), zero(np.uint8, 77), zero(np.int8, -3), f(7)], 1, (1, 3, 5, 6))


def large(out):
    """Large enough for kernels rather than loops."""
    a, b = u8(3, 11, 65), s8(65, 19, most=63)
    case(out, "bytes_unsigned_signed", "MatMulIntegerToFloat", [a, b, scale(0.03), scale(0.02), zero(np.uint8, 77), np.array(range(-9, 10), np.int8)], 1, (1, 5), atol=2e-3)
    case(out, "bytes_unsigned", "MatMulIntegerToFloat", [a // 2, u8(65, 19), scale(0.03), np.abs(f(19)), zero(np.uint8, 7), zero(np.uint8, 200)], 1, (1, 5), atol=1e-2)
    case(out, "bytes_signed", "MatMulIntegerToFloat", [s8(33, 65), b, scale(0.03), scale(0.02), zero(np.int8, -77)], 1, (1,), atol=2e-3)
    case(out, "dynamic_bytes", "DynamicQuantizeMatMul", [f(33, 65), b, np.abs(f(19, scale=0.02)), np.array(range(-9, 10), np.int8), f(19)], 1, (1, 2, 3, 4), atol=1e-4)
    from onnxruntime.quantization import QuantType, quantize_dynamic
    weights = [numpy_helper.from_array(w, n) for n, w in (("w0", f(24, 40)), ("b0", f(40)), ("w1", f(40, 24)), ("b1", f(24)), ("w2", f(24, 7)))]
    nodes = [h.make_node("MatMul", ["i0", "w0"], ["a"]), h.make_node("Add", ["b0", "a"], ["b"]), h.make_node("Relu", ["b"], ["c"]), h.make_node("MatMul", ["c", "w1"], ["d"]),
             h.make_node("Add", ["d", "b1"], ["e"]), h.make_node("Add", ["i0", "e"], ["f"]), h.make_node("MatMul", ["f", "w2"], ["o0"])]
    plain = h.make_model(h.make_graph(nodes, "net", [h.make_tensor_value_info("i0", 1, ["n", "t", 24])], [h.make_tensor_value_info("o0", 1, None)], weights), ir_version=8,
                         opset_imports=[h.make_opsetid("", 17)])
    for kind in QuantType.QInt8, QuantType.QUInt8:
        with tempfile.TemporaryDirectory() as folder:
            source, quantized = os.path.join(folder, "plain.onnx"), os.path.join(folder, "quantized.onnx")
            onnx.save(plain, source)
            quantize_dynamic(source, quantized, weight_type=kind, per_channel=kind == QuantType.QInt8, reduce_range=True)
            case(out, f"quantize_dynamic_{kind.name.lower()}", "", [f(2, 13, 24)], 1, model=onnx.load(quantized), atol=1e-3)


def rounded(out):
    """Between QuantizeLinear and DequantizeLinear: FLOAT that is worth whole numbers of bytes."""
    kinds = {"u": np.uint8, "s": np.int8}
    fixed, nodes = [], []

    def constant(name, value):
        fixed.append(numpy_helper.from_array(value, name))
        return name

    def pair(x, kind, by, point):
        at = len(nodes)
        both = [constant(f"s{at}", np.float32(by)), constant(f"z{at}", kinds[kind](point))]
        nodes.append(h.make_node("QuantizeLinear", [x, *both], [f"q{at}"]))
        nodes.append(h.make_node("DequantizeLinear", [f"q{at}", *both], [f"d{at}"]))
        return f"d{at}"

    def conv(x, w, result, **window):
        at = len(nodes)
        scales, zeros = constant(f"s{at}", np.abs(f(w.shape[0], scale=0.02)) + 0.001), constant(f"z{at}", np.zeros(w.shape[0], np.int8))
        nodes.append(h.make_node("DequantizeLinear", [constant(f"w{at}", w), scales, zeros], [f"d{at}"], axis=0))
        nodes.append(h.make_node("Conv", [x, f"d{at}", constant(f"b{at}", f(w.shape[0]))], [result], **window))
        return result
    x = pair("i0", "u", 0.02, 113)
    a = pair(conv(x, s8(5, 3, 3, 3, most=63), "a", pads=[1, 1, 1, 1]), "s", 0.05, -17)
    b = pair(conv(x, s8(5, 3, 1, 1, most=63), "b"), "u", 0.03, 140)
    nodes.append(h.make_node("Add", [a, b], ["c"]))
    nodes.append(h.make_node("Relu", ["c"], ["d"]))
    nodes.append(h.make_node("MaxPool", [pair("d", "s", 0.04, -128)], ["e"], kernel_shape=[2, 2], strides=[2, 2]))
    nodes.append(h.make_node("LeakyRelu", [pair(conv("e", s8(7, 5, 3, 3, most=63), "f"), "u", 0.06, 100)], ["g"], alpha=0.3))
    nodes.append(h.make_node("Clip", ["g", constant("low", np.float32(-1.2)), constant("high", np.float32(4.1))], ["o0"]))
    model = h.make_model(h.make_graph(nodes, "net", [h.make_tensor_value_info("i0", 1, [2, 3, 13, 10])], [h.make_tensor_value_info("o0", 1, None)], fixed), ir_version=8,
                         opset_imports=[h.make_opsetid("", 17)])
    case(out, "rounded", "", [f(2, 3, 13, 10, scale=1.5)], 1, model=model, atol=0.061)


def nhwc(out):
    """ONNX Runtime has no kernel of NhwcConv for processors: the same by Conv between transposes."""
    x, w, b = f(2, 6, 7, 4), f(6, 3, 2, 2), f(6)
    window = dict(group=2, pads=[1, 0, 1, 1], strides=[2, 1])
    nodes = [h.make_node("Transpose", ["i0"], ["x"], perm=[0, 3, 1, 2]), h.make_node("Transpose", ["i1"], ["w"], perm=[0, 3, 1, 2]),
             h.make_node("Conv", ["x", "w", "i2"], ["y"], **window), h.make_node("Transpose", ["y"], ["o0"], perm=[0, 2, 3, 1])]
    fixed = [numpy_helper.from_array(w, "i1"), numpy_helper.from_array(b, "i2")]
    oracle = h.make_model(h.make_graph(nodes, "nhwc", [h.make_tensor_value_info("i0", 1, x.shape)], [h.make_empty_tensor_value_info("o0")], fixed), ir_version=8,
                          opset_imports=[h.make_opsetid("", 17)])
    case(out, "nhwc_conv", "NhwcConv", [x, w, b], 1, (1, 2), oracle=oracle, **window)


def main():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for group in (attention, multi_head, group_query, rest, quantized, large, rounded, nhwc):
            group(out)
    open(sys.argv[1], "wb").write(buffer.getvalue())
    print(len(buffer.getvalue()), "bytes")


main()
