"""Judges the committed date translator on the held-out dates and writes the golden of the Java one.

From this directory, with JDK 25 and PyTorch 1.13:

    java DateData.java DATA_DIR
    python3 golden.py DATA_DIR ../../../main/resources/dev/gatun/models/dates ../../resources/golden/dates [LINES]

It translates the first LINES (20000) held-out lines greedily, prints the share that is exactly right, by language too, and writes
heldout.tsv: the first 1000 lines as source TAB iso TAB what PyTorch answers.
"""
import collections
import json
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transformer"))
from token_model import TokenModel  # noqa: E402
from train import read_pairs  # noqa: E402

GOLDEN_LINES, BATCH, MAX_LENGTH = 1000, 250, 16


def translate(model, vocabulary, texts):
    """Greedy; the texts of one call are padded to one width. Characters the vocabulary lacks become unk."""
    tokens = vocabulary["tokens"]
    names = {index: token for token, index in tokens.items()}
    rows = [[tokens.get(c, vocabulary["unk_token_id"]) for c in text] + [vocabulary["eos_token_id"]] for text in texts]
    width = max(map(len, rows))
    source = torch.tensor([row + [vocabulary["pad_token_id"]] * (width - len(row)) for row in rows])
    memory, padding = model.encode(source)
    target = torch.full((len(rows), 1), model.config["decoder_start_token_id"])
    ended = torch.zeros(len(rows), dtype=torch.bool)
    margin = float("inf")
    while not ended.all() and target.shape[1] < MAX_LENGTH:
        best = model.decode(target, memory, padding)[:, -1].topk(2)
        margin = min(margin, (best.values[:, 0] - best.values[:, 1])[~ended].min().item())
        following = best.indices[:, 0].masked_fill(ended, vocabulary["eos_token_id"])
        target = torch.cat([target, following[:, None]], 1)
        ended |= following == vocabulary["eos_token_id"]
    answers = []
    for row in target[:, 1:].tolist():
        end = row.index(vocabulary["eos_token_id"]) if vocabulary["eos_token_id"] in row else len(row)
        answers.append("".join(names[i] for i in row[:end]))
    return answers, margin


def main():
    data, directory, out = sys.argv[1:4]
    torch.set_num_threads(1)
    # Training mode (there is no dropout in a loaded model) keeps PyTorch off its fused inference path.
    model = TokenModel.load(directory).train()
    with open(os.path.join(directory, "vocabulary.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)
    assert len(vocabulary["tokens"]) == model.config["vocab_size"]
    pairs = read_pairs(os.path.join(data, "heldout.tsv"))[: int(sys.argv[4]) if len(sys.argv) > 4 else None]
    answers, margins = [], []
    with torch.no_grad():
        for start in range(0, len(pairs), BATCH):
            found, margin = translate(model, vocabulary, [source for source, _ in pairs[start:start + BATCH]])
            answers += found
            margins.append(margin)
    counts = collections.Counter()
    for (source, iso), answer in zip(pairs, answers):
        for group in ("all", source[:4]):
            counts[group, answer == iso] += 1
        if answer != iso:
            print("wrong: %s -> %s, not %s" % (source, answer, iso))
    for group in ("all", "<en>", "<de>", "<fr>"):
        right, wrong = counts[group, True], counts[group, False]
        print("%s: %d of %d exact, %.3f %%" % (group, right, right + wrong, 100 * right / max(1, right + wrong)))
    print("smallest margin between the two best logits: %.4f over all, %.4f in the golden" % (
        min(margins), min(margins[: GOLDEN_LINES // BATCH])))
    os.makedirs(out, exist_ok=True)
    path = os.path.join(out, "heldout.tsv")
    with open(path, "w", encoding="utf-8") as file:
        for (source, iso), answer in list(zip(pairs, answers))[:GOLDEN_LINES]:
            file.write("%s\t%s\t%s\n" % (source, iso, answer))
    assert len(read_pairs(path)) == GOLDEN_LINES and all(len(row) == 3 for row in read_pairs(path))


if __name__ == "__main__":
    main()
