"""GIF frames on larger canvases, and every filter of Pillow's resize.

    python models/core/src/test/oracle/image/filters.py models/core/src/test/resources/golden/image

Reads rgb.png of pictures.py; needs Pillow and numpy. Writes canvas-*.gif and filters.safetensors: "NAME/pixels" [H, W, 3], and
"FILTER/enlarged" [53, 67, 3], "FILTER/shrunk" [7, 5, 3], "FILTER/mixed" [60, 9, 3], "FILTER/ties" [27, 31, 3], where bilinear
sums end in halves, of rgb.png, and "FILTER/edges" [35, 36, 3],
where centres fall on pixels' edges, of its first 40 x 45.
"""
import json
import os
import struct
import sys

import numpy as np
from PIL import Image

OUT = sys.argv[1]
PALETTE = bytes([10, 20, 30, 200, 0, 0, 0, 200, 0, 0, 0, 200])


def lzw(pixels, size=2):
    """Codes of one width: the dictionary is cleared before it grows."""
    bits, count, data = 0, 0, bytearray()

    def emit(code):
        nonlocal bits, count
        bits |= code << count
        count += size + 1
        while count >= 8:
            data.append(bits & 255)
            bits >>= 8
            count -= 8

    for i in range(0, len(pixels), 2):
        emit(1 << size)
        for pixel in pixels[i:i + 2]:
            emit(pixel)
    emit((1 << size) + 1)
    data.append(bits & 255)
    blocks = b"".join(bytes([len(data[i:i + 255])]) + bytes(data[i:i + 255]) for i in range(0, len(data), 255))
    return bytes([size]) + blocks + b"\0"


def gif(canvas, frame, transparent=None, local=False):
    out = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0 if local else 0x81, 3, 0) + (b"" if local else PALETTE)
    if transparent is not None:
        out += b"\x21\xf9\x04" + bytes([1, 0, 0, transparent]) + b"\0"
    out += b"," + struct.pack("<HHHHB", *frame, 0x81 if local else 0) + (PALETTE if local else b"")
    return out + lzw([(i * i) % 4 for i in range(frame[2] * frame[3])]) + b";"


expected = {}
for name, content in {
        "canvas-plain": gif((80, 60), (7, 11, 40, 30)),
        "canvas-transparent": gif((80, 60), (7, 11, 40, 30), transparent=1),
        "canvas-local": gif((9, 8), (0, 3, 9, 5), local=True),
        "canvas-beyond": gif((5, 4), (3, 2, 6, 7))}.items():
    path = os.path.join(OUT, name + ".gif")
    with open(path, "wb") as f:
        f.write(content)
    expected[name + ".gif/pixels"] = np.asarray(Image.open(path).convert("RGB"))

rgb = Image.open(os.path.join(OUT, "rgb.png"))
for kind in ("NEAREST", "BOX", "BILINEAR", "HAMMING", "BICUBIC", "LANCZOS"):
    for key, size in {"enlarged": (67, 53), "shrunk": (5, 7), "mixed": (9, 60), "ties": (31, 27)}.items():
        expected[kind + "/" + key] = np.asarray(rgb.resize(size, Image.Resampling[kind]))
    expected[kind + "/edges"] = np.asarray(rgb.crop((0, 0, 40, 45)).resize((36, 35), Image.Resampling[kind]))

header, blobs, offset = {}, [], 0
for name, array in expected.items():
    blob = np.ascontiguousarray(array).tobytes()
    header[name] = {"dtype": "U8", "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
    blobs.append(blob)
    offset += len(blob)
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(OUT, "filters.safetensors"), "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
