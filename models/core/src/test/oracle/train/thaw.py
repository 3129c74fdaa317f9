"""What transformers makes of tiny encoders in three steps of fine-tuning on all examples at once, of all layers or of the head alone: losses,
the share of the first label of each example afterwards, and the first elements of every parameter. The head begins as InitialWeights has it, dropout is off.

    python thaw.py GOLDEN_HEADS TEXTS.json OUT.json
"""
import json
import sys

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

MODELS = ["bert-classify", "albert-classify", "distilbert-fill", "roberta-fill", "electra-fill", "mpnet-fill"]
HEADS = ("classifier", "pre_classifier")


def java_hash(text):
    h = 0
    for c in text:
        h = (31 * h + ord(c)) & 0xFFFFFFFF
    return h - (1 << 32) if h >> 31 else h


def initial(name, fan_in, shape, seed=1):
    u = np.uint64
    with np.errstate(over="ignore"):
        start = u((seed * 1_000_003 + java_hash(name) * 31) & (2**64 - 1))
        z = start + np.arange(int(np.prod(shape)), dtype=u) * u(0x632be59bd9b4e019) + u(0x9e3779b97f4a7c15)
        z = (z ^ (z >> u(30))) * u(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> u(27))) * u(0x94d049bb133111eb)
        z = (z ^ (z >> u(31))) >> u(40)
    draw = z.astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    return torch.from_numpy((np.float32(1 / np.sqrt(fan_in)) * draw).reshape(shape))


def fit(folder, examples, frozen):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, id2label={0: "fine", 1: "poor"}, dtype=torch.float32, attn_implementation="eager", ignore_mismatched_sizes=True).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            if key.startswith(HEADS):
                layer = key.rsplit(".", 1)[0]
                p.copy_(initial(key, model.get_submodule(layer).in_features, p.shape))
            p.requires_grad_(not frozen or key.startswith(HEADS) or "pooler" in key)
    # Some tiny models' texts have the padding's id in them, whose rows learn like any other here.
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding):
            module.padding_idx = None
    batch = tokenizer([e["text"] for e in examples], padding=True, return_tensors="pt")
    labels = torch.tensor([e["label"] for e in examples])
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, weight_decay=0.1, eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: [1, 1, 0.5, 0][s])
    losses = []
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(model(**batch).logits, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    with torch.no_grad():
        fine = torch.softmax(model(**batch).logits, -1)[:, 0].tolist()
    return {"losses": losses, "fine": [round(p, 7) for p in fine], "parameters": {
        k: [round(v, 7) for v in p.detach().flatten()[:5].tolist()] for k, p in model.named_parameters() if p.grad is not None}}


def main(root, texts, out):
    examples = json.load(open(texts))
    expected = {name + end: fit(f"{root}/{name}", examples, end != "") for name in MODELS for end in ("", " frozen")}
    json.dump(expected, open(out, "w"))


if __name__ == "__main__":
    main(*sys.argv[1:])
