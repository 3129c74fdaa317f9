"""Goldens of attention alone: softmax(Q K^T / sqrt(headDim) + mask) V, and nn.MultiheadAttention.

    python3 attention.py ../../resources/golden/transformer/attention        (PyTorch 1.13)

README.md in this directory lists the names. Everything expected is computed in float64 from the float32 inputs.
"""
import math
import os
import sys

import torch
from torch import nn

import safetensors_io
from textbook import NEG, bool_mask, causal, float_mask, padding, randomize


def plain_attention(q, k, v, mask):
    """q [batch, heads, L, d], k and v [batch, kvHeads, S, d], additive mask broadcast to [batch, heads, L, S].

    Query head h reads key/value head h / (heads / kvHeads). A row whose every key is masked gives zeros.
    """
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores + mask
    masked = (scores == NEG).all(-1, keepdim=True)
    return torch.softmax(scores.masked_fill(masked, 0.0), -1).masked_fill(masked, 0.0) @ v


def aligned_causal(queries, keys):
    """The queries are the last of the keys, as they are behind a cache: query i sees keys 0 .. keys - queries + i."""
    return torch.full((queries, keys), NEG).triu(keys - queries + 1)


def padding_mask(lengths, width):
    return torch.zeros(len(lengths), 1, 1, width).masked_fill(padding(lengths, width)[:, None, None, :], NEG)


def plain_runs(g):
    """name: ((batch, heads, kvHeads, L, S, headDim), causal, mask)."""
    empty_rows = float_mask(7, 13, g)
    empty_rows[2] = NEG
    empty_rows[6] = NEG
    per_head = torch.stack([float_mask(5, 9, g) for _ in range(2 * 4)]).reshape(2, 4, 5, 9)
    return {
        "one": ((1, 1, 1, 1, 1, 4), False, None),
        "plain": ((2, 3, 3, 7, 13, 8), False, None),
        "head_dim_5": ((2, 2, 2, 13, 7, 5), False, None),
        "head_dim_64": ((1, 2, 2, 3, 17, 64), False, None),
        "head_dim_33": ((1, 1, 1, 6, 11, 33), False, None),
        "causal_1": ((2, 2, 2, 1, 1, 8), True, None),
        "causal_13": ((2, 2, 2, 13, 13, 8), True, None),
        "causal_cached_1_10": ((2, 2, 2, 1, 10, 8), True, None),
        "causal_cached_3_10": ((2, 2, 2, 3, 10, 8), True, None),
        "padding": ((3, 2, 2, 7, 7, 8), False, padding_mask([7, 1, 4], 7)),
        "causal_padding": ((3, 2, 2, 7, 7, 8), True, padding_mask([7, 1, 4], 7)),
        "additive": ((2, 2, 2, 7, 13, 8), False, float_mask(7, 13, g)),
        "additive_per_head": ((2, 4, 4, 5, 9, 8), False, per_head),
        "gqa_6_2": ((2, 6, 2, 7, 9, 8), False, None),
        "gqa_6_2_causal_padding": ((3, 6, 2, 7, 7, 8), True, padding_mask([3, 7, 5], 7)),
        "mqa_4_1": ((2, 4, 1, 5, 5, 16), True, None),
        "fully_masked_rows": ((2, 2, 2, 7, 13, 8), False, empty_rows),
        "fully_masked_sequence": ((2, 2, 2, 4, 6, 8), False, padding_mask([6, 0], 6)),
        "large_scores": ((1, 2, 2, 5, 9, 8), False, None),
        "long_causal": ((1, 2, 1, 110, 110, 8), True, None),
        "long_cross": ((1, 1, 1, 3, 300, 8), False, None),
    }


def make_plain(path):
    g = torch.Generator().manual_seed(71)
    tensors, metadata = {}, {"kind": "plain"}
    runs = plain_runs(g)
    metadata["runs"] = ",".join(runs)
    for name, ((batch, heads, kv_heads, queries, keys, dim), is_causal, mask) in runs.items():
        q = torch.randn(batch, heads, queries, dim, generator=g) * (40.0 if name == "large_scores" else 1.0)
        k = torch.randn(batch, kv_heads, keys, dim, generator=g)
        v = torch.randn(batch, kv_heads, keys, dim, generator=g)
        whole = None if mask is None else mask.double()
        if is_causal:
            whole = aligned_causal(queries, keys).double() + (0.0 if whole is None else whole)
        expected = plain_attention(q.double(), k.double(), v.double(), whole)
        parts = {"q": q, "k": k, "v": v, "expected": expected.float()}
        if mask is not None:
            parts["mask"] = mask
        metadata["run.%s.causal" % name] = str(is_causal).lower()
        tensors.update({"run.%s.%s" % (name, key): value for key, value in parts.items()})
    safetensors_io.write(path, tensors, metadata)
    stored, _ = safetensors_io.read(path)
    for key, value in tensors.items():
        assert torch.equal(torch.from_numpy(stored[key]), value), key
        assert "mask" in key or torch.isfinite(value).all(), key


def multi_head_runs(g):
    """name: (L, S or None for self-attention, masks)."""
    per_head = torch.stack([float_mask(5, 5, g) for _ in range(2 * 5)])
    return {
        "self_1": (1, None, {}), "self_13": (13, None, {}),
        "self_causal_7": (7, None, {"attn_mask": causal(7)}),
        "self_bool_7": (7, None, {"attn_mask": bool_mask(7, 7, g)}),
        "self_float_13": (13, None, {"attn_mask": float_mask(13, 13, g)}),
        "self_per_head_5": (5, None, {"attn_mask": per_head}),
        "self_padding_13": (13, None, {"key_padding_mask": padding([13, 4], 13)}),
        "self_causal_padding_7": (7, None, {"attn_mask": causal(7), "key_padding_mask": padding([3, 7], 7)}),
        "cross_7_13": (7, 13, {}), "cross_13_1": (13, 1, {}),
        "cross_combined_7_13": (7, 13, {"attn_mask": float_mask(7, 13, g), "key_padding_mask": padding([13, 9], 13)}),
    }


def make_multi_head(path, batch_first, bias, seed):
    d_model, heads, batch = 20, 5, 2
    g = torch.Generator().manual_seed(seed)
    module = nn.MultiheadAttention(d_model, heads, bias=bias, batch_first=batch_first).train()
    randomize(module, g)
    tensors = {key: value.clone() for key, value in module.state_dict().items()}
    module.double()
    runs = multi_head_runs(g)
    for name, (queries, keys, masks) in runs.items():
        def sequence(length):
            return torch.randn((batch, length, d_model) if batch_first else (length, batch, d_model), generator=g)
        query = sequence(queries)
        memory = query if keys is None else sequence(keys)
        wide = {key: mask if mask.dtype == torch.bool else mask.double() for key, mask in masks.items()}
        expected, _ = module(query.double(), memory.double(), memory.double(), **wide)
        assert torch.isfinite(expected).all(), name
        parts = {"query": query, "expected": expected.float()}
        if keys is not None:
            parts["memory"] = memory
        parts.update({key: mask.to(torch.uint8) if mask.dtype == torch.bool else mask for key, mask in masks.items()})
        tensors.update({"run.%s.%s" % (name, key): value for key, value in parts.items()})
        check_against_plain(module, query, memory, wide, expected, batch_first, heads)
    safetensors_io.write(path, tensors, {
        "kind": "multi_head", "d_model": d_model, "num_heads": heads, "batch_first": str(batch_first).lower(),
        "bias": str(bias).lower(), "runs": ",".join(runs)})
    stored, _ = safetensors_io.read(path)
    for key, value in tensors.items():
        assert torch.equal(torch.from_numpy(stored[key]), value), key


def check_against_plain(module, query, memory, masks, expected, batch_first, heads):
    """PyTorch's module equals the projections around plain_attention, which ties the two files of goldens together."""
    query, memory = query.double(), memory.double()
    if not batch_first:
        query, memory = query.transpose(0, 1), memory.transpose(0, 1)
    q_bias, k_bias, v_bias = module.in_proj_bias.chunk(3) if module.in_proj_bias is not None else (None,) * 3
    q_weight, k_weight, v_weight = module.in_proj_weight.chunk(3)

    def split(x, weight, bias):
        return nn.functional.linear(x, weight, bias).unflatten(-1, (heads, -1)).transpose(1, 2)
    mask = torch.zeros(query.shape[0], heads, query.shape[1], memory.shape[1], dtype=torch.float64)
    if "attn_mask" in masks:
        attn = masks["attn_mask"]
        attn = torch.zeros(attn.shape, dtype=torch.float64).masked_fill(attn, NEG) if attn.dtype == torch.bool else attn
        mask = mask + (attn.reshape(mask.shape) if attn.dim() == 3 else attn)
    if "key_padding_mask" in masks:
        mask = mask.masked_fill(masks["key_padding_mask"][:, None, None, :], NEG)
    context = plain_attention(split(query, q_weight, q_bias), split(memory, k_weight, k_bias), split(memory, v_weight, v_bias), mask)
    actual = module.out_proj(context.transpose(1, 2).flatten(2))
    actual = actual if batch_first else actual.transpose(0, 1)
    assert (actual - expected).abs().max() < 1e-12


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    torch.set_num_threads(1)
    make_plain(os.path.join(directory, "plain.safetensors"))
    make_multi_head(os.path.join(directory, "multi-head.safetensors"), False, True, 72)
    make_multi_head(os.path.join(directory, "multi-head-batch-first-no-bias.safetensors"), True, False, 73)
    for name in sorted(os.listdir(directory)):
        print("%-45s %d bytes" % (name, os.path.getsize(os.path.join(directory, name))))


if __name__ == "__main__":
    main()
