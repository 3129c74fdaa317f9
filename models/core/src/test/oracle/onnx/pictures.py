"""Writes golden/onnx-pictures: a tiny network of pictures with random weights, and what ONNX Runtime answers.

    python3 pictures.py ../../resources/golden/onnx-pictures        (onnx 1.22, onnxruntime 1.29)
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    random = np.random.default_rng(7)
    weights = {"w": (5, 3, 3, 3), "b": (5,), "fc.w": (4, 5), "fc.b": (4,)}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]), helper.make_node("Relu", ["c"], ["r"]),
             helper.make_node("GlobalAveragePool", ["r"], ["p"]), helper.make_node("Flatten", ["p"], ["f"]),
             helper.make_node("Gemm", ["f", "fc.w", "fc.b"], ["logits"], transB=1)]
    graph = helper.make_graph(nodes, "pictures", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
                              [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 4])],
                              [numpy_helper.from_array(random.normal(0, 0.5, s).astype(np.float32), n) for n, s in weights.items()])
    path = os.path.join(folder, "model.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    pictures = random.normal(0, 1, (5, 3, 18, 14)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    save_file({"pictures": pictures, "logits": session.run(None, {"x": pictures})[0]}, os.path.join(folder, "cases.safetensors"))


if __name__ == "__main__":
    main()
