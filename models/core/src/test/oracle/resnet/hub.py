"""Goldens of Hugging Face's ResNet: tiny random models of transformers, logits of given inputs, and of a picture prepared by ConvNeXT's
image processor, which these models have.

Run: python hub.py OUTPUT_FOLDER   (torch, transformers, safetensors, pillow)
"""
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import ResNetConfig, ResNetForImageClassification
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil

OUT = pathlib.Path(sys.argv[1])
NAMES = {i: name for i, name in enumerate(["cat", "dog", "bird", "fish", "tree"])}
# The processor's file is given where it has the fields that older versions wrote, as those of microsoft/resnet-50.
OLD = dict(crop_pct=0.875, do_normalize=True, do_resize=True, feature_extractor_type="ConvNextFeatureExtractor",
           image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], resample=3, size=40)
CASES = {
    "bottleneck": (dict(depths=[1, 2, 1], hidden_sizes=[16, 24, 40], embedding_size=6), OLD),
    "early": (dict(depths=[2, 1], hidden_sizes=[8, 20], embedding_size=8, downsample_in_bottleneck=True, num_channels=3),
              dict(size={"shortest_edge": 33}, crop_pct=0.7, resample=2)),
    "basic": (dict(depths=[1, 2, 1, 1], hidden_sizes=[7, 7, 13, 9], embedding_size=5, layer_type="basic", hidden_act="gelu",
                   downsample_in_first_stage=True), dict(size={"shortest_edge": 384}, rescale_factor=1 / 127.5)),
}


def main():
    torch.manual_seed(6)
    rng = np.random.default_rng(6)
    OUT.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)).resize((61, 47), Image.BICUBIC)
    picture.save(OUT / "picture.png")
    for name, (sizes, preprocessing) in CASES.items():
        config = ResNetConfig(id2label=NAMES, label2id={v: k for k, v in NAMES.items()}, **sizes)
        model = ResNetForImageClassification(config).eval()
        with torch.no_grad():
            for key, value in model.state_dict().items():
                if key.endswith("running_var"):
                    value.uniform_(0.5, 2)
                elif value.is_floating_point() and value.ndim == 1:
                    value.add_(torch.randn_like(value) * 0.3)
        folder = OUT / name
        model.save_pretrained(folder)
        if preprocessing is OLD:
            (folder / "preprocessor_config.json").write_text(json.dumps(OLD, indent=2) + "\n")
        else:
            ConvNextImageProcessorPil(**preprocessing).save_pretrained(folder)
        processor = ConvNextImageProcessorPil.from_pretrained(folder)
        file = folder / "model.safetensors"
        save_file({k: v.half() if v.is_floating_point() else v for k, v in load_file(file).items()}, file)
        model = ResNetForImageClassification.from_pretrained(folder, dtype=torch.float32).eval()
        pixels = torch.randn(2, 3, 25, 20)
        prepared = torch.from_numpy(np.asarray(processor(picture)["pixel_values"])).float()
        step = 997 if prepared.numel() > 10000 else 1
        with torch.no_grad():
            save_file({"pixels": pixels, "logits": model(pixels).logits, "features": model.resnet(pixels).pooler_output.flatten(1),
                       "prepared": prepared.flatten()[::step].clone(), "picture": model(prepared).logits}, OUT / f"{name}.safetensors")
        print(name, (folder / "preprocessor_config.json").read_text(), prepared.shape)


main()
