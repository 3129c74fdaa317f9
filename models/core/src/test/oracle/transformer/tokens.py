"""Goldens of the token model: the logits of every position for a padded batch of sources and targets.

    python3 tokens.py ../../resources/golden/transformer/token        (PyTorch 1.13)

Each directory is a model in the format of ../dates/FORMAT.md, with `expected.safetensors` beside it (README.md lists its names).
"""
import math
import os
import sys

import torch

import safetensors_io
from token_model import CONFIG_DEFAULTS, TokenModel

BASE = dict(CONFIG_DEFAULTS, vocab_size=37, d_model=24, num_heads=3, num_encoder_layers=2, num_decoder_layers=2, d_ff=40,
            max_positions=48, tokenizer="none")
MODELS = {
    "tied-sinusoidal-post-relu": BASE,
    "untied-learned-pre-gelu": dict(BASE, num_heads=4, num_encoder_layers=1, num_decoder_layers=1, d_ff=33, max_positions=16, activation="gelu",
                                    norm_first=True, positions="learned", scale_embedding=False, tie_embeddings=False, layer_norm_eps=1e-6),
    "tied-learned-post-gelu": dict(BASE, num_encoder_layers=1, num_decoder_layers=2, d_ff=17, max_positions=16, activation="gelu", positions="learned",
                                   eos_token_id=0, pad_token_id=3, decoder_start_token_id=3),
}
PRACTISED = "tied-sinusoidal-post-relu"  # the model of ../generate


def randomize(model, seed):
    """Weights such that every part of the model matters."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.export().items():
            noise = torch.randn(tensor.shape, generator=g)
            if "norm" in name:
                tensor.copy_(0.2 * noise + (1.0 if name.endswith("weight") else 0.0))
            elif tensor.dim() == 1:
                tensor.copy_(0.2 * noise)
            elif name.endswith("embed_positions.weight"):
                tensor.copy_(0.3 * noise)
            else:
                tensor.copy_(noise / math.sqrt(tensor.shape[1]))
    return g


def practise(model, seed, steps=1500):
    """Trains on a noisy relabelling: random weights alone say the same few tokens whatever the source, and never end."""
    torch.manual_seed(seed)
    model.train()
    config = model.config
    relabel = torch.cat([torch.arange(3), 3 + torch.randperm(config["vocab_size"] - 3)])
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 4e-3 * min(1.0, (step + 1) / 100) * (1 - 0.9 * step / steps)
        sources = [torch.randint(3, config["vocab_size"], (int(n),)).tolist() for n in torch.randint(1, 24, (48,))]
        targets = [[config["bos_token_id"]] + noisy([relabel[t].item() for t in source], config["vocab_size"]) + [config["eos_token_id"]]
                   for source in sources]
        source, target = padded(sources, config["pad_token_id"]), padded(targets, config["pad_token_id"])
        logits = model(source, target[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=config["pad_token_id"])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 500 == 499:
            print("step %d loss %.3f" % (step + 1, loss.item()))


def noisy(tokens, vocab):
    """One token in six is left out, one in six is random: the search has something to weigh."""
    draws = torch.rand(len(tokens))
    return [token if draw > 1 / 6 else int(torch.randint(3, vocab, (1,))) for token, draw in zip(tokens, draws) if draw < 5 / 6]


def wide(model):
    """The same model in float64, still in training mode with dropout 0: no fused path."""
    return model.double().train()


def padded(rows, pad):
    width = max(len(row) for row in rows)
    return torch.tensor([row + [pad] * (width - len(row)) for row in rows])


def make(directory, seed, config):
    model = TokenModel(config)
    g = randomize(model, seed)
    if os.path.basename(directory) == PRACTISED:
        practise(model, seed)
    model.save(directory)
    model = wide(TokenModel.load(directory))

    def draw(length):
        return torch.randint(4, config["vocab_size"], (length,), generator=g).tolist()
    source_lengths, target_lengths = [1, 7, 13, 4], [5, 1, 11, 8]
    sources = [draw(n - 1) + [config["eos_token_id"]] for n in source_lengths]
    targets = [[config["decoder_start_token_id"]] + draw(n - 1) for n in target_lengths]
    pad = config["pad_token_id"]
    source = padded(sources, pad)
    logits = torch.zeros(len(sources), max(target_lengths), config["vocab_size"])
    for row, (one, target) in enumerate(zip(sources, targets)):
        logits[row, : len(target)] = model(torch.tensor([one]), torch.tensor([target])).float()[0]
    memory, _ = model.encode(source)
    memory = memory.float().masked_fill((source == pad)[..., None], 0.0)
    # The padded batch gives what the rows give one by one.
    together = model(source, padded(targets, 4)).float()
    for row, length in enumerate(target_lengths):
        assert (together[row, :length] - logits[row, :length]).abs().max() < 1e-5
    narrow = TokenModel.load(directory)(source, padded(targets, 4))
    worst = max((narrow[row, :n] - logits[row, :n]).abs().max().item() for row, n in enumerate(target_lengths))
    assert worst < 1e-5 * max(1.0, logits.abs().max()), worst
    safetensors_io.write(os.path.join(directory, "expected.safetensors"), {
        "source": source.int(), "source_lengths": torch.tensor(source_lengths).int(), "target": padded(targets, pad).int(),
        "target_lengths": torch.tensor(target_lengths).int(), "memory": memory, "logits": logits})
    print("%-30s float32 differs by %.1e, logits within %.1f" % (os.path.basename(directory), worst, logits.abs().max()))


def main():
    torch.set_num_threads(1)
    for seed, (name, config) in enumerate(MODELS.items(), 80):
        make(os.path.join(sys.argv[1], name), seed, config)


if __name__ == "__main__":
    main()
