"""Tiny taggers and forecasters of PyTorch's layers: folders, and what they answer. The CRF's best paths are found by trying all of them.

    python sequences.py FOLDER
"""
import itertools
import json
import os
import sys

import torch
from safetensors.torch import save_file
from torch import nn

WORDS = ["<unk>", "a", "cat", "sat", "on", "the", "mat", "Anna", "went", "to", "Oslo"]
TAGS = ["O", "B-PER", "B-LOC", "I-LOC"]
SENTENCES = ["a cat sat on the mat", "Anna", "Anna went to Oslo on Sunday", "to Oslo the cat went"]


class Net(nn.Module):
    def __init__(self, kind, inputs, hidden, layers, both, outputs, words=0, crf=False):
        super().__init__()
        if words:
            self.embedding = nn.Embedding(words, inputs)
        self.rnn = kind(inputs, hidden, layers, bidirectional=both)
        self.linear = nn.Linear(hidden * (2 if both else 1), outputs)
        if crf:
            self.crf = nn.ParameterDict({"start_transitions": torch.randn(outputs), "end_transitions": torch.randn(outputs),
                                         "transitions": torch.randn(outputs, outputs)})


def write(folder, net, config):
    os.makedirs(folder, exist_ok=True)
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)


def path(crf, scores):
    def worth(tags):
        moves = sum(crf["transitions"][a, b] for a, b in zip(tags, tags[1:]))
        return crf["start_transitions"][tags[0]] + crf["end_transitions"][tags[-1]] + moves + sum(scores[i, t] for i, t in enumerate(tags))
    return max(itertools.product(range(len(TAGS)), repeat=len(scores)), key=worth)


@torch.no_grad()
def tagger(root, name, kind, both, crf):
    net = Net(kind, 5, 4, 2, both, len(TAGS), len(WORDS), crf)
    for p in net.parameters():
        p.mul_(1.5)
    folder = os.path.join(root, name)
    write(folder, net, {"architecture": "rnn-tagger", "rnn_type": kind.__name__, "ntoken": len(WORDS), "ninp": 5, "nhid": 4, "nlayers": 2,
                        "bidirectional": both, "nout": len(TAGS), "crf": crf, "id2label": dict(enumerate(TAGS))})
    with open(os.path.join(folder, "vocabulary.json"), "w") as file:
        json.dump(WORDS, file)
    answers = []
    for sentence in SENTENCES:
        ids = torch.tensor([WORDS.index(w) if w in WORDS else 0 for w in sentence.split()])
        scores = net.linear(net.rnn(net.embedding(ids))[0])
        tags = path(net.crf, scores) if crf else scores.argmax(1).tolist()
        answers.append({"words": sentence.split(), "tags": [TAGS[t] for t in tags]})
    return answers


@torch.no_grad()
def forecaster(root, name, kind, both):
    net = Net(kind, 3, 6, 2, both, 2)
    write(os.path.join(root, name), net, {"architecture": "rnn-forecaster", "rnn_type": kind.__name__, "ninp": 3, "nhid": 6, "nlayers": 2,
                                          "bidirectional": both, "nout": 2})
    answers = []
    for length in (7, 1, 4):
        x = torch.randn(length, 3)
        h = net.rnn(x)[1]
        h = h[0] if isinstance(h, tuple) else h
        answers.append({"series": x.tolist(), "next": net.linear(h[-2:].flatten() if both else h[-1]).tolist()})
    return answers


def main(root):
    torch.manual_seed(3)
    expected = {"tagger": tagger(root, "tagger", nn.LSTM, True, False), "tagger-crf": tagger(root, "tagger-crf", nn.LSTM, True, True),
                "tagger-gru": tagger(root, "tagger-gru", nn.GRU, False, True),
                "forecaster": forecaster(root, "forecaster", nn.LSTM, False),
                "forecaster-both": forecaster(root, "forecaster-both", nn.GRU, True)}
    with open(os.path.join(root, "sequences.json"), "w") as file:
        json.dump(expected, file)


main(sys.argv[1])
