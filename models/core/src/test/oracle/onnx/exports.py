"""Writes random-weight ONNX files as exporters write them, with inputs and what ONNX Runtime computes, in ONNX's own test layout.

    python exports.py FOLDER [NAME...]
    python exports.py --tiny FOLDER exports.zip

Each FOLDER/NAME holds model.onnx and test_data_set_N, one for each set of sizes. Only the
tiny ones of --tiny are committed; run `gatun verify FOLDER` on the others. Made with torch 2.13, transformers 5.18, onnxruntime 1.30.
"""
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn

warnings.filterwarnings("ignore")


def data(folder, feeds):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    for i, feed in enumerate(feeds):
        out = session.run(None, feed)
        target = folder / f"test_data_set_{i}"
        target.mkdir(exist_ok=True)
        for j, name in enumerate(names):
            (target / f"input_{j}.pb").write_bytes(numpy_helper.from_array(np.asarray(feed[name]), name).SerializeToString())
        for j, value in enumerate(out):
            (target / f"output_{j}.pb").write_bytes(numpy_helper.from_array(np.asarray(value), str(j)).SerializeToString())
    (folder / "data.json").write_text(json.dumps({"rtol": 1e-3, "atol": 2e-5 * max(1.0, float(max(np.abs(np.asarray(o)).max() for o in out)))}))


def export(root, name, model, args, inputs, outputs, axes, feeds, opset=17, dynamo=False):
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    model = model.eval()
    for key, p in model.named_buffers():
        if "running" in key:
            p.data.uniform_(*((0.5, 1.5) if "var" in key else (-0.2, 0.2)))
    with torch.no_grad():
        if dynamo:
            shapes = tuple({d: torch.export.Dim.DYNAMIC for d in axes.get(i, {})} for i in inputs)
            shapes = shapes if isinstance(model, (nn.Sequential, UNet, Yolo, Tagger)) else model.shapes(shapes)
            torch.onnx.export(model, args, str(folder / "model.onnx"), input_names=inputs, output_names=outputs, dynamo=True,
                              dynamic_shapes=shapes, opset_version=max(18, opset), external_data=True)
        else:
            torch.onnx.export(model, args, str(folder / "model.onnx"), input_names=inputs, output_names=outputs, dynamo=False,
                              dynamic_axes=axes, opset_version=opset)
    data(folder, feeds)
    print(name, "ok", flush=True)


class First(nn.Module):
    """What a transformers model gives first, as a tensor."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *args):
        out = self.model(**dict(zip(self.names, args)), return_dict=True)
        return out[0]

    def shapes(self, each):
        """Of the one argument that all of them are."""
        return (each,)


def cnn(root, name, model, sizes=((1, 64), (2, 96)), **more):
    rng = np.random.default_rng(1)
    x = torch.randn(2, 3, 64, 64)
    feeds = [{"x": rng.standard_normal((n, 3, s, s)).astype(np.float32)} for n, s in sizes]
    export(root, name, model, (x,), ["x"], ["y"], {"x": {0: "n", 2: "h", 3: "w"}}, feeds, **more)


def conv(i, o, k=3, s=1, g=1, act=nn.ReLU6):
    layers = [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([act()] if act else []))


class Inverted(nn.Module):
    def __init__(self, i, o, s, t, act=nn.ReLU6, se=False):
        super().__init__()
        h = i * t
        self.residual = s == 1 and i == o
        self.expand, self.depth, self.project = conv(i, h, 1, act=act), conv(h, h, 3, s, h, act), conv(h, o, 1, act=None)
        self.se = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(h, h // 4, 1), nn.ReLU(), nn.Conv2d(h // 4, h, 1), nn.Hardsigmoid()) if se else None

    def forward(self, x):
        y = self.depth(self.expand(x))
        y = y * self.se(y) if self.se else y
        y = self.project(y)
        return x + y if self.residual else y


class Basic(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.a, self.b = conv(i, o, 3, s, act=nn.ReLU), conv(o, o, act=None)
        self.down = conv(i, o, 1, s, act=None) if s != 1 or i != o else nn.Identity()

    def forward(self, x):
        return torch.relu(self.b(self.a(x)) + self.down(x))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = conv(3, 8), conv(8, 16), conv(16, 32)
        self.up1, self.d1 = nn.ConvTranspose2d(32, 16, 2, 2), conv(32, 16)
        self.d2, self.out = conv(24, 8), nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.b(nn.functional.max_pool2d(a, 2))
        c = self.c(nn.functional.max_pool2d(b, 2))
        b = self.d1(torch.cat([self.up1(c), b], 1))
        b = nn.functional.interpolate(b, scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.out(self.d2(torch.cat([b, a], 1)))


class Dense(nn.Module):
    """DenseNet: norm and activation come before convolutions, everything is kept."""

    def __init__(self, i, growth, layers):
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(i + k * growth), nn.ReLU(), nn.Conv2d(i + k * growth, 4 * growth, 1, bias=False),
                                                  nn.BatchNorm2d(4 * growth), nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False))
                                    for k in range(layers))

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


class Branches(nn.Module):
    """Joined side by side: SqueezeNet's fire, Inception's mixtures, DeepLab's pyramid."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([b(x) for b in self.branches], 1)


class Shuffle(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c // 2
        self.branch = nn.Sequential(conv(h, h, 1, act=nn.ReLU), conv(h, h, 3, 1, h, act=None), conv(h, h, 1, act=nn.ReLU))

    def forward(self, x):
        a, b = x.chunk(2, 1)
        y = torch.cat([a, self.branch(b)], 1)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class Pyramid(nn.Module):
    """The mean of the picture, as large as the picture."""

    def __init__(self, i, o):
        super().__init__()
        self.mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(i, o, 1), nn.ReLU())

    def forward(self, x):
        return nn.functional.interpolate(self.mean(x), size=x.shape[-2:], mode="bilinear", align_corners=False)


class Yolo(nn.Module):
    """Heads of two sizes, boxes decoded on a grid."""

    def __init__(self):
        super().__init__()
        self.a, self.b = conv(3, 16, 3, 4, act=nn.SiLU), conv(16, 32, 3, 2, act=nn.SiLU)
        self.up, self.join = nn.Upsample(scale_factor=2), conv(48, 16, act=nn.SiLU)
        self.heads = nn.ModuleList([nn.Conv2d(16, 21, 1), nn.Conv2d(32, 21, 1)])

    def forward(self, x):
        a = self.a(x)
        b = self.b(a)
        a = self.join(torch.cat([self.up(b), a], 1))
        out = []
        for y, head in zip((a, b), self.heads):
            y = head(y)
            n, _, h, w = y.shape
            y = y.view(n, 3, 7, h, w).permute(0, 1, 3, 4, 2).sigmoid()
            gy, gx = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
            grid = torch.stack((gx, gy), 2).view(1, 1, h, w, 2).float()
            xy, wh, conf = y.split((2, 2, 3), 4)
            out.append(torch.cat(((xy * 2 + grid) * 8, (wh * 2) ** 2 * 4, conf), 4).reshape(n, -1, 7))
        return torch.cat(out, 1)


def head(*layers):
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def nets(root):
    relu6 = [Inverted(16, 24, 2, 6), Inverted(24, 24, 1, 6), Inverted(24, 32, 2, 6)]
    yield "mobilenet_v2", lambda n, **m: cnn(root, n, nn.Sequential(head(conv(3, 16, 3, 2), *relu6, conv(32, 128, 1)), nn.Linear(128, 10)), **m)
    v3 = [Inverted(16, 24, 2, 4, nn.Hardswish, True), Inverted(24, 24, 1, 4, nn.Hardswish, True)]
    yield "mobilenet_v3", lambda n, **m: cnn(root, n, nn.Sequential(head(conv(3, 16, 3, 2, act=nn.Hardswish), *v3), nn.Linear(24, 10)), **m)
    eff = [Inverted(16, 24, 2, 6, nn.SiLU, True), Inverted(24, 24, 1, 6, nn.SiLU, True)]
    yield "efficientnet", lambda n, **m: cnn(root, n, nn.Sequential(head(conv(3, 16, 3, 2, act=nn.SiLU), *eff), nn.Linear(24, 10)), **m)
    res = [conv(3, 16, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1), Basic(16, 16, 1), Basic(16, 32, 2), Basic(32, 64, 2)]
    yield "resnet", lambda n, **m: cnn(root, n, nn.Sequential(head(*res), nn.Linear(64, 10)), **m)
    yield "unet", lambda n, **m: cnn(root, n, UNet(), **m)
    vgg = [nn.Conv2d(3, 16, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2)]
    yield "vgg", lambda n, **m: cnn(root, n, nn.Sequential(*vgg, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10)),
                                    sizes=((1, 64), (3, 64)), **m)


    dense = [conv(3, 16, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1), Dense(16, 8, 3), nn.BatchNorm2d(40), nn.ReLU(), nn.Conv2d(40, 20, 1, bias=False),
             nn.AvgPool2d(2), Dense(20, 8, 2), nn.BatchNorm2d(36), nn.ReLU()]
    yield "densenet", lambda n, **m: cnn(root, n, nn.Sequential(head(*dense), nn.Linear(36, 10)), **m)
    fire = [nn.Conv2d(3, 16, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(16, 8, 1), nn.ReLU(),
            Branches(nn.Sequential(nn.Conv2d(8, 16, 1), nn.ReLU()), nn.Sequential(nn.Conv2d(8, 16, 3, 1, 1), nn.ReLU())), nn.Conv2d(32, 10, 1), nn.ReLU()]
    yield "squeezenet", lambda n, **m: cnn(root, n, head(*fire), **m)
    yield "shufflenet", lambda n, **m: cnn(root, n, nn.Sequential(head(conv(3, 24, 3, 2, act=nn.ReLU), Shuffle(24), Shuffle(24)), nn.Linear(24, 10)), **m)
    mixed = Branches(conv(16, 8, 1, act=nn.ReLU), nn.Sequential(conv(16, 8, 1, act=nn.ReLU), nn.Conv2d(8, 8, (1, 7), 1, (0, 3)), nn.Conv2d(8, 8, (7, 1), 1, (3, 0))),
                     nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(16, 8, 1, act=nn.ReLU)))
    yield "inception", lambda n, **m: cnn(root, n, nn.Sequential(head(conv(3, 16, 3, 2, act=nn.ReLU), mixed), nn.Linear(24, 10)), **m)
    aspp = Branches(conv(16, 8, 1, act=nn.ReLU), nn.Conv2d(16, 8, 3, 1, 2, 2), nn.Conv2d(16, 8, 3, 1, 4, 4), Pyramid(16, 8))
    yield "deeplab", lambda n, **m: cnn(root, n, nn.Sequential(conv(3, 16, 3, 2), aspp, nn.Conv2d(32, 4, 1), nn.Upsample(scale_factor=2, mode="bilinear")), **m)
    yield "yolo", lambda n, **m: cnn(root, n, Yolo(), **m)


class Past(nn.Module):
    """One more token of GPT-2, over keys and values of those before."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, *past):
        from transformers.cache_utils import DynamicCache
        cache = DynamicCache(ddp_cache_data=tuple(zip(past[0::2], past[1::2])))
        out = self.model(input_ids=ids, past_key_values=cache, use_cache=True)
        return (out.logits, *[t for layer in out.past_key_values.layers for t in (layer.keys, layer.values)])

    def shapes(self, each):
        return each[0], each[1:]


def gpt2_past(root, name, model, **more):
    rng = np.random.default_rng(5)
    names = [f"past.{i}.{kv}" for i in range(model.config.n_layer) for kv in "kv"]

    def feed(b, t, p):
        f = {"ids": rng.integers(0, 200, (b, t))}
        return f | {k: rng.standard_normal((b, 4, p, 16)).astype(np.float32) for k in names}
    args = tuple(torch.from_numpy(v) for v in feed(2, 1, 6).values())
    axes = {"ids": {0: "b", 1: "t"}} | {k: {0: "b", 2: "p"} for k in names}
    export(root, name, Past(model), args, ["ids", *names], ["logits", *("new" + k for k in names)], axes, [feed(1, 1, 7), feed(3, 1, 30)], **more)


def tokens(root, name, model, names, opset=17, dynamo=False, outputs=("y",), vocab=200, wrap=True):
    rng = np.random.default_rng(2)

    def feed(b, t):
        f = {"input_ids": rng.integers(3, vocab, (b, t)), "attention_mask": np.ones((b, t), np.int64), "token_type_ids": np.zeros((b, t), np.int64)}
        f["attention_mask"][-1, max(1, t - 3):] = 0
        return {k: f[k] for k in names}
    args = tuple(torch.from_numpy(v) for v in feed(2, 8).values())
    export(root, name, First(model, names) if wrap else model, args, names, list(outputs), {n: {0: "b", 1: "t"} for n in names},
           [feed(1, 5), feed(2, 16), feed(3, 40)], opset=opset, dynamo=dynamo)


def transformers_nets(root):
    import transformers as tf
    small = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, vocab_size=200, max_position_embeddings=64)
    three = ["input_ids", "attention_mask", "token_type_ids"]
    for attention in ("eager", "sdpa"):
        yield f"bert_{attention}", lambda n, a=attention, **m: tokens(root, n, tf.BertModel(tf.BertConfig(**small, attn_implementation=a)), three, **m)
    yield "roberta", lambda n, **m: tokens(root, n, tf.RobertaModel(tf.RobertaConfig(**{**small, "max_position_embeddings": 66})), three[:2], **m)
    distil = tf.DistilBertConfig(dim=64, n_layers=2, n_heads=4, hidden_dim=128, vocab_size=200, max_position_embeddings=64)
    yield "distilbert", lambda n, **m: tokens(root, n, tf.DistilBertModel(distil), three[:2], **m)
    t5 = tf.T5Config(d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4, vocab_size=200, feed_forward_proj="gated-gelu")
    yield "t5_encoder", lambda n, **m: tokens(root, n, tf.T5EncoderModel(t5), three[:2], **m)
    gpt = tf.GPT2Config(n_embd=64, n_layer=2, n_head=4, vocab_size=200, n_positions=64)
    yield "gpt2", lambda n, **m: tokens(root, n, tf.GPT2LMHeadModel(gpt), three[:2], **m)
    yield "gpt2_past", lambda n, **m: gpt2_past(root, n, tf.GPT2LMHeadModel(gpt), **m)
    swin = tf.SwinConfig(image_size=64, patch_size=4, embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=4)
    yield "swin", lambda n, **m: pictures(root, n, First(tf.SwinModel(swin), ["pixel_values"]), 64, **m)
    llama = tf.LlamaConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=128, vocab_size=200)
    yield "llama", lambda n, **m: tokens(root, n, tf.LlamaForCausalLM(llama), three[:2], **m)
    vit = tf.ViTConfig(**{k: v for k, v in small.items() if k not in ("vocab_size", "max_position_embeddings")}, image_size=64, patch_size=16)
    yield "vit", lambda n, **m: pictures(root, n, First(tf.ViTModel(vit), ["pixel_values"]), 64, **m)
    convnext = tf.ConvNextConfig(hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1])
    yield "convnext", lambda n, **m: pictures(root, n, First(tf.ConvNextModel(convnext), ["pixel_values"]), 64, **m)
    whisper = tf.WhisperConfig(d_model=64, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=128, decoder_layers=1,
                               decoder_attention_heads=4, decoder_ffn_dim=128, num_mel_bins=20, max_source_positions=100, vocab_size=200,
                               pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, begin_suppress_tokens=None)
    yield "whisper_encoder", lambda n, **m: whisper_encoder(root, n, tf.WhisperModel(whisper).encoder, **m)


def pictures(root, name, model, size, **more):
    rng = np.random.default_rng(3)
    feeds = [{"x": rng.standard_normal((n, 3, size, size)).astype(np.float32)} for n in (1, 3)]
    export(root, name, model, (torch.randn(2, 3, size, size),), ["x"], ["y"], {"x": {0: "n"}}, feeds, **more)


def whisper_encoder(root, name, model, **more):
    rng = np.random.default_rng(4)
    feeds = [{"x": rng.standard_normal((n, 20, 200)).astype(np.float32)} for n in (1, 2)]
    export(root, name, First(model, ["input_features"]), (torch.randn(2, 20, 200),), ["x"], ["y"], {"x": {0: "n"}}, feeds, **more)


class Tagger(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.embed = nn.Embedding(200, 32)
        self.rnn = kind(32, 48, 2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(96, 7)

    def forward(self, ids):
        return self.out(self.rnn(self.embed(ids))[0])


def recurrent_nets(root):
    for kind in (nn.LSTM, nn.GRU):
        yield f"{kind.__name__.lower()}_tagger", lambda n, k=kind, **m: tokens(root, n, Tagger(k), ["input_ids"], wrap=False, **m)


def detector(root):
    """Boxes of a small head, those of each class that overlap too much left out: sizes depend on data."""
    from onnx import helper as h
    rng = np.random.default_rng(6)

    def init(name, value):
        return numpy_helper.from_array(value, name)
    f = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    weights = [init("w", f(16, 3, 3, 3)), init("ws", f(3, 16, 1, 1) * 0.2), init("wb", f(4, 16, 1, 1) * 0.2), init("s3", np.array([0, 3, -1])),
               init("s4", np.array([0, 4, -1])), init("max", np.array([20])), init("iou", np.array([0.5], np.float32)),
               init("low", np.array([0.4], np.float32)), init("zero", np.array([0])), init("two", np.array([2])), init("three", np.array([3])), init("ax", np.array([1]))]
    nodes = [h.make_node("Conv", ["x", "w"], ["c"], strides=[2, 2], pads=[1] * 4), h.make_node("Relu", ["c"], ["r"]),
             h.make_node("Conv", ["r", "ws"], ["cs"]), h.make_node("Conv", ["r", "wb"], ["cb"]), h.make_node("Sigmoid", ["cs"], ["p"]),
             h.make_node("Reshape", ["p", "s3"], ["scores"]), h.make_node("Reshape", ["cb", "s4"], ["b"]), h.make_node("Transpose", ["b"], ["boxes"], perm=[0, 2, 1]),
             h.make_node("NonMaxSuppression", ["boxes", "scores", "max", "iou", "low"], ["kept"]),
             h.make_node("Slice", ["kept", "two", "three", "ax"], ["at"]), h.make_node("Slice", ["kept", "zero", "two", "ax"], ["where"]),
             h.make_node("Transpose", ["boxes"], ["bt"], perm=[0, 1, 2]), h.make_node("Squeeze", ["at", "ax"], ["flat"]),
             h.make_node("Gather", ["bt", "flat"], ["found"], axis=1)]
    info = h.make_tensor_value_info
    model = h.make_model(h.make_graph(nodes, "detector", [info("x", 1, ["n", 3, "h", "w"])], [info("kept", 7, ["k", 3]), info("found", 1, ["n", "k", 4])],
                                      weights), opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    folder = root / "detector"
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / "model.onnx"))
    data(folder, [{"x": f(1, 3, s, s)} for s in (24, 24, 40)])


def conv_bn(root):
    """Batch norms that no exporter folded, one of them before a residual."""
    from onnx import helper as h
    rng = np.random.default_rng(0)

    def init(name, *shape, low=-1.0):
        return numpy_helper.from_array(rng.uniform(low, 1, shape).astype(np.float32), name)
    weights = [init("w1", 8, 3, 3, 3), init("b1", 8), init("w2", 8, 8, 3, 3)]
    weights += [init(f"{n}{i}", 8, low=0.5 if n == "v" else -1.0) for i in (1, 2) for n in "shmv"]
    nodes = [h.make_node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1] * 4), h.make_node("BatchNormalization", ["c1", "s1", "h1", "m1", "v1"], ["n1"]),
             h.make_node("Relu", ["n1"], ["r1"]), h.make_node("Conv", ["r1", "w2"], ["c2"], pads=[1] * 4),
             h.make_node("BatchNormalization", ["c2", "s2", "h2", "m2", "v2"], ["n2"], epsilon=1e-3),
             h.make_node("Add", ["r1", "n2"], ["a"]), h.make_node("Relu", ["a"], ["y"])]
    shapes = [h.make_tensor_value_info(n, 1, ["n", c, "h", "w"]) for n, c in (("x", 3), ("y", 8))]
    model = h.make_model(h.make_graph(nodes, "conv_bn", shapes[:1], shapes[1:], weights), opset_imports=[h.make_opsetid("", 15)], ir_version=8)
    folder = root / "conv_bn"
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / "model.onnx"))
    data(folder, [{"x": rng.standard_normal((n, 3, s, s)).astype(np.float32)} for n, s in ((1, 8), (2, 11))])


def padded(root):
    """Padding before windows: zeros that they can make themselves, and what they cannot; the mean of a window larger than the picture."""
    from onnx import helper as h
    rng = np.random.default_rng(0)

    def init(name, *shape):
        return numpy_helper.from_array(rng.uniform(-1, 1, shape).astype(np.float32), name)

    def longs(name, *values):
        return numpy_helper.from_array(np.array(values, np.int64), name)
    weights = [init("w1", 4, 3, 3, 3), init("w2", 4, 1, 3, 3), init("w3", 5, 4, 1, 1), longs("left", 0, 0, 0, 1, 0, 0, 1, 0),
               longs("around", 1, 2, 1, 1), longs("axes", 2, -1), longs("cut", 0, 0, -1, 0, 0, 0, 1, 0), longs("none", *[0] * 8),
               numpy_helper.from_array(np.array(0.5, np.float32), "half"), longs("batch", 1, 0, 0, 0, 0, 1, 0, 0)]
    nodes = [h.make_node("Pad", ["x", "left"], ["p1"]), h.make_node("Conv", ["p1", "w1"], ["c1"], strides=[2, 2], pads=[1, 0, 0, 1]),
             h.make_node("Pad", ["c1", "around", "", "axes"], ["p2"]),
             h.make_node("Conv", ["p2", "w2"], ["c2"], group=4, dilations=[1, 2], auto_pad="VALID"), h.make_node("HardSwish", ["c2"], ["y1"]),
             h.make_node("Pad", ["c1", "left"], ["p3"]), h.make_node("AveragePool", ["p3"], ["y2"], kernel_shape=[3, 3], strides=[2, 1]),
             h.make_node("Pad", ["c1", "left", "half"], ["p4"]), h.make_node("Conv", ["p4", "w3"], ["y3"]),
             h.make_node("Pad", ["c1", "around", "", "axes"], ["p5"]), h.make_node("Conv", ["p5", "w3"], ["y4"]),
             h.make_node("Pad", ["c1", "cut"], ["p6"]), h.make_node("Conv", ["p6", "w2"], ["y5"], group=4),
             h.make_node("Pad", ["c1", "none"], ["p7"]), h.make_node("Pad", ["p7", "batch"], ["y6"]),
             h.make_node("AveragePool", ["y1"], ["y7"], kernel_shape=[90, 90], strides=[90, 90], ceil_mode=1, count_include_pad=1)]
    outputs = [h.make_tensor_value_info(f"y{i}", 1, [f"y{i}{d}" for d in range(4)]) for i in range(1, 8)]
    model = h.make_model(h.make_graph(nodes, "padded", [h.make_tensor_value_info("x", 1, ["n", 3, "h", "w"])], outputs, weights),
                         opset_imports=[h.make_opsetid("", 18)], ir_version=8)
    folder = root / "padded"
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / "model.onnx"))
    data(folder, [{"x": rng.standard_normal((n, 3, a, b)).astype(np.float32)} for n, a, b in ((1, 8, 9), (2, 11, 6))])


def tiny(root, archive):
    """The exports that are committed, in one archive."""
    import zipfile
    import transformers as tf
    small = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, vocab_size=30, max_position_embeddings=48)
    conv_bn(root)
    padded(root)
    detector(root)
    tokens(root, "bert", tf.BertModel(tf.BertConfig(**small, attn_implementation="eager")), ["input_ids", "attention_mask", "token_type_ids"], opset=13, vocab=30)
    gpt = tf.GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=30, n_positions=48)
    tokens(root, "gpt2", tf.GPT2LMHeadModel(gpt), ["input_ids", "attention_mask"], vocab=30)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for f in sorted(root.rglob("*")):
            if f.is_file():
                out.writestr(zipfile.ZipInfo(str(f.relative_to(root))), f.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    print(Path(archive).stat().st_size, "bytes")


def main():
    if sys.argv[1] == "--tiny":
        torch.manual_seed(0)
        tiny(Path(sys.argv[2]), sys.argv[3])
        return
    root, wanted = Path(sys.argv[1]), sys.argv[2:]
    torch.manual_seed(0)
    conv_bn(root)
    padded(root)
    detector(root)
    for group in (nets, transformers_nets, recurrent_nets):
        for name, make in group(root):
            for suffix, more in (("", {}), ("_13", {"opset": 13}), ("_dynamo", {"dynamo": True})):
                if not wanted or any(name.startswith(w) for w in wanted):
                    try:
                        make(name + suffix, **more)
                    except Exception as e:  # an exporter's own limits
                        print(name + suffix, "not exported:", repr(e)[:150], flush=True)


if __name__ == "__main__":
    main()
