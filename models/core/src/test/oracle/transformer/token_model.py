"""The token model of ../dates/FORMAT.md in PyTorch: the reference of the Java one, and what the date translator is trained as."""
import json
import math
import os

import torch
from torch import nn

import safetensors_io

CONFIG_DEFAULTS = {
    "architecture": "seq2seq-transformer", "activation": "relu", "norm_first": False, "layer_norm_eps": 1e-5,
    "positions": "sinusoidal", "scale_embedding": True, "tie_embeddings": True,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1, "tokenizer": "characters",
}


def sinusoidal_positions(count, d_model):
    """[count, d_model]: sines in the even dimensions, cosines in the odd ones."""
    position = torch.arange(count, dtype=torch.float32).unsqueeze(1)
    frequency = torch.exp(torch.arange(0, d_model, 2, dtype=torch.float32) * (-math.log(10000.0) / d_model))
    table = torch.zeros(count, d_model)
    table[:, 0::2] = torch.sin(position * frequency)
    table[:, 1::2] = torch.cos(position * frequency)[:, : d_model // 2]
    return table


class TokenModel(nn.Module):
    """Batch first. Source [batch, srcLen] and target [batch, tgtLen] ids to logits [batch, tgtLen, vocabSize]."""

    def __init__(self, config, dropout=0.0):
        super().__init__()
        self.config = config
        d_model, vocab = config["d_model"], config["vocab_size"]
        self.src_embedding = nn.Embedding(vocab, d_model)
        self.tgt_embedding = self.src_embedding if config["tie_embeddings"] else nn.Embedding(vocab, d_model)
        if config["positions"] == "learned":
            self.src_positions = nn.Parameter(torch.empty(config["max_positions"], d_model).normal_(0, 0.02))
            self.tgt_positions = nn.Parameter(torch.empty(config["max_positions"], d_model).normal_(0, 0.02))
        else:
            self.register_buffer("src_positions", sinusoidal_positions(config["max_positions"], d_model))
            self.register_buffer("tgt_positions", self.src_positions.clone())
        self.transformer = nn.Transformer(
            d_model, config["num_heads"], config["num_encoder_layers"], config["num_decoder_layers"], config["d_ff"], dropout,
            config["activation"], layer_norm_eps=config["layer_norm_eps"], batch_first=True, norm_first=config["norm_first"])
        # The fused inference path of PyTorch skips padding by nested tensors: keep to the plain one.
        self.transformer.encoder.enable_nested_tensor = False
        self.lm_head = nn.Linear(d_model, vocab)
        for embedding in {self.src_embedding, self.tgt_embedding}:
            nn.init.normal_(embedding.weight, 0, d_model ** -0.5)
        nn.init.zeros_(self.lm_head.bias)
        if config["tie_embeddings"]:
            self.lm_head.weight = self.src_embedding.weight
        self.scale = math.sqrt(d_model) if config["scale_embedding"] else 1.0

    def encode(self, source):
        padding = source == self.config["pad_token_id"]
        embedded = self.src_embedding(source) * self.scale + self.src_positions[: source.shape[1]]
        return self.transformer.encoder(embedded, src_key_padding_mask=padding), padding

    def decode(self, target, memory, padding):
        length = target.shape[1]
        causal = torch.full((length, length), float("-inf")).triu(1)
        embedded = self.tgt_embedding(target) * self.scale + self.tgt_positions[:length]
        return self.lm_head(self.transformer.decoder(embedded, memory, tgt_mask=causal, memory_key_padding_mask=padding))

    def forward(self, source, target):
        return self.decode(target, *self.encode(source))

    def export(self):
        """The tensors under the names of FORMAT.md."""
        tensors = {"encoder.embed_tokens.weight": self.src_embedding.weight, "lm_head.bias": self.lm_head.bias}
        if not self.config["tie_embeddings"]:
            tensors["decoder.embed_tokens.weight"] = self.tgt_embedding.weight
            tensors["lm_head.weight"] = self.lm_head.weight
        if self.config["positions"] == "learned":
            tensors["encoder.embed_positions.weight"] = self.src_positions
            tensors["decoder.embed_positions.weight"] = self.tgt_positions
        for name, tensor in self.transformer.state_dict().items():
            tensors["transformer." + name] = tensor
        return tensors

    def save(self, directory):
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "config.json"), "w") as file:
            json.dump(self.config, file, indent=2)
            file.write("\n")
        safetensors_io.write(os.path.join(directory, "model.safetensors"), self.export(), {"format": "gatun"})

    @staticmethod
    def load(directory):
        with open(os.path.join(directory, "config.json")) as file:
            model = TokenModel(json.load(file))
        stored, _ = safetensors_io.read(os.path.join(directory, "model.safetensors"))
        own = model.export()
        if own.keys() != stored.keys():
            raise ValueError("tensor names differ: %s" % sorted(own.keys() ^ stored.keys()))
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(torch.from_numpy(stored[name]))
        return model.eval()
