"""Goldens of CLIP and SigLIP: tiny random models of transformers, with what they make of texts, of given inputs, and of a picture.

Run: python clip.py ../../resources/golden   (torch, transformers 5.18, safetensors, pillow, sentencepiece); takes the tokenizers and the
picture of the goldens that are there already, and writes the folder clip. Vectors are those of get_text_features and get_image_features.
"""
import json
import pathlib
import shutil
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, CLIPConfig, CLIPModel, SiglipConfig, SiglipModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

OUT = pathlib.Path(sys.argv[1])
TEXTS = ["a photo of a cat", "", "two DOGS, and a fox!", "The quick brown fox jumps over the lazy dog; it sings in the sun by the river.",
         "  naïve café  ", "end<|endoftext|> of it"]
SIZES = dict(hidden_size=36, num_attention_heads=3, num_hidden_layers=2, intermediate_size=50)
VISION = dict(hidden_size=24, num_attention_heads=2, num_hidden_layers=2, intermediate_size=40)
CLIP_TEXT = dict(SIZES, vocab_size=700, max_position_embeddings=17, bos_token_id=0)
SIGLIP_TEXT = dict(SIZES, vocab_size=120, max_position_embeddings=16, pad_token_id=1)
CASES = {
    "clip": (CLIPConfig(text_config=dict(CLIP_TEXT, eos_token_id=1), vision_config=dict(VISION, image_size=28, patch_size=7), projection_dim=20),
             CLIPModel, CLIPImageProcessorPil(size={"shortest_edge": 30}, crop_size={"height": 28, "width": 28})),
    # eos_token_id 2 means the largest id; this tokenizer's is the last of its vocabulary.
    "clip-old": (CLIPConfig(text_config=dict(CLIP_TEXT, eos_token_id=2, hidden_act="gelu"), projection_dim=13,
                            vision_config=dict(VISION, image_size=23, patch_size=5, hidden_act="gelu", layer_norm_eps=1e-3)),
                 CLIPModel, CLIPImageProcessorPil(size={"height": 24, "width": 33}, crop_size={"height": 23, "width": 23}, resample=2,
                                                  image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4])),
    "siglip": (SiglipConfig(text_config=dict(SIGLIP_TEXT, projection_size=24), vision_config=dict(VISION, image_size=30, patch_size=7)),
               SiglipModel, SiglipImageProcessorPil(size={"height": 30, "width": 30})),
}


def tokenizer(name, folder):
    source = OUT / "tokenize" / ("siglip" if name == "siglip" else "clip")
    settings = {"tokenizer_class": "SiglipTokenizer" if name == "siglip" else "CLIPTokenizer", "model_max_length": 16}
    if name == "siglip":
        settings["model_input_names"] = ["input_ids"]  # as the hub's: padding is attended to
    if name == "clip-old":
        words = json.loads((source / "vocab.json").read_text(encoding="utf-8"))
        last, end = max(words, key=words.get), "<|endoftext|>"
        words[last], words[end] = words[end], words[last]
        (folder / "vocab.json").write_text(json.dumps(words, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    elif name == "clip":
        shutil.copy(source / "vocab.json", folder / "vocab.json")
    if name != "siglip":
        shutil.copy(source / "merges.txt", folder / "merges.txt")
    else:
        shutil.copy(source / "spiece.model", folder / "spiece.model")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings) + "\n")
    return AutoTokenizer.from_pretrained(folder)


def main():
    torch.manual_seed(7)
    picture = Image.open(OUT / "vit" / "picture.png").convert("RGB")
    for name, (config, kind, processor) in CASES.items():
        folder = OUT / "clip" / name
        shutil.rmtree(folder, ignore_errors=True)
        model = kind(config).eval()
        with torch.no_grad():
            for key, value in model.named_parameters():
                norm = "norm" in key and key.endswith("weight")
                value.copy_((1 if norm else 0) + torch.randn_like(value) * (0.3 if norm or value.ndim != 2 else 0.2))
            model.logit_scale.fill_(1.25)
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        file = folder / "model.safetensors"
        save_file({k: v.half() for k, v in load_file(file).items()}, file)
        model = kind.from_pretrained(folder, dtype=torch.float32).eval()
        size = config.vision_config.image_size
        height, width = size if isinstance(size, (list, tuple)) else (size, size)
        pixels = torch.randn(2, 3, height, width)
        words = tokenizer(name, folder)
        padding = dict(padding="max_length", max_length=16) if name == "siglip" else dict(padding=True)
        texts = words(TEXTS, return_tensors="pt", truncation=True, **padding)
        prepared = torch.from_numpy(np.asarray(processor(picture)["pixel_values"])).float()
        with torch.no_grad():
            result = {"texts": model.get_text_features(**texts).pooler_output, "pixels": pixels,
                      "pictures": model.get_image_features(pixels).pooler_output, "prepared": prepared,
                      "picture": model.get_image_features(prepared).pooler_output,
                      "logits": model(**texts, pixel_values=torch.cat([pixels, prepared])).logits_per_image}
        save_file({k: v.contiguous() for k, v in result.items()}, OUT / "clip" / f"{name}.safetensors")
        print(name, {k: tuple(v.shape) for k, v in result.items()}, texts["input_ids"].tolist())
    (OUT / "clip" / "texts.json").write_text(json.dumps(TEXTS) + "\n")


main()
