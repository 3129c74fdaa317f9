"""Writes golden/onnx-heads.zip: the models of golden/heads as ONNX files, by one of torch's exporters each.

    python3 heads.py ../../resources/golden/heads ../../resources/golden/onnx-heads.zip        (torch 2.13, transformers 5.18)

What they answer is in golden/heads/NAME/expected.json, which transformers' pipelines wrote.
"""
import io
import sys
import warnings
import zipfile
from pathlib import Path

import onnx
import torch
import transformers as T

warnings.filterwarnings("ignore")
KINDS = {"fill": T.AutoModelForMaskedLM, "answer": T.AutoModelForQuestionAnswering, "tag": T.AutoModelForTokenClassification,
         "classify": T.AutoModelForSequenceClassification, "nli": T.AutoModelForSequenceClassification,
         "rerank": T.AutoModelForSequenceClassification}
NAMES = ["bert-fill", "bert-answer", "distilbert-fill", "distilbert-answer", "roberta-fill", "roberta-answer", "roberta-nli", "albert-fill",
         "albert-answer", "electra-fill", "electra-tag", "mpnet-fill", "mpnet-answer", "mpnet-classify",
         "deberta-v2-fill", "modernbert-fill", "modernbert-answer",
         "xlm-roberta-rerank"]
DYNAMO = {"distilbert-answer", "roberta-fill", "bert-answer", "mpnet-answer", "albert-answer", "electra-tag", "modernbert-fill",
          "modernbert-answer"}


class Named(torch.nn.Module):
    def __init__(self, model, outputs, names):
        super().__init__()
        self.model, self.outputs, self.names = model, outputs, names

    def forward(self, *args):
        out = self.model(**dict(zip(self.names, args)))
        return tuple(getattr(out, o) for o in self.outputs)


def export(folder):
    kind = folder.name.rsplit("-", 1)[1]
    dynamo = folder.name in DYNAMO
    model = KINDS[kind].from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa" if dynamo and "mpnet" not in folder.name else "eager").eval()
    outputs = ["start_logits", "end_logits"] if kind == "answer" else ["logits"]
    names = ["input_ids", "attention_mask"] + (["token_type_ids"] if getattr(model.config, "type_vocab_size", 0) > 1
                                               and "distil" not in folder.name else [])
    args = tuple(torch.ones(2, 9, dtype=torch.int64) for _ in names)
    args[0][:] = torch.randint(5, min(90, model.config.vocab_size), (2, 9))
    wrapped, out = Named(model, outputs, names), io.BytesIO()
    axes = {0: "batch", 1: "sequence"}
    with torch.no_grad():
        if dynamo:
            shapes = (tuple({0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("sequence", min=2, max=40)} for _ in args),)
            program = torch.onnx.export(wrapped, args, dynamo=True, dynamic_shapes=shapes, input_names=names, output_names=outputs, verbose=False)
            graph = program.model_proto
        else:
            torch.onnx.export(wrapped, args, out, dynamo=False, opset_version=14, input_names=names, output_names=outputs,
                              dynamic_axes={n: axes for n in names} | {o: axes if kind in ("answer", "fill", "tag") else {0: "batch"} for o in outputs})
            graph = onnx.load_from_string(out.getvalue())
    for node in [*graph.graph.node, *graph.graph.value_info, *graph.graph.input, *graph.graph.output, *graph.graph.initializer]:
        del node.metadata_props[:]
        node.doc_string = ""
    for node in graph.graph.node:
        node.name = ""
    del graph.graph.value_info[:]
    return graph.SerializeToString()


def main():
    with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name in NAMES:
            data = export(Path(sys.argv[1]) / name)
            out.writestr(zipfile.ZipInfo(name + ".onnx"), data, zipfile.ZIP_DEFLATED, 9)
            print(name, len(data), flush=True)
    print(Path(sys.argv[2]).stat().st_size, "bytes")


if __name__ == "__main__":
    main()
