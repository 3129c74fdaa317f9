"""Goldens of ViT and DeiT: tiny random models of transformers, logits of given inputs, and of pictures prepared by its image processors.

Run: python vit.py OUTPUT_FOLDER   (torch, transformers, safetensors, pillow)
"""
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (DeiTConfig, DeiTForImageClassification, DeiTForImageClassificationWithTeacher, ViTConfig,
                          ViTForImageClassification)
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

OUT = pathlib.Path(sys.argv[1])
SIZES = dict(hidden_size=36, num_attention_heads=3, num_hidden_layers=2, intermediate_size=52, num_labels=5)
CASES = {
    "vit": (ViTConfig(image_size=30, patch_size=7, **SIZES), ViTForImageClassification,
            ViTImageProcessorPil(size={"height": 30, "width": 30})),
    "vit-wide": (ViTConfig(image_size=[20, 30], patch_size=[5, 6], qkv_bias=False, hidden_act="quick_gelu", layer_norm_eps=1e-3, **SIZES),
                 ViTForImageClassification,
                 ViTImageProcessorPil(size={"shortest_edge": 33}, crop_size={"height": 20, "width": 30}, do_center_crop=True, resample=3,
                                      image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4], rescale_factor=1 / 127.5)),
    "deit": (DeiTConfig(image_size=30, patch_size=6, **SIZES), DeiTForImageClassification,
             DeiTImageProcessorPil(size={"height": 37, "width": 34}, crop_size={"height": 30, "width": 30}, do_normalize=False)),
    "deit-teacher": (DeiTConfig(image_size=30, patch_size=6, hidden_act="gelu_new", **SIZES), DeiTForImageClassificationWithTeacher,
                     DeiTImageProcessorPil(size=35, crop_size=30, do_rescale=False, image_mean=[127.0, 120.0, 110.0],
                                           image_std=[60.0, 61.0, 62.0])),
}


def main():
    torch.manual_seed(5)
    rng = np.random.default_rng(5)
    OUT.mkdir(parents=True, exist_ok=True)
    low = rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)
    picture = Image.fromarray(low).resize((61, 47), Image.BICUBIC)
    picture.save(OUT / "picture.png")
    for name, (config, kind, processor) in CASES.items():
        model = kind(config).eval()
        with torch.no_grad():
            for key, value in model.named_parameters():
                norm = "layernorm" in key and key.endswith("weight")
                value.copy_((1 if norm else 0) + torch.randn_like(value) * (0.3 if norm or value.ndim != 2 else 0.2))
        folder = OUT / name
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        file = folder / "model.safetensors"
        save_file({k: v.half() for k, v in load_file(file).items()}, file)
        model = kind.from_pretrained(folder, dtype=torch.float32).eval()
        height, width = config.image_size if isinstance(config.image_size, (list, tuple)) else (config.image_size,) * 2
        pixels = torch.randn(3, 3, height, width)
        prepared = torch.from_numpy(np.asarray(processor(picture)["pixel_values"])).float()
        with torch.no_grad():
            save_file({"pixels": pixels, "logits": model(pixels).logits, "prepared": prepared, "picture": model(prepared).logits},
                      OUT / f"{name}.safetensors")
        print(name, json.loads((folder / "preprocessor_config.json").read_text()), prepared.shape)


main()
