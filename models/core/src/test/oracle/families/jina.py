"""Writes golden/families/jina-bert: jina-embeddings-v2 is no class of transformers, so this is its description in torch, for 6 heads, which
are no power of two. Names and config as its authors' files have them (jinaai/jina-bert-implementation).

    python3 jina.py ../../resources/golden/families        (torch 2.13)
"""
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from torch.nn import functional as F

from families import LONGEST, cases, randomize, save

CONFIG = {"model_type": "bert", "architectures": ["JinaBertModel"], "position_embedding_type": "alibi", "feed_forward_type": "geglu",
          "vocab_size": 101, "type_vocab_size": 2, "hidden_size": 36, "num_attention_heads": 6, "num_hidden_layers": 2, "intermediate_size": 50,
          "max_position_embeddings": LONGEST, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "emb_pooler": "mean", "pad_token_id": 0}


def slopes(heads):
    """Press et al.: a geometric series for a power of two, else that of the lower one and every other of the next."""
    def series(n):
        return [2 ** (-8 * (i + 1) / n) for i in range(n)]
    lower = 2 ** math.floor(math.log2(heads))
    return series(lower) + series(2 * lower)[::2][:heads - lower]


class Jina(torch.nn.Module):
    def __init__(self):
        super().__init__()
        c = self.config = SimpleNamespace(**CONFIG, save_pretrained=lambda folder: (folder / "config.json").write_text(json.dumps(CONFIG)))
        d, inner = c.hidden_size, c.intermediate_size
        linear, norm = torch.nn.Linear, lambda: torch.nn.LayerNorm(d, eps=c.layer_norm_eps)
        tree = torch.nn.ModuleDict
        self.embeddings = tree({"word_embeddings": torch.nn.Embedding(c.vocab_size, d), "token_type_embeddings": torch.nn.Embedding(2, d),
                                "LayerNorm": norm()})
        self.encoder = tree({"layer": torch.nn.ModuleList([tree({
            "attention": tree({"self": tree({k: linear(d, d) for k in ("query", "key", "value")}),
                               "output": tree({"dense": linear(d, d), "LayerNorm": norm()})}),
            "mlp": tree({"gated_layers": linear(d, 2 * inner, bias=False), "wo": linear(inner, d), "layernorm": norm()})})
            for _ in range(c.num_hidden_layers)])})

    def forward(self, ids, attention_mask):
        c, n = self.config, ids.shape[1]
        x = self.embeddings["LayerNorm"](self.embeddings["word_embeddings"](ids) + self.embeddings["token_type_embeddings"].weight[0])
        place = torch.arange(n)
        bias = -torch.tensor(slopes(c.num_attention_heads), dtype=x.dtype)[:, None, None] * (place[None, :] - place[:, None]).abs()
        for layer in self.encoder["layer"]:
            q, k, v = (layer["attention"]["self"][name](x).view(1, n, c.num_attention_heads, -1).transpose(1, 2) for name in ("query", "key", "value"))
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias
            attended = (scores.softmax(-1) @ v).transpose(1, 2).reshape(1, n, -1)
            x = layer["attention"]["output"]["LayerNorm"](layer["attention"]["output"]["dense"](attended) + x)
            gate, up = layer["mlp"]["gated_layers"](x).chunk(2, -1)
            x = layer["mlp"]["layernorm"](layer["mlp"]["wo"](F.gelu(gate) * up) + x)
        return SimpleNamespace(last_hidden_state=x)


def main(root):
    model = randomize(Jina(), 77)
    save(model, root / "jina-bert")
    config = root / "jina-bert" / "config.json"
    config.write_text(json.dumps(CONFIG, indent=1, sort_keys=True) + "\n")
    cases(model, root / "jina-bert")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
