"""Writes golden/onnx-encoders: tiny exports of transformers' encoders by both of torch's exporters, and what ONNX Runtime answers.

    python3 encoders.py ../../resources/golden/onnx-encoders        (torch 2.13, transformers 5.18, onnxruntime 1.29)

Each NAME.onnx has its cases in cases.safetensors: NAME.ids and NAME.offsets of sequences end to end (NAME.types where it has such an
input), and NAME.OUTPUT, each sequence run by itself, rows end to end; of the quantized one by the reference of the package onnx.
"""
import os
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
import transformers
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import save_file

warnings.filterwarnings("ignore")
SIZES = dict(vocab_size=99, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, max_position_embeddings=44)
LENGTHS = (1, 7, 3, 40, 12, 7, 2, 19)
ROBERTA = dict(SIZES, pad_token_id=1, type_vocab_size=1)
BERT = transformers.BertConfig
HIDDEN, DYNAMO = "last_hidden_state", {"dynamo": True}

MODELS = {
    "bert": (transformers.BertModel, BERT(**SIZES), HIDDEN, {}),
    "bert-dynamo": (transformers.BertModel, BERT(**SIZES, hidden_act="gelu_new"), HIDDEN, DYNAMO),
    "bert-causal": (transformers.BertModel, BERT(**SIZES, is_decoder=True, use_cache=False), HIDDEN, {}),
    "bert-classes": (transformers.BertForSequenceClassification, BERT(**SIZES, num_labels=3), "logits", {}),
    "bert-tags": (transformers.BertForTokenClassification, BERT(**SIZES, num_labels=5), "logits", DYNAMO),
    "xlm-roberta": (transformers.XLMRobertaModel, transformers.XLMRobertaConfig(**ROBERTA), HIDDEN, {}),
    "roberta-score": (transformers.RobertaForSequenceClassification, transformers.RobertaConfig(**ROBERTA, num_labels=1), "logits", DYNAMO),
    "distilbert": (transformers.DistilBertModel, transformers.DistilBertConfig(
        vocab_size=99, dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=44), HIDDEN, {}),
    "mpnet": (transformers.MPNetModel, transformers.MPNetConfig(**SIZES), HIDDEN, {}),
    "modernbert": (transformers.ModernBertModel, transformers.ModernBertConfig(
        **SIZES, local_attention=8, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2), HIDDEN, DYNAMO),
}


class Named(torch.nn.Module):
    """One output, by its name."""

    def __init__(self, model, output, typed):
        super().__init__()
        self.model, self.output, self.typed = model, output, typed

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        more = {"token_type_ids": token_type_ids} if self.typed else {}
        return getattr(self.model(input_ids=input_ids, attention_mask=attention_mask, **more), self.output)


def randomized(model):
    torch.manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm = "norm" in name.lower() and name.endswith("weight")
            parameter.normal_(1.0 if norm else 0.0, 0.2 if norm else 0.25)
    return model.eval()


def export(folder, name, kind, config, output, options):
    config._attn_implementation = "sdpa" if options else "eager"
    model = randomized(kind._from_config(config) if hasattr(kind, "_from_config") else kind(config))
    typed = getattr(config, "type_vocab_size", 0) > 1 and "distil" not in name
    names = ["input_ids", "attention_mask"] + (["token_type_ids"] if typed else [])
    ids = torch.randint(5, 99, (2, 9))
    arguments = (ids, torch.ones_like(ids)) + ((torch.zeros_like(ids),) if typed else ())
    path = os.path.join(folder, name + ".onnx")
    rows = {0: "batch", 1: "sequence"} if kind.__name__.endswith("Model") or "Token" in kind.__name__ else {0: "batch"}
    common = dict(input_names=names, output_names=[output])
    if options.get("dynamo"):
        batch, sequence = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("sequence", min=2, max=40)
        torch.onnx.export(Named(model, output, typed), arguments, path, dynamo=True, external_data=False, optimize=True,
                          dynamic_shapes=tuple({0: batch, 1: sequence} for _ in arguments), verbose=False, **common)
    else:
        torch.onnx.export(Named(model, output, typed), arguments, path, dynamo=False, opset_version=14, do_constant_folding=True,
                          dynamic_axes={**{n: {0: "batch", 1: "sequence"} for n in names}, output: rows}, **common)
    graph = onnx.load(path)
    for node in [*graph.graph.node, *graph.graph.value_info, *graph.graph.input, *graph.graph.output, *graph.graph.initializer]:
        del node.metadata_props[:]
        node.doc_string = ""
    for node in graph.graph.node:
        node.name = ""
    del graph.graph.value_info[:]
    onnx.save(graph, path)
    return typed


class DequantizeLinear(OpRun):
    """The reference has none for this opset."""

    def _run(self, x, scale, zero=None, **kwargs):
        assert scale.size == 1
        return (((x.astype(np.int32) - (0 if zero is None else zero.astype(np.int32))) * scale.reshape(())).astype(np.float32),)


def cases(path, name, output, typed, exact=False):
    """exact: by ONNX's own reference. ONNX Runtime adds two products of bytes in 16 bits where the processor has no VNNI, and saturates."""
    generator = np.random.default_rng(3)
    session = (ReferenceEvaluator(path, new_ops=[DequantizeLinear]) if exact
               else onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]))
    sequences = [generator.integers(5, 99, n) for n in LENGTHS]
    types = [(np.arange(n) >= n // 2).astype(np.int64) for n in LENGTHS]
    answers = []
    for ids, type_ids in zip(sequences, types):
        feed = {"input_ids": ids[None].astype(np.int64), "attention_mask": np.ones((1, len(ids)), np.int64)}
        if typed:
            feed["token_type_ids"] = type_ids[None]
        answers.append(session.run([output], feed)[0][0])
    tensors = {"ids": np.concatenate(sequences).astype(np.int32), "offsets": np.cumsum([0, *LENGTHS]).astype(np.int32),
               output: np.concatenate([np.atleast_2d(a) for a in answers]).astype(np.float32)}
    if typed:
        tensors["types"] = np.concatenate(types).astype(np.int32)
    return {f"{name}.{key}": value for key, value in tensors.items()}


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    tensors = {}
    for name, (kind, config, output, options) in MODELS.items():
        typed = export(folder, name, kind, config, output, options)
        tensors.update(cases(os.path.join(folder, name + ".onnx"), name, output, typed))
        print(name, os.path.getsize(os.path.join(folder, name + ".onnx")))
    quantize_dynamic(os.path.join(folder, "bert.onnx"), os.path.join(folder, "bert-q.onnx"), weight_type=QuantType.QInt8)
    tensors.update(cases(os.path.join(folder, "bert-q.onnx"), "bert-q", "last_hidden_state", True, exact=True))
    save_file(tensors, os.path.join(folder, "cases.safetensors"))


if __name__ == "__main__":
    main()
