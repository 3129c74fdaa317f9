"""Writes ONNX files of known architectures with random weights, for the suite `onnx`; for the suite `families` folders with the same weights.

    python bench/onnx_models.py bench/target/onnx [NAME...]
    python bench/onnx_models.py bench/target/families bert_base roberta_base mpnet_base modernbert_base rerank

Made with torch 2.13 and transformers 5.18. MiniLM is the file of LangChain4j's artifact: put it beside them as minilm/model.onnx.
"""
import sys
import warnings
from pathlib import Path

import torch
import transformers as tf

warnings.filterwarnings("ignore")


class First(torch.nn.Module):
    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *args):
        return self.model(**dict(zip(self.names, args)), return_dict=True)[0]


def pictures(size, channels=3, height=None):
    shape = (2, channels, height or size, size) if height != 0 else (2, channels, size)
    return ["pixel_values"], (torch.randn(*shape),), {"pixel_values": {0: "n"}}


def texts(*names):
    return list(names), tuple(torch.ones(2, 16, dtype=torch.int64) for _ in names), {n: {0: "n", 1: "t"} for n in names}


THREE = ("input_ids", "attention_mask", "token_type_ids")
TINY = dict(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
MODELS = {
    "resnet50": (lambda: tf.ResNetForImageClassification(tf.ResNetConfig()), pictures(224)),
    "resnet18": (lambda: tf.ResNetForImageClassification(tf.ResNetConfig(hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic")), pictures(224)),
    "mobilenet_v1": (lambda: tf.MobileNetV1ForImageClassification(tf.MobileNetV1Config()), pictures(224)),
    "mobilenet_v2": (lambda: tf.MobileNetV2ForImageClassification(tf.MobileNetV2Config()), pictures(224)),
    "efficientnet_b0": (lambda: tf.EfficientNetForImageClassification(tf.EfficientNetConfig(
        width_coefficient=1.0, depth_coefficient=1.0, image_size=224, hidden_dim=1280)), pictures(224)),
    "regnet_y": (lambda: tf.RegNetForImageClassification(tf.RegNetConfig()), pictures(224)),
    "convnext_tiny": (lambda: tf.ConvNextForImageClassification(tf.ConvNextConfig()), pictures(224)),
    "swin_tiny": (lambda: tf.SwinForImageClassification(tf.SwinConfig()), pictures(224)),
    "deit_small": (lambda: tf.ViTForImageClassification(tf.ViTConfig(**{**TINY, "num_hidden_layers": 12, "num_attention_heads": 6})), pictures(224)),
    "bert_small": (lambda: tf.BertModel(tf.BertConfig(**TINY)), texts(*THREE)),
    "roberta_small": (lambda: tf.RobertaModel(tf.RobertaConfig(**TINY)), texts(*THREE[:2])),
    "distilbert": (lambda: tf.DistilBertModel(tf.DistilBertConfig()), texts(*THREE[:2])),
    "t5_small_encoder": (lambda: tf.T5EncoderModel(tf.T5Config(d_model=512, d_ff=2048, num_layers=6, num_heads=8)), texts(*THREE[:2])),
    "gpt2_small": (lambda: tf.GPT2LMHeadModel(tf.GPT2Config(n_embd=384, n_layer=6, n_head=12, vocab_size=5000)), texts(*THREE[:2])),
}

# Written only if they are named, with model.safetensors and config.json beside.
FOLDERS = {
    "bert_base": (lambda: tf.BertModel(tf.BertConfig()), texts(*THREE)),
    "roberta_base": (lambda: tf.RobertaModel(tf.RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)), texts(*THREE[:2])),
    "mpnet_base": (lambda: tf.MPNetModel(tf.MPNetConfig(vocab_size=30527, max_position_embeddings=514)), texts(*THREE[:2])),
    "modernbert_base": (lambda: tf.ModernBertModel(tf.ModernBertConfig(attn_implementation="eager")), texts(*THREE[:2])),
    "rerank": (lambda: tf.BertForSequenceClassification(tf.BertConfig(**TINY, num_labels=1)), texts(*THREE)),
}


def main():
    root, wanted = Path(sys.argv[1]), sys.argv[2:]
    for name, (make, (names, args, axes)) in (MODELS | FOLDERS).items():
        if name not in (wanted or MODELS):
            continue
        torch.manual_seed(0)
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        model = make().eval()
        if name in FOLDERS:
            model.save_pretrained(folder)
        with torch.no_grad():
            torch.onnx.export(First(model, names), args, str(folder / "model.onnx"), input_names=names, output_names=["y"],
                              dynamic_axes=axes, opset_version=17, dynamo=False)
        print(name, "ok", flush=True)


main()
