"""PyTorch's word-language-model example in small: trains the language model of characters that ships with Gatun, and writes its goldens.

    python language_model.py TEXT FOLDER GOLDEN.json

TEXT is the constitution of the command's demo (public domain), which fills models/core/src/main/resources/dev/gatun/models/constitution;
its last lines are not trained on. `python language_model.py --tiny GOLDEN` writes random models of every kind instead, for tests.
"""
import json
import math
import os
import sys

import torch
from safetensors.torch import save_file
from torch import nn


class RNNModel(nn.Module):
    """Names and wiring of pytorch/examples/word_language_model, without its script around it."""

    def __init__(self, rnn_type, ntoken, ninp, nhid, nlayers, dropout=0.0, tie_weights=False):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        if rnn_type in ("LSTM", "GRU"):
            self.rnn = getattr(nn, rnn_type)(ninp, nhid, nlayers, dropout=dropout)
        else:
            self.rnn = nn.RNN(ninp, nhid, nlayers, nonlinearity=rnn_type[4:].lower(), dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            self.decoder.weight = self.encoder.weight

    def forward(self, ids, hidden=None):
        output, hidden = self.rnn(self.drop(self.encoder(ids)), hidden)
        return self.decoder(self.drop(output)), hidden


def save(folder, model, config, vocabulary):
    os.makedirs(folder, exist_ok=True)
    state = {k: v.detach().clone().contiguous() for k, v in model.state_dict().items()}
    if config["tie_weights"]:
        del state["decoder.weight"]
    save_file(state, os.path.join(folder, "model.safetensors"))
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    with open(os.path.join(folder, "vocabulary.json"), "w") as f:
        json.dump(vocabulary, f)
        f.write("\n")


def perplexity(model, ids):
    model.eval()
    with torch.no_grad():
        logits, _ = model(ids[:-1, None])
        return math.exp(nn.functional.cross_entropy(logits[:, 0].double(), ids[1:]).item())


def greedy(model, prompt, count):
    model.eval()
    ids = list(prompt)
    with torch.no_grad():
        logits, hidden = model(torch.tensor(ids)[:, None])
        for _ in range(count):
            ids.append(int(logits[-1, 0].argmax()))
            logits, hidden = model(torch.tensor([[ids[-1]]]), hidden)
    return ids[len(prompt):]


def train(text, folder, golden):
    torch.manual_seed(7)
    torch.set_num_threads(1)
    text = open(text, encoding="utf-8").read()
    characters = sorted(set(text))
    ids = torch.tensor([characters.index(c) for c in text])
    held = text.rindex("\n", 0, int(len(text) * 0.93)) + 1
    config = {"architecture": "rnn-language-model", "rnn_type": "LSTM", "ntoken": len(characters), "ninp": 80, "nhid": 80, "nlayers": 2,
              "tie_weights": True, "tokenizer": "characters"}
    model = RNNModel("LSTM", len(characters), 80, 80, 2, 0.2, True)
    with torch.no_grad():
        model.encoder.weight.uniform_(-0.1, 0.1)
        model.decoder.bias.zero_()
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, weight_decay=0.02)
    data, batch, steps = ids[:held], 8, 700
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    best, kept = 1e9, None
    for step in range(steps):
        model.train()
        starts = torch.randint(0, len(data) - 65, (batch,))
        x = torch.stack([data[s:s + 64] for s in starts], 1)
        y = torch.stack([data[s + 1:s + 65] for s in starts], 1)
        loss = nn.functional.cross_entropy(model(x)[0].flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            now = perplexity(model, ids[held:])
            print(step, loss.item(), now, flush=True)
            if now < best:
                best, kept = now, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(kept)
    save(folder, model, config, characters)
    prompt = "The Congress shall "
    answer = "".join(characters[i] for i in greedy(model, [characters.index(c) for c in prompt], 60))
    json.dump({"held_out": text[held:], "perplexity": perplexity(model, ids[held:]), "prompt": prompt, "greedy": answer},
              open(golden, "w"), indent=1)


def tiny(folder):
    text = [int(x) for x in torch.randint(0, 11, (60,), generator=torch.Generator().manual_seed(3))]
    expected = {"ids": text}
    for i, (kind, tie, layers) in enumerate([("LSTM", True, 2), ("GRU", False, 3), ("RNN_TANH", False, 1), ("RNN_RELU", True, 1)]):
        torch.manual_seed(i)
        ninp = 9 if tie else 5
        model = RNNModel(kind, 11, ninp, 9, layers, 0.5, tie)
        words = ["w%d" % j for j in range(9)] + ["<unk>", "<eos>"]
        save(os.path.join(folder, kind.lower()), model, {"architecture": "rnn-language-model", "rnn_type": kind, "ntoken": 11, "ninp": ninp,
             "nhid": 9, "nlayers": layers, "tie_weights": tie, "tokenizer": "words"}, words)
        expected[kind.lower()] = {"perplexity": perplexity(model, torch.tensor(text)), "greedy": greedy(model, text[:3], 20)}
    json.dump(expected, open(os.path.join(folder, "expected.json"), "w"))


if sys.argv[1] == "--tiny":
    tiny(sys.argv[2])
else:
    train(*sys.argv[1:])
