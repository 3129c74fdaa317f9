"""Writes golden/families: a folder for each family of text encoders, with random F16 weights and what transformers answers, and
fields.json, every field of each family's config class.

    python3 families.py ../../resources/golden/families        (transformers 5.18, torch 2.13)

Each folder: config.json, model.safetensors and cases.safetensors: ids I32 [tokens] of sequences that lie end to end, offsets I32 [n + 1],
hidden F32 [tokens, hidden_size], computed in float64. Sequences have every length from 1 to the longest, then one with a padding token inside.
"""
import copy
import inspect
import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers as T
from safetensors.torch import load_file, save_file

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
    "mpnet": (T.MPNetConfig(**{**SIZES, "max_position_embeddings": LONGEST + 2}), T.MPNetModel),
    "deberta-v2": (T.DebertaV2Config(**SIZES, relative_attention=True, position_buckets=5, norm_rel_ebd="layer_norm", share_att_key=True,
                                     pos_att_type=["p2c", "c2p"], position_biased_input=False), T.DebertaV2Model),
    "deberta-v2-plain": (T.DebertaV2Config(**{**SIZES, "num_hidden_layers": 1}, relative_attention=True, pos_att_type="c2p",
                                           max_relative_positions=7, type_vocab_size=2), T.DebertaV2Model),
    "t5": (T.T5Config(vocab_size=101, d_model=36, d_kv=10, d_ff=50, num_layers=2, num_heads=3, relative_attention_num_buckets=8,
                      relative_attention_max_distance=12), T.T5EncoderModel),
    "umt5": (T.UMT5Config(vocab_size=101, d_model=36, d_kv=12, d_ff=50, num_layers=2, num_heads=3, relative_attention_num_buckets=8,
                          relative_attention_max_distance=12, feed_forward_proj="gated-gelu"), T.UMT5EncoderModel),
    "modernbert": (T.ModernBertConfig(**{**SIZES, "num_hidden_layers": 4}, local_attention=8, pad_token_id=0), T.ModernBertModel),
    "nomic_bert": (T.NomicBertConfig(**SIZES), T.NomicBertModel),
    "gte": (T.GteConfig(**SIZES), T.GteModel),
    "qwen3": (T.Qwen3Config(**SIZES, num_key_value_heads=1, head_dim=10, pad_token_id=0, rope_parameters={
        "rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 9}), T.Qwen3Model),
    "qwen2": (T.Qwen2Config(**SIZES, num_key_value_heads=3, pad_token_id=0, use_sliding_window=True, sliding_window=6, max_window_layers=1),
              T.Qwen2Model),
    "llama": (T.LlamaConfig(**SIZES, num_key_value_heads=1, pad_token_id=0, rope_parameters={
        "rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16}), T.LlamaModel),
    "mistral": (T.MistralConfig(**{**SIZES, "num_hidden_layers": 1}, num_key_value_heads=3, pad_token_id=0, sliding_window=5), T.MistralModel),
    "eurobert": (T.EuroBertConfig(**{**SIZES, "num_hidden_layers": 1}, num_key_value_heads=3, pad_token_id=0, attention_bias=True,
                                  rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}), T.EuroBertModel),
    "ernie": (T.ErnieConfig(**{**SIZES, "num_hidden_layers": 1}, use_task_id=True, task_type_vocab_size=3), T.ErnieModel),
    "llama-both": (T.LlamaConfig(**{**SIZES, "num_hidden_layers": 1}, pad_token_id=0, is_causal=False), T.LlamaModel),
}


def randomize(model, seed, scale=0.3):
    """Weights that F16 holds exactly, large enough that every part matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad:
                norm = "norm.weight" in name.lower()
                p.copy_(torch.randn(p.shape, generator=generator) * (0.2 if norm else scale) + (1.0 if norm else 0.0))
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


# What transformers renames when it loads the files of a model's authors, the other way round.
ORIGINALS = {
    "nomic_bert": ({"self_attn.o_proj": "attn.out_proj", "up_proj": "fc11", "gate_proj": "fc12", "down_proj": "fc2",
                    "post_attention_layernorm": "norm1", "post_mlp_layernorm": "norm2", "embeddings.LayerNorm": "emb_ln",
                    "layers.": "encoder.layers."}, {"attn.Wqkv": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]}, {
        "model_type": "nomic_bert", "n_embd": 36, "n_head": 3, "n_layer": 2, "n_inner": 50, "n_positions": LONGEST, "vocab_size": 101,
        "activation_function": "swiglu", "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0, "type_vocab_size": 2, "prenorm": False,
        "qkv_proj_bias": False, "layer_norm_epsilon": 1e-12, "architectures": ["NomicBertModel"]}),
    "gte": ({"self_attn.o_proj": "attention.o_proj", "post_attention_layernorm": "attn_ln", "post_mlp_layernorm": "mlp_ln",
             "layers.": "encoder.layer."}, {"attention.qkv_proj": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
                                            "mlp.up_gate_proj": ["mlp.up_proj", "mlp.gate_proj"]}, {
        **SIZES, "model_type": "new", "type_vocab_size": 1, "position_embedding_type": "rope", "rope_theta": 160000.0, "pack_qkv": True,
        "layer_norm_type": "layer_norm", "layer_norm_eps": 1e-12, "hidden_act": "gelu", "architectures": ["NewModel"]}),
}


def original(root, name):
    renames, joins, config = ORIGINALS[name]
    tensors = load_file(root / name / "model.safetensors")
    for joined, parts in joins.items():
        for last in [k for k in tensors if parts[0] in k]:
            tensors[last.replace(parts[0], joined)] = torch.cat([tensors.pop(last.replace(parts[0], p)) for p in parts])
    for old, new in renames.items():
        tensors = {k.replace(old, new): v for k, v in tensors.items()}
    folder = root / (name + "-original")
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    (folder / "cases.safetensors").write_bytes((root / name / "cases.safetensors").read_bytes())


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
        config._attn_implementation = "eager"
        pooled = "add_pooling_layer" in inspect.signature(kind.__init__).parameters
        # T5's products are not scaled, others add up layer after layer: with large ones float32 is too far from float64 to compare with.
        scale = 0.1 if "t5" in name else 0.3 if "hidden_dropout_prob" in type(config)().to_dict() or "dropout" in type(config)().to_dict() else 0.2
        model = randomize(kind(config, add_pooling_layer=False) if pooled else kind(config), seed, scale)
        save(model, root / name)
        cases(model, root / name)
    for name in ORIGINALS:
        original(root, name)
    fields = {type(c).model_type: sorted(type(c)().to_dict()) for c, _ in MODELS.values()}
    (root / "fields.json").write_text(json.dumps(fields, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
