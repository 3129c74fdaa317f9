"""Writes the tiny BERT of golden/bert: tiny/ and tiny-prefixed/ (complete model folders), tiny-onnx/model.onnx, and
tiny/cases.safetensors with what PyTorch answers.

    python3 tiny.py ../../resources/golden/bert        (PyTorch 1.13, onnx 1.12; the README there tells the formats)
"""
import json
import os
import sys

import numpy as np
import onnx
import torch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transformer"))
import safetensors_io  # noqa: E402
from bert import BertModel  # noqa: E402
from tiny_tokenizer import tokenizer  # noqa: E402

CONFIG = {
    "architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1, "classifier_dropout": None,
    "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 40, "initializer_range": 0.02,
    "intermediate_size": 72, "layer_norm_eps": 1e-12, "max_position_embeddings": 80, "model_type": "bert",
    "num_attention_heads": 5, "num_hidden_layers": 3, "pad_token_id": 0, "position_embedding_type": "absolute",
    "torch_dtype": "float32", "type_vocab_size": 2, "use_cache": True, "vocab_size": 99,
}
LENGTHS = range(1, 68)
HIDDEN = (1, 2, 3, 15, 16, 17, 33, 64, 67)


def make_model():
    torch.manual_seed(20)
    model = BertModel(CONFIG).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "LayerNorm.weight" in name:
                parameter.normal_(1.0, 0.2)
            else:
                parameter.normal_(0.0, 0.3)
    return model


def make_ids(generator):
    """[CLS], ordinary tokens, [SEP]; a sequence of one token is any ordinary token."""
    sequences = []
    for length in LENGTHS:
        ids = torch.randint(5, CONFIG["vocab_size"], (length,), generator=generator)
        if length > 1:
            ids[0], ids[-1] = 2, 3
        sequences.append(ids)
    return sequences


def run(model, ids, types=None):
    types = torch.zeros_like(ids) if types is None else types
    with torch.no_grad():
        hidden, pooled = model(ids[None], torch.ones_like(ids)[None], types[None])
    return hidden[0], pooled[0]


def unit(x):
    return x / x.norm()


def make_cases(model):
    double = BertModel(CONFIG).double().eval()
    double.load_state_dict(model.state_dict())
    sequences = make_ids(torch.Generator().manual_seed(21))
    answers = [run(double, ids) for ids in sequences]
    worst = max((run(model, ids)[0] - hidden).abs().max().item() for ids, (hidden, _) in zip(sequences, answers))
    print(f"float32 differs from float64 by at most {worst:.2e}; |hidden| <= {max(h.abs().max() for h, _ in answers):.2f}")
    assert worst < 5e-6
    tensors = {
        "ids": torch.cat(sequences).int(),
        "offsets": torch.tensor([0] + [len(ids) for ids in sequences]).cumsum(0).int(),
        "mean": torch.stack([unit(hidden.mean(0)) for hidden, _ in answers]).float(),
        "mean_raw": torch.stack([hidden.mean(0) for hidden, _ in answers]).float(),
        "cls": torch.stack([unit(hidden[0]) for hidden, _ in answers]).float(),
        "cls_raw": torch.stack([hidden[0] for hidden, _ in answers]).float(),
        "pooler": torch.stack([pooled for _, pooled in answers]).float(),
    }
    for length in HIDDEN:
        tensors[f"hidden.{length}"] = answers[length - 1][0].float()
    types = (torch.arange(33) >= 14).long()
    tensors["typed.ids"], tensors["typed.token_type_ids"] = sequences[32].int(), types.int()
    tensors["typed.hidden"] = run(double, sequences[32], types)[0].float()
    check_masked_batch(double, sequences, answers)
    return tensors


def check_masked_batch(model, sequences, answers):
    """A padded batch with its mask answers as the sequences do one by one, so the goldens hold for either."""
    chosen = [0, 4, 66]
    ids, mask = torch.zeros(3, 67, dtype=torch.long), torch.zeros(3, 67, dtype=torch.long)
    for row, index in enumerate(chosen):
        ids[row, :index + 1], mask[row, :index + 1] = sequences[index], 1
    with torch.no_grad():
        hidden, _ = model(ids, mask, torch.zeros_like(ids))
    for row, index in enumerate(chosen):
        assert torch.allclose(hidden[row, :index + 1], answers[index][0], atol=1e-12)


def write_folder(path, state, architecture):
    os.makedirs(path, exist_ok=True)
    safetensors_io.write(os.path.join(path, "model.safetensors"), state, {"format": "pt"})
    config = dict(CONFIG, architectures=[architecture])
    write_json(os.path.join(path, "config.json"), config, 2)
    write_json(os.path.join(path, "tokenizer.json"), tokenizer(), 1)
    read, _ = safetensors_io.read(os.path.join(path, "model.safetensors"))
    assert read.keys() == state.keys() and all(np.array_equal(read[n], state[n].numpy()) for n in state)


def write_json(path, value, indent):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=indent, ensure_ascii=False)
        file.write("\n")


def export_onnx(model, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    ids = torch.tensor([[2, 40, 41, 42, 3]])
    axes = {0: "batch", 1: "sequence"}
    names = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(model, (ids, torch.ones_like(ids), torch.zeros_like(ids)), path, opset_version=14,
                      input_names=names, output_names=["last_hidden_state", "pooler_output"], do_constant_folding=True,
                      dynamic_axes={**{name: axes for name in names}, "last_hidden_state": axes, "pooler_output": {0: "batch"}})
    graph = onnx.load(path)
    onnx.checker.check_model(graph)
    anonymous = [i.name for i in graph.graph.initializer if i.name.startswith("onnx::MatMul")]
    print(f"{os.path.getsize(path)} bytes of ONNX; {len(anonymous)} anonymous weights")
    assert len(anonymous) == 6 * CONFIG["num_hidden_layers"]


def main():
    folder = sys.argv[1]
    model = make_model()
    state = {name: parameter.detach() for name, parameter in model.named_parameters()}
    write_folder(os.path.join(folder, "tiny"), state, "BertModel")
    prefixed = {"bert." + name: value for name, value in state.items()}
    prefixed["bert.embeddings.position_ids"] = model.embeddings.position_ids
    prefixed["cls.predictions.bias"] = torch.zeros(CONFIG["vocab_size"])
    write_folder(os.path.join(folder, "tiny-prefixed"), prefixed, "BertForMaskedLM")
    safetensors_io.write(os.path.join(folder, "tiny", "cases.safetensors"), make_cases(model))
    export_onnx(model, os.path.join(folder, "tiny-onnx", "model.onnx"))


if __name__ == "__main__":
    main()
