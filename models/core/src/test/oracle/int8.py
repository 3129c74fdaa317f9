"""Writes golden/int8.json: of each folder of golden/families and golden/seq2seq the share of their root mean square that the answers in
cases.safetensors differ by when PyTorch quantizes every linear layer dynamically (bytes, one scale for a weight and for a batch's rows).

    python3 int8.py ../resources/golden        (transformers 5.18, torch 2.13)
"""
import json
import sys
from pathlib import Path

import torch
import transformers as T
from safetensors.torch import load_file
from torch.ao.quantization import quantize_dynamic

sys.path.insert(0, str(Path(__file__).parent / "families"))
SAME = {"nomic_bert-original": "nomic_bert", "gte-original": "gte"}  # the same weights by other names


def parts(case, name):
    offsets = case[name + "offsets"].tolist()
    return [case[name.rstrip("_") or "ids"][a:b].long()[None] for a, b in zip(offsets, offsets[1:])]


def load(folder):
    if folder.name == "jina-bert":
        from jina import Jina
        model = Jina()
        model.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()}, strict=False)
        return model
    kind = json.loads((folder / "config.json").read_text())["architectures"][0]
    return getattr(T, kind).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def share(folder):
    case = load_file(folder / "cases.safetensors")
    model = quantize_dynamic(load(folder).eval(), {torch.nn.Linear}, dtype=torch.qint8)
    with torch.no_grad():
        if "logits" in case:
            found = [model(input_ids=s, decoder_input_ids=t).logits[0] for s, t in zip(parts(case, "sources_"), parts(case, "targets_"))]
            exact = case["logits"]
        else:
            found = [model(ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0] for ids in parts(case, "")]
            exact = case["hidden"]
    return float((torch.cat(found) - exact).norm() / exact.norm())


def main(root):
    shares = {}
    for folder in sorted([*(root / "families").iterdir(), *(root / "seq2seq").iterdir()]):
        if (folder / "cases.safetensors").exists():
            key = f"{folder.parent.name}/{folder.name}"
            shares[key] = round(share(folder.parent / SAME.get(folder.name, folder.name)), 4)
    (root / "int8.json").write_text(json.dumps(shares, indent=1) + "\n")


main(Path(sys.argv[1]))
