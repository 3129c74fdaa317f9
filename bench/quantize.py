"""Makes the int8 model that the suite encoder-int8 compares with: ONNX Runtime's dynamic quantization with its defaults.

python bench/quantize.py [models/target/minilm]      needs onnx and onnxruntime
"""
import sys
from pathlib import Path

from onnxruntime.quantization import quantize_dynamic

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "models/target/minilm")
quantize_dynamic(folder / "model.onnx", folder / "model_int8.onnx")
