"""Goldens of the textbook Transformer: PyTorch's encoder, decoder, encoder-decoder and the continuous-input model.

    python3 textbook.py ../../resources/golden/transformer/textbook        (PyTorch 1.13)

Each safetensors file holds one model with seeded random weights and several runs of it; README.md in this directory lists the
names. PyTorch computes what is expected in float64 from the float32 weights and inputs, in training mode with dropout 0, so
that no fused inference path is taken.
"""
import math
import os
import sys

import torch
from torch import nn

import safetensors_io
from token_model import sinusoidal_positions

NEG = float("-inf")


class ContinuousModel(nn.Module):
    """Sequences of vectors to sequences of vectors: [len, batch, inputDim], linear embedding * sqrt(dModel) + sinusoidal positions."""

    def __init__(self, input_dim, output_dim, shared, d_model, *args, **kwargs):
        super().__init__()
        self.src_embedding = nn.Linear(input_dim, d_model)
        self.tgt_embedding = None if shared else nn.Linear(output_dim, d_model)
        self.transformer = nn.Transformer(d_model, *args, **kwargs)
        self.output = nn.Linear(d_model, output_dim)
        self.d_model, self.batch_first = d_model, kwargs.get("batch_first", False)

    def embed(self, layer, inputs):
        length = inputs.shape[1 if self.batch_first else 0]
        positions = sinusoidal_positions(length, self.d_model).to(inputs.dtype)
        return layer(inputs) * math.sqrt(self.d_model) + (positions if self.batch_first else positions.unsqueeze(1))

    def forward(self, src, tgt, **masks):
        tgt_layer = self.src_embedding if self.tgt_embedding is None else self.tgt_embedding
        return self.output(self.transformer(self.embed(self.src_embedding, src), self.embed(tgt_layer, tgt), **masks))


def randomize(module, generator):
    """PyTorch's own start leaves biases at 0 and norms at 1, which would hide a missing one."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(0.3 * noise + (1.0 if name.endswith("weight") else 0.0))
            elif parameter.dim() == 1:
                parameter.copy_(0.3 * noise)
            else:
                parameter.copy_(noise / math.sqrt(parameter.shape[1]))


def causal(length):
    return torch.full((length, length), NEG).triu(1)


def padding(lengths, width, left=False):
    rows = [[(i < width - n) if left else (i >= n) for i in range(width)] for n in lengths]
    return torch.tensor(rows)


def bool_mask(rows, columns, generator):
    """True is masked; the first key stays open to every query, so that no row is fully masked."""
    mask = torch.rand(rows, columns, generator=generator) < 0.4
    mask[:, 0] = False
    return mask


def float_mask(rows, columns, generator):
    mask = torch.randn(rows, columns, generator=generator)
    return mask.masked_fill(bool_mask(rows, columns, generator), NEG)


def encoder_runs(g):
    return {
        "none_1": (1, None, {}), "none_7": (7, None, {}), "none_13": (13, None, {}),
        "causal_7": (7, None, {"mask": causal(7)}),
        "bool_13": (13, None, {"mask": bool_mask(13, 13, g)}),
        "float_13": (13, None, {"mask": float_mask(13, 13, g)}),
        "padding_13": (13, None, {"src_key_padding_mask": padding([13, 5], 13)}),
        "padding_left_7": (7, None, {"src_key_padding_mask": padding([7, 3], 7, left=True)}),
        "causal_padding_13": (13, None, {"mask": causal(13), "src_key_padding_mask": padding([4, 13], 13)}),
        "bool_padding_7": (7, None, {"mask": bool_mask(7, 7, g), "src_key_padding_mask": padding([7, 2], 7)}),
        "float_padding_7": (7, None, {"mask": float_mask(7, 7, g), "src_key_padding_mask": padding([1, 6], 7)}),
    }


def decoder_runs(g):
    return {
        "none_1_1": (1, 1, {}), "none_7_13": (7, 13, {}), "none_13_1": (13, 1, {}),
        "causal_7_13": (7, 13, {"tgt_mask": causal(7)}),
        "tgt_bool_7_7": (7, 7, {"tgt_mask": bool_mask(7, 7, g)}),
        "tgt_float_13_7": (13, 7, {"tgt_mask": float_mask(13, 13, g)}),
        "tgt_padding_7_13": (7, 13, {"tgt_key_padding_mask": padding([7, 3], 7)}),
        "memory_padding_7_13": (7, 13, {"memory_key_padding_mask": padding([2, 13], 13)}),
        "memory_bool_7_13": (7, 13, {"memory_mask": bool_mask(7, 13, g)}),
        "memory_float_7_13": (7, 13, {"memory_mask": float_mask(7, 13, g)}),
        "combined_7_13": (7, 13, {
            "tgt_mask": causal(7), "memory_mask": float_mask(7, 13, g),
            "tgt_key_padding_mask": padding([5, 7], 7), "memory_key_padding_mask": padding([13, 4], 13)}),
    }


def full_runs(g):
    return {
        "none_1_1": (1, 1, {}), "none_13_7": (13, 7, {}),
        "causal_13_7": (13, 7, {"tgt_mask": causal(7)}),
        "masks_7_13": (7, 13, {"src_mask": float_mask(7, 7, g), "tgt_mask": causal(13), "memory_mask": bool_mask(13, 7, g)}),
        "padding_13_7": (13, 7, {
            "tgt_mask": causal(7), "src_key_padding_mask": padding([13, 6], 13),
            "tgt_key_padding_mask": padding([7, 4], 7), "memory_key_padding_mask": padding([13, 6], 13)}),
        "combined_7_7": (7, 7, {
            "src_mask": bool_mask(7, 7, g), "tgt_mask": causal(7), "memory_mask": float_mask(7, 7, g),
            "src_key_padding_mask": padding([7, 3], 7), "tgt_key_padding_mask": padding([2, 7], 7),
            "memory_key_padding_mask": padding([7, 3], 7)}),
    }


# name: kind, dModel, numHeads, dFf, layers (encoder, decoder), activation, normFirst, batchFirst, final norm or shared embedding
CASES = {
    "encoder-post-relu": ("encoder", 20, 5, 33, (2, 0), "relu", False, False, False),
    "encoder-post-gelu-batch-first": ("encoder", 20, 5, 33, (2, 0), "gelu", False, True, True),
    "encoder-pre-relu-batch-first": ("encoder", 40, 5, 33, (1, 0), "relu", True, True, True),
    "encoder-pre-gelu": ("encoder", 21, 3, 50, (1, 0), "gelu", True, False, True),
    "decoder-post-relu": ("decoder", 20, 5, 33, (0, 2), "relu", False, False, False),
    "decoder-post-gelu-batch-first": ("decoder", 24, 3, 33, (0, 1), "gelu", False, True, True),
    "decoder-pre-relu-batch-first": ("decoder", 20, 5, 33, (0, 1), "relu", True, True, True),
    "decoder-pre-gelu": ("decoder", 21, 3, 17, (0, 1), "gelu", True, False, True),
    "transformer-post-relu": ("transformer", 20, 5, 33, (2, 2), "relu", False, False, True),
    "transformer-pre-gelu-batch-first": ("transformer", 20, 4, 33, (1, 1), "gelu", True, True, True),
    "continuous-shared": ("continuous", 20, 5, 33, (2, 2), "relu", False, False, True),
    "continuous-separate-pre-gelu": ("continuous", 24, 3, 31, (1, 1), "gelu", True, False, False),
}
INPUT_DIM, OUTPUT_DIM, BATCH = 3, 2, 2
# Every run of every model would double the files; the masks do not know which norm comes first.
BRIEF = ("none_1", "causal", "float_padding", "tgt_bool", "memory_padding", "masks", "combined")


def build(kind, d_model, heads, d_ff, layers, activation, norm_first, batch_first, last):
    options = dict(dropout=0.0, activation=activation, batch_first=batch_first, norm_first=norm_first)
    if kind == "encoder":
        layer = nn.TransformerEncoderLayer(d_model, heads, d_ff, **options)
        return nn.TransformerEncoder(layer, layers[0], nn.LayerNorm(d_model) if last else None, enable_nested_tensor=False)
    if kind == "decoder":
        layer = nn.TransformerDecoderLayer(d_model, heads, d_ff, **options)
        return nn.TransformerDecoder(layer, layers[1], nn.LayerNorm(d_model) if last else None)
    if kind == "transformer":
        return nn.Transformer(d_model, heads, *layers, d_ff, **options)
    return ContinuousModel(INPUT_DIM, INPUT_DIM if last else OUTPUT_DIM, last, d_model, heads, *layers, d_ff, **options)


def widths(kind, d_model, last):
    """Element counts of one source and one target position."""
    if kind == "continuous":
        return INPUT_DIM, INPUT_DIM if last else OUTPUT_DIM
    return d_model, d_model


def run(model, kind, inputs, masks):
    if kind == "encoder":
        return model(inputs["src"], **masks)
    if kind == "decoder":
        return model(inputs["tgt"], inputs["memory"], **masks)
    return model(inputs["src"], inputs["tgt"], **masks)


def make(directory, seed, name, case):
    kind, d_model, heads, d_ff, layers, activation, norm_first, batch_first, last = case
    g = torch.Generator().manual_seed(seed)
    model = build(*case).train()
    randomize(model, g)
    tensors = {key: value.clone() for key, value in model.state_dict().items()}
    model.double()
    runs = {"encoder": encoder_runs, "decoder": decoder_runs}.get(kind, full_runs)(g)
    if not name.endswith("post-relu"):
        runs = {run_name: value for run_name, value in runs.items() if run_name.startswith(BRIEF)}
    first_name, second_name = {"encoder": ("src", None), "decoder": ("tgt", "memory")}.get(kind, ("src", "tgt"))
    first_width, second_width = widths(kind, d_model, last)
    for run_name, (first, second, masks) in runs.items():
        inputs = {first_name: sequence(first, first_width, batch_first, g)}
        if second is not None:
            inputs[second_name] = sequence(second, second_width, batch_first, g)
        wide = {key: mask if mask.dtype == torch.bool else mask.double() for key, mask in masks.items()}
        expected = run(model, kind, {key: value.double() for key, value in inputs.items()}, wide)
        assert torch.isfinite(expected).all(), (name, run_name)
        narrow = {key: mask.to(torch.uint8) if mask.dtype == torch.bool else mask for key, mask in masks.items()}
        for key, value in {**inputs, **narrow, "expected": expected.float()}.items():
            tensors["run.%s.%s" % (run_name, key)] = value
    metadata = {
        "kind": kind, "d_model": d_model, "num_heads": heads, "d_ff": d_ff, "num_encoder_layers": layers[0],
        "num_decoder_layers": layers[1], "activation": activation, "norm_first": str(norm_first).lower(),
        "batch_first": str(batch_first).lower(), "layer_norm_eps": "1e-5", "runs": ",".join(runs),
        "final_norm": str(kind in ("transformer", "continuous") or last).lower()}
    if kind == "continuous":
        metadata.update(input_dim=INPUT_DIM, output_dim=second_width, shared_embedding=str(last).lower())
    path = os.path.join(directory, name + ".safetensors")
    safetensors_io.write(path, tensors, metadata)
    verify(path, case)


def sequence(length, width, batch_first, generator):
    shape = (BATCH, length, width) if batch_first else (length, BATCH, width)
    return torch.randn(shape, generator=generator)


def verify(path, case):
    """Reads the file back and recomputes every run in float32, in evaluation mode."""
    stored, metadata = safetensors_io.read(path)
    stored = {key: torch.from_numpy(value) for key, value in stored.items()}
    model = build(*case).eval()
    model.load_state_dict({key: value for key, value in stored.items() if not key.startswith("run.")})
    worst = 0.0
    for run_name in metadata["runs"].split(","):
        prefix = "run.%s." % run_name
        parts = {key[len(prefix):]: value for key, value in stored.items() if key.startswith(prefix)}
        expected = parts.pop("expected")
        masks = {key: value.bool() if value.dtype == torch.uint8 else value for key, value in parts.items() if "mask" in key}
        actual = run(model, case[0], {key: value for key, value in parts.items() if "mask" not in key}, masks)
        worst = max(worst, (actual - expected).abs().max().item())
    assert worst < 1e-5, (path, worst)
    print("%-40s %2d runs, %6d bytes, float32 differs by %.1e" % (
        os.path.basename(path), len(metadata["runs"].split(",")), os.path.getsize(path), worst))


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    torch.set_num_threads(1)
    for seed, (name, case) in enumerate(CASES.items(), 40):
        make(directory, seed, name, case)


if __name__ == "__main__":
    main()
