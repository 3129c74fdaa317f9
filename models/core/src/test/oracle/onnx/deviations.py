"""Writes graphs that are nearly a pattern of Gatun's fusions, or at the edge of an operator, in ONNX's own layout.

    python deviations.py ARCHIVE.zip

What is expected is what ONNX Runtime computes without optimizations. Made with onnxruntime 1.30.
"""
import sys
import zipfile

import numpy as np
import onnxruntime
from onnx import numpy_helper, parser

rng = np.random.default_rng(0)
CASES = {
    "gelu_of_higher_rank": ("x [3, 7]", "a {0.70710677} h [1, 1, 1, 1] {0.5} o {1}",
                            "e = Mul(x, a) f = Erf(e) s = Add(f, o) m = Mul(x, s) y = Mul(m, h)"),
    "gelu_of_a_scalar": ("x []", "a [1] {0.70710677} h [1] {0.5} o [1] {1}",
                         "e = Mul(x, a) f = Erf(e) s = Add(f, o) m = Mul(x, s) y = Mul(m, h)"),
    "gelu_by_another_number": ("x [3, 7]", "a {0.7076} h {0.5} o {1}",
                               "e = Mul(x, a) f = Erf(e) s = Add(f, o) m = Mul(x, s) y = Mul(m, h)"),
    "hard_swish_of_another_slope": ("x [3, 40]", "", "g = HardSigmoid<alpha = 0.1667, beta = 0.5>(x) y = Mul(x, g)"),
    "square_of_higher_rank": ("x [2, 6]", "two [1, 1, 1, 1] {2}", "q = Pow(x, two) y = Neg(q)"),
    "rms_norm_of_columns": ("x [3, 1]", "two {2} e {0.1} g [4] {1, 2, 3, 4}",
                            "l = Constant<value_ints = [-1]>() q = Pow(x, two) m = ReduceMean(q, l) a = Add(m, e)"
                            " r = Sqrt(a) d = Div(x, r) y = Mul(d, g)"),
    "layer_norm_of_columns": ("x [3, 1]", "two {2} e [1, 1] {0.1} g [4] {1, 2, 3, 4} b [4] {4, 3, 2, 1}",
                              "l = Constant<value_ints = [-1]>() u = ReduceMean(x, l) c = Sub(x, u) q = Pow(c, two) m = ReduceMean(q, l)"
                              " a = Add(m, e) r = Sqrt(a) d = Div(c, r) p = Mul(d, g) y = Add(p, b)"),
    "layer_norm_scaled_by_rows": ("x [2, 4, 4], g [4, 1], b [4, 4]", "", "y = LayerNormalization<axis = -1>(x, g, b)"),
    "layer_norm_of_two_axes": ("x [2, 3, 4], g [3, 1], b [4]", "", "y = LayerNormalization<axis = 1>(x, g, b)"),
    "layer_norm_by_a_column": ("x [2, 4, 4]", "g [4, 1] {1, 2, 3, 4}", "y = LayerNormalization<axis = -1>(x, g)"),
    "gemm_plus_a_column": ("x [3, 5]", "w [5, 3] {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6} b [3, 1] {100, 200, 300}",
                           "y = Gemm(x, w, b)"),
    "batch_norm_of_pixels": ("x [2, 3, 1, 1]", "s [3] {1, 2, 3} t [3] {4, 5, 6} m [3] {1, 0, -1} v [3] {1, 2, 0.5}",
                             "n = BatchNormalization(x, s, t, m, v) y = Neg(n)"),
    "softmax_of_hidden_rows": ("q [1, 2, 3, 4], k [1, 2, 4, 5], v [1, 2, 5, 4], m [1, 1, 3, 5]", "",
                               "s = MatMul(q, k) a = Add(s, m) p = Softmax<axis = -1>(a) y = MatMul(p, v)"),
    "slice_of_nothing": ("x [4, 0]", "",
                         "s = Constant<value_ints = [-1, -1]>() e = Constant<value_ints = [-5, -9]>() a = Constant<value_ints = [0, 1]>()"
                         " t = Constant<value_ints = [-1, -1]>() y = Slice(x, s, e, a, t)"),
    "every_second_of_seven": ("x [2, 3, 7, 5]", "",
                              "s = Constant<value_ints = [0, 1]>() e = Constant<value_ints = [9, 9]>() a = Constant<value_ints = [2, 3]>()"
                              " t = Constant<value_ints = [2, 2]>() r = Relu(x) q = Slice(r, s, e, a, t) y = Tanh(q)"),
    "squares_without_axes": ("x [3, 5]", "", "y = ReduceSumSquare<noop_with_empty_axes = 1>(x)"),
    "nearest_at_a_whole_pixel": ("x [1, 1, 12, 4]", "n [4] {1, 1, 0.6, 1}",
                                 "y = Resize<mode = \"nearest\", nearest_mode = \"floor\","
                                 " coordinate_transformation_mode = \"asymmetric\">(x, , n)"),
}


def constant(text):
    name, rest = text.split(" ", 1)
    shape, values = (rest.split("{", 1)[0].strip(), rest.split("{", 1)[1].rstrip("}"))
    numbers = ", ".join(v if "." in v else v + ".0" for v in values.replace(" ", "").split(","))
    return f"float{shape} {name} = {{{numbers}}}"


def model(name, inputs, constants, body):
    parts = [c.strip() + "}" for c in constants.split("}") if c.strip()]
    given = ", ".join(f"float{'' if p.split(' ', 1)[1] == '[]' else p.split(' ', 1)[1].replace(' ', '')} {p.split(' ', 1)[0]}"
                      for p in [q + ("]" if not q.endswith("]") else "") for q in inputs.split("], ")])
    fixed = f"<{', '.join(constant(c) for c in parts)}>" if parts else ""
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 18]> {name} ({given}) => (y) {fixed} {{ {body} }}')


def write(out, name, inputs, constants, body):
    made = model(name, inputs, constants, body)
    feed = {}
    for info in made.graph.input:
        shape = [d.dim_value for d in info.type.tensor_type.shape.dim]
        feed[info.name] = rng.standard_normal(shape).astype(np.float32)
    if name == "softmax_of_hidden_rows":
        feed["m"] = np.where(rng.random((1, 1, 3, 5)) < 0.4, -np.inf, 0).astype(np.float32)
        feed["m"][0, 0, 1] = -np.inf
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    [found] = session.run(["y"], feed)

    def file(path, data):
        out.writestr(zipfile.ZipInfo(f"{name}/{path}"), data, zipfile.ZIP_DEFLATED, 9)
    made.graph.output[0].type.tensor_type.elem_type = 1
    file("model.onnx", made.SerializeToString())
    file("data.json", '{"rtol": 1e-5, "atol": 1e-5}')
    for k, (key, value) in enumerate(feed.items()):
        file(f"test_data_set_0/input_{k}.pb", numpy_helper.from_array(value, key).SerializeToString())
    file("test_data_set_0/output_0.pb", numpy_helper.from_array(found, "y").SerializeToString())


with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for case, text in CASES.items():
        write(archive, case, *text)
