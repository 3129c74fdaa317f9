"""Small pictures of every kind that the reader knows, and what Pillow makes of them.

    /usr/bin/python3 models/core/src/test/oracle/image/pictures.py models/core/src/test/resources/golden/image

Needs Debian's python3-pil and python3-numpy. expected.safetensors holds, per picture, the upright 8-bit pixels
"NAME/pixels" [H, W, C] and "NAME/fitted" [24, 20, C], resized as torchvision does (shorter side 32, bilinear with
antialiasing, centre crop); "rgb.png/enlarged" [100, 90, 3] and "rgb.png/shrunk" [7, 5, 3] are plain resizes.
"""
import json
import os
import struct
import sys

import numpy as np
from PIL import Image, ImageOps

OUT = sys.argv[1]
EXPECTED = {}


def scene(height=47, width=61, channels=3):
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 80 * np.sin(x / (5 + c) + c) + 40 * np.cos(y / (3 + c)) for c in range(channels)]
    noise = np.random.RandomState(7).randint(-8, 9, (height, width, channels))
    return np.clip(np.stack(planes, -1) + noise, 0, 255).astype(np.uint8)


def fit(image, short=32, height=24, width=20):
    w, h = image.size
    size = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
    image = image.resize(size, Image.BILINEAR)
    top, left = round((size[1] - height) / 2), round((size[0] - width) / 2)
    return image.crop((left, top, left + width, top + height))


def expect(name, image):
    pixels = np.asarray(image)
    EXPECTED[name + "/pixels"] = pixels if pixels.ndim == 3 else pixels[:, :, None]
    fitted = np.asarray(fit(image))
    EXPECTED[name + "/fitted"] = fitted if fitted.ndim == 3 else fitted[:, :, None]


def save(name, image, expected=None, **options):
    path = os.path.join(OUT, name)
    image.save(path, **options)
    expect(name, Image.open(path) if expected is None else expected)


def write_expected():
    header, blobs, offset = {}, [], 0
    for name, array in EXPECTED.items():
        blob = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": "U8", "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(OUT, "expected.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


os.makedirs(OUT, exist_ok=True)
rgb = Image.fromarray(scene())
save("rgb.png", rgb)
EXPECTED["rgb.png/enlarged"] = np.asarray(rgb.resize((90, 100), Image.BILINEAR))
EXPECTED["rgb.png/shrunk"] = np.asarray(rgb.resize((5, 7), Image.BILINEAR))
save("grey.png", rgb.convert("L"))
save("bits.png", rgb.convert("1"), rgb.convert("1").convert("RGB"))
save("palette.png", rgb.convert("P"), rgb.convert("P").convert("RGB"))
save("rgb.bmp", Image.fromarray(scene(31, 9)))
save("tall.gif", Image.fromarray(scene(40, 33)).convert("P"), Image.fromarray(scene(40, 33)).convert("P").convert("RGB"))
rgba = Image.fromarray(scene(channels=4), "RGBA")
save("alpha.png", rgba, rgba.convert("RGB"))
deep = scene(channels=1)[:, :, 0].astype(np.uint16) * 257
save("deep.png", Image.fromarray(deep), Image.fromarray((deep // 257).astype(np.uint8)))
save("photo.jpg", rgb, quality=95, subsampling=0)
save("grey.jpg", rgb.convert("L"), quality=95)
for orientation in range(1, 9):
    name = f"orientation-{orientation}.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    small = Image.fromarray(scene(33, 41))
    small.save(os.path.join(OUT, name), quality=95, subsampling=0, exif=exif)
    expect(name, ImageOps.exif_transpose(Image.open(os.path.join(OUT, name))))
rgb.convert("CMYK").save(os.path.join(OUT, "cmyk.jpg"), quality=60)
write_expected()
