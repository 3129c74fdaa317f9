"""Reads and writes safetensors files without the safetensors package.

The layout: an unsigned 64-bit little-endian header length, a JSON header (padded with spaces to a multiple of 8)
that maps each name to dtype, shape and data_offsets, and the data. `__metadata__` maps strings to strings.
"""
import json
import struct

import numpy as np

_CODES = {"float32": "F32", "float64": "F64", "int64": "I64", "int32": "I32", "uint8": "U8", "bool": "BOOL"}
_TYPES = {code: np.dtype(name) for name, code in _CODES.items()}


def write(path, tensors, metadata=None):
    header, blocks, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = {key: str(value) for key, value in metadata.items()}
    # Wide types first, so that every tensor starts at a multiple of its own element size.
    for name in sorted(tensors, key=lambda n: (-_array(tensors[n]).itemsize, n)):
        array = _array(tensors[name])
        data = array.tobytes()
        header[name] = {"dtype": _CODES[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [offset, offset + len(data)]}
        blocks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for data in blocks:
            file.write(data)


def read(path):
    """Returns (tensors, metadata); the tensors are numpy arrays."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    metadata = header.pop("__metadata__", {})
    data = memoryview(content)[8 + length:]
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], _TYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
    return tensors, metadata


def _array(tensor):
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu().numpy()
    array = np.ascontiguousarray(tensor)
    return array.reshape(np.shape(tensor))
