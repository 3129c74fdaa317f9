"""Trains the date translator: dates written in English, German or French -> ISO 8601, one character a token.

From this directory, with JDK 25 and PyTorch (1.13 made the committed weights):

    java DateData.java DATA_DIR
    nice -n 10 python3 train.py DATA_DIR OUT_DIR [STEPS]

OUT_DIR receives config.json, model.safetensors and vocabulary.json (FORMAT.md describes them). The committed ones, in
models/core/src/main/resources/dev/gatun/models/dates/, are the outcome; golden.py judges them on the held-out dates.
"""
import json
import math
import os
import sys
import time

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transformer"))
from token_model import CONFIG_DEFAULTS, TokenModel  # noqa: E402

PAD, BOS, EOS, UNK = 0, 1, 2, 3
BATCH = 256
PEAK_RATE = 2.5e-3
WARM_UP = 300
THREADS = 2
EXACT_STEPS = 400  # the last steps run in f32; the ones before multiply in bf16, several times faster on CPUs with AMX or AVX-512


def read_pairs(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def make_vocabulary(pairs):
    characters = sorted(set("".join(source for source, _ in pairs)) | set("".join(target for _, target in pairs)))
    tokens = {"<pad>": PAD, "<bos>": BOS, "<eos>": EOS, "<unk>": UNK}
    for character in characters:
        tokens[character] = len(tokens)
    return {"type": "characters", "normalization": "NFC", "pad_token_id": PAD, "bos_token_id": BOS, "eos_token_id": EOS,
            "unk_token_id": UNK, "tokens": tokens}


def encode_all(pairs, tokens):
    """Sources end in eos; targets begin with bos and end in eos. Returns two padded uint8 arrays and the source lengths."""
    widest = max(len(source) for source, _ in pairs) + 1
    sources = np.zeros((len(pairs), widest), np.uint8)
    targets = np.zeros((len(pairs), 12), np.uint8)
    lengths = np.zeros(len(pairs), np.int64)
    for row, (source, target) in enumerate(pairs):
        ids = [tokens[c] for c in source] + [EOS]
        sources[row, : len(ids)] = ids
        targets[row] = [BOS] + [tokens[c] for c in target] + [EOS]
        lengths[row] = len(ids)
    return sources, targets, lengths


def batches(sources, targets, lengths, random):
    """Endless batches of rows of about one length, so that little padding is computed."""
    while True:
        order = random.permutation(len(lengths))
        for start in range(0, len(order) - BATCH * 50 + 1, BATCH * 50):
            chunk = order[start:start + BATCH * 50]
            chunk = chunk[np.argsort(lengths[chunk], kind="stable")].reshape(50, BATCH)
            for rows in chunk[random.permutation(50)]:
                width = lengths[rows].max()
                yield torch.from_numpy(sources[rows, :width].astype(np.int64)), torch.from_numpy(targets[rows].astype(np.int64))


def rate(step, steps):
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    return PEAK_RATE * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - WARM_UP) / max(1, steps - WARM_UP))))


def train(model, stream, steps):
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.01)
    began, total = time.time(), 0.0
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        source, target = next(stream)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=step < steps - EXACT_STEPS):
            logits = model(source, target[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), target[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        if step % 100 == 99:
            print("step %d loss %.5f, %.0f s" % (step + 1, total / 100, time.time() - began), flush=True)
            total = 0.0
        if step % 1000 == 999:
            yield step + 1


def forced_accuracy(model, sources, targets, lengths):
    """Share of lines whose every next character is right under teacher forcing: equal to greedy exact match."""
    right = 0
    with torch.no_grad():
        for start in range(0, len(lengths), 500):
            width = lengths[start:start + 500].max()
            target = torch.from_numpy(targets[start:start + 500].astype(np.int64))
            best = model(torch.from_numpy(sources[start:start + 500, :width].astype(np.int64)), target[:, :-1]).argmax(-1)
            right += (best == target[:, 1:]).all(1).sum().item()
    return right / len(lengths)


def main():
    data, out = sys.argv[1:3]
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 8000
    torch.manual_seed(4)
    torch.set_num_threads(THREADS)
    pairs = read_pairs(os.path.join(data, "train.tsv"))
    vocabulary = make_vocabulary(pairs)
    tokens = vocabulary["tokens"]
    held_out = encode_all(read_pairs(os.path.join(data, "heldout.tsv"))[:5000], tokens)
    config = dict(CONFIG_DEFAULTS, vocab_size=len(tokens), d_model=96, num_heads=4, num_encoder_layers=3, num_decoder_layers=2,
                  d_ff=192, norm_first=True, max_positions=64)
    model = TokenModel(config)
    print("%d parameters, %d tokens" % (sum(p.numel() for p in model.parameters()), len(tokens)), flush=True)
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "vocabulary.json"), "w", encoding="utf-8") as file:
        json.dump(vocabulary, file, ensure_ascii=False, indent=1)
        file.write("\n")
    stream = batches(*encode_all(pairs, tokens), np.random.default_rng(4))
    for step in train(model, stream, steps):
        print("step %d held-out %.4f" % (step, forced_accuracy(model, *held_out)), flush=True)
        model.save(out)
    model.save(out)


if __name__ == "__main__":
    main()
