"""Whisper-base's shape with random weights, 30 s of audio, greedy, in ONNX Runtime: encoder, and decoder with its past.

    python3 whisper_ort.py FOLDER TOKENS THREADS      (transformers 5.18, torch 2.13, onnxruntime)

Writes to FOLDER, where it is not there, the model as Hugging Face has it (for dev.gatun.bench.generation.WhisperGreedy), its two ONNX graphs
and features.f32, [3000][80] numbers; prints the milliseconds of each of three rounds, and writes the tokens to tokens.txt, with which
WhisperGreedy compares its own.
"""
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
import transformers as T

FOLDER, TOKENS, THREADS = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
PROMPT = [50258, 50259, 50359, 50363]
LAYERS, HEADS, DIM = 6, 8, 64


def heads(x):
    return x.view(1, -1, HEADS, DIM).transpose(1, 2)


def attend(q, k, v, mask=None):
    scores = q @ k.transpose(2, 3) * DIM ** -0.5
    return (torch.softmax(scores if mask is None else scores + mask, -1) @ v).transpose(1, 2).reshape(1, -1, HEADS * DIM)


class Encoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model.model

    def forward(self, features):
        e = self.model.encoder
        x = torch.nn.functional.gelu(e.conv2(torch.nn.functional.gelu(e.conv1(features)))).permute(0, 2, 1) + e.embed_positions.weight
        for layer in e.layers:
            a = layer.self_attn
            n = layer.self_attn_layer_norm(x)
            x = x + a.out_proj(attend(heads(a.q_proj(n)), heads(a.k_proj(n)), heads(a.v_proj(n))))
            x = x + layer.fc2(torch.nn.functional.gelu(layer.fc1(layer.final_layer_norm(x))))
        x = e.layer_norm(x)
        cross = [layer.encoder_attn for layer in self.model.decoder.layers]
        return tuple(heads(p(x)) for c in cross for p in (c.k_proj, c.v_proj))


class Decoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model, self.head = model.model, model.proj_out

    def forward(self, ids, *past):
        d = self.model.decoder
        before, n = past[0].shape[2], ids.shape[1]
        x = d.embed_tokens(ids) + d.embed_positions.weight[before:before + n]
        mask = torch.full((n, before + n), -1e9).triu(1 + before)
        present = []
        for i, layer in enumerate(d.layers):
            a, c = layer.self_attn, layer.encoder_attn
            h = layer.self_attn_layer_norm(x)
            k = torch.cat([past[2 * i], heads(a.k_proj(h))], 2)
            v = torch.cat([past[2 * i + 1], heads(a.v_proj(h))], 2)
            present += [k, v]
            x = x + a.out_proj(attend(heads(a.q_proj(h)), k, v, mask))
            x = x + c.out_proj(attend(heads(c.q_proj(layer.encoder_attn_layer_norm(x))), past[2 * LAYERS + 2 * i],
                                      past[2 * LAYERS + 2 * i + 1]))
            x = x + layer.fc2(torch.nn.functional.gelu(layer.fc1(layer.final_layer_norm(x))))
        return (self.head(d.layer_norm(x)[:, -1:]).argmax(-1), *present)


def write():
    torch.manual_seed(0)
    config = T.WhisperConfig(vocab_size=51865, d_model=512, encoder_layers=LAYERS, decoder_layers=LAYERS, encoder_attention_heads=HEADS,
                             decoder_attention_heads=HEADS, encoder_ffn_dim=2048, decoder_ffn_dim=2048)
    model = T.WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() > 1 and "encoder.embed_positions" not in name:
                p.normal_(0, 0.06)
    model.save_pretrained(FOLDER)
    features = torch.randn(1, 80, 3000) * 0.5
    features[0].T.contiguous().numpy().tofile(FOLDER / "features.f32")
    names = [f"{a}{b}{i}" for a in ("self_", "cross_") for i in range(LAYERS) for b in "kv"]
    with torch.no_grad():
        cross = Encoder(model)(features)
        torch.onnx.export(Encoder(model), (features,), FOLDER / "encoder.onnx", input_names=["features"],
                          output_names=names[2 * LAYERS:], dynamo=False)
        past = [torch.zeros(1, HEADS, 3, DIM) for _ in range(2 * LAYERS)]
        torch.onnx.export(Decoder(model), (torch.tensor([[5, 6]]), *past, *cross), FOLDER / "decoder.onnx", input_names=["ids"] + names,
                          output_names=["next"] + ["present_" + n for n in names[:2 * LAYERS]], dynamo=False,
                          dynamic_axes={"ids": {1: "n"}, **{n: {2: "past"} for n in names[:2 * LAYERS]}})
    (FOLDER / "written").touch()


def main():
    if not (FOLDER / "written").exists():
        write()
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    encoder = ort.InferenceSession(FOLDER / "encoder.onnx", options, providers=["CPUExecutionProvider"])
    decoder = ort.InferenceSession(FOLDER / "decoder.onnx", options, providers=["CPUExecutionProvider"])
    features = np.fromfile(FOLDER / "features.f32", np.float32).reshape(3000, 80).T[None].copy()
    inputs, outputs = [i.name for i in decoder.get_inputs()], [o.name for o in decoder.get_outputs()]
    for _ in range(3):
        start = time.perf_counter()
        cross = encoder.run_with_ort_values(None, {"features": ort.OrtValue.ortvalue_from_numpy(features)})
        encoded = time.perf_counter()
        past = [ort.OrtValue.ortvalue_from_numpy(np.zeros((1, HEADS, 0, DIM), np.float32)) for _ in range(2 * LAYERS)]
        ids, found = PROMPT, []
        while len(found) < TOKENS:
            values = [ort.OrtValue.ortvalue_from_numpy(np.array([ids], np.int64)), *past, *cross]
            token, *past = decoder.run_with_ort_values(outputs, dict(zip(inputs, values)))
            ids = [int(token.numpy()[0, 0])]
            found += ids
        end = time.perf_counter()
        print(f"encoder {1e3 * (encoded - start):.0f} ms, {TOKENS} tokens {1e3 * (end - encoded):.0f} ms, all {1e3 * (end - start):.0f} ms")
    (FOLDER / "tokens.txt").write_text(" ".join(map(str, found)) + "\n")


main()
