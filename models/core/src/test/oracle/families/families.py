"""Writes golden/families: a folder for each family of text encoders, with random F16 weights and what transformers answers, and
fields.json, every field of each family's config class.

    python3 families.py ../../resources/golden/families        (transformers 5.18, torch 2.13)

Each folder: config.json, model.safetensors and cases.safetensors: ids I32 [tokens] of sequences that lie end to end, offsets I32 [n + 1],
hidden F32 [tokens, hidden_size], computed in float64. Sequences have every length from 1 to the longest, then one with a padding token inside.
"""
import copy
import json
import sys
from pathlib import Path

import torch
import transformers as T
from safetensors.torch import save_file

LONGEST = 23
SIZES = dict(vocab_size=101, hidden_size=36, num_hidden_layers=2, num_attention_heads=3, intermediate_size=50,
             max_position_embeddings=LONGEST)
OFFSET = dict(SIZES, max_position_embeddings=LONGEST + 2, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5)
MODELS = {
    "bert": (T.BertConfig(**SIZES, hidden_act="gelu_new", type_vocab_size=3), T.BertModel),
    "bert-causal": (T.BertConfig(**SIZES, is_decoder=True), T.BertModel),
    "roberta": (T.RobertaConfig(**OFFSET), T.RobertaModel),
    "xlm-roberta": (T.XLMRobertaConfig(**{**OFFSET, "num_hidden_layers": 1, "hidden_act": "relu"}), T.XLMRobertaModel),
    "camembert": (T.CamembertConfig(**{**OFFSET, "num_hidden_layers": 1, "is_decoder": True}), T.CamembertModel),
    "distilbert": (T.DistilBertConfig(vocab_size=101, dim=36, n_layers=2, n_heads=3, hidden_dim=50, max_position_embeddings=LONGEST),
                   T.DistilBertModel),
    "distilbert-sinusoidal": (T.DistilBertConfig(vocab_size=101, dim=36, n_layers=1, n_heads=3, hidden_dim=50, sinusoidal_pos_embds=True,
                                                 activation="relu", max_position_embeddings=LONGEST), T.DistilBertModel),
    "electra": (T.ElectraConfig(**SIZES, embedding_size=20), T.ElectraModel),
    "electra-same": (T.ElectraConfig(**{**SIZES, "num_hidden_layers": 1}, embedding_size=36, layer_norm_eps=1e-6), T.ElectraModel),
    "albert": (T.AlbertConfig(**{**SIZES, "num_hidden_layers": 5}, embedding_size=20, num_hidden_groups=2, inner_group_num=2), T.AlbertModel),
}


def randomize(model, seed):
    """Weights that F16 holds exactly, large enough that every part matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad:
                norm = "norm.weight" in name.lower()
                p.copy_(torch.randn(p.shape, generator=generator) * (0.2 if norm else 0.3) + (1.0 if norm else 0.0))
            p.copy_(p.half().float())
    return model.eval()


def save(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = [type(model).__name__]
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    tied = {k: v for k, v in model.state_dict().items() if v.dtype == torch.float32}
    own, seen = {}, set()
    for name in sorted(tied, key=lambda n: ("embeddings" not in n, n)):
        if tied[name].data_ptr() not in seen:
            seen.add(tied[name].data_ptr())
            own[name] = tied[name].half().contiguous()
    save_file(own, folder / "model.safetensors", metadata={"format": "pt"})


def sequences(pad):
    generator = torch.Generator().manual_seed(5)
    all_ids = [torch.randint(4, 101, (n,), generator=generator) for n in range(1, LONGEST + 1)]
    inside = torch.randint(4, 101, (9,), generator=generator)
    inside[4] = pad
    return all_ids + [inside]


def cases(model, folder):
    double = copy.deepcopy(model).double()
    rows = []
    inputs = sequences(model.config.pad_token_id)
    for ids in inputs:
        with torch.no_grad():
            exact = double(ids[None], attention_mask=torch.ones_like(ids)[None]).last_hidden_state[0]
            single = model(ids[None], attention_mask=torch.ones_like(ids)[None]).last_hidden_state[0]
        assert (exact - single).abs().max() < 8e-6, folder
        rows.append(exact.float())
    save_file({"ids": torch.cat(inputs).int(), "offsets": torch.tensor([0] + [len(i) for i in inputs]).cumsum(0).int(),
               "hidden": torch.cat(rows)}, folder / "cases.safetensors")


def main(root):
    for seed, (name, (config, kind)) in enumerate(MODELS.items()):
        torch.manual_seed(seed)
        kwargs = {} if kind in (T.DistilBertModel,) else {"add_pooling_layer": False}
        model = randomize(kind(config) if kind is T.ElectraModel else kind(config, **kwargs), seed)
        save(model, root / name)
        cases(model, root / name)
    fields = {type(c).model_type: sorted(type(c)().to_dict()) for c, _ in MODELS.values()}
    (root / "fields.json").write_text(json.dumps(fields, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
