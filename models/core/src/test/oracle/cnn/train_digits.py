"""Trains the small textbook CNN on scikit-learn's real handwritten digits, and writes the net, the held-out digits with
PyTorch's answers, and a few digits as pictures.

    python3 train_digits.py ../../../..        (the models directory; PyTorch 1.13, scikit-learn 1.2, a few minutes)

The net lands in src/main/resources/dev/gatun/models/digits, the goldens in src/test/resources/golden/cnn/digits, the
pictures in src/samples/digits. golden/cnn/README.md tells the formats and the preprocessing.
"""
import json
import os
import sys

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import affine_grid, cross_entropy, dropout, grid_sample, interpolate

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transformer"))
import safetensors_io  # noqa: E402
from textbook_cnn import TextbookCnn  # noqa: E402

SIZE = 24
EPOCHS = 80
SAMPLES_PER_DIGIT = 2


def load():
    """Returns 8 x 8 digits as [n, 1, 8, 8] in 0..1 (1 is ink) and their labels."""
    digits = load_digits()
    return torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16, torch.tensor(digits.target)


def upscale(x, size):
    """Bilinear, pixel centres at half-integers, rounded to 8 bits: what the goldens and the pictures hold."""
    return (interpolate(x, size=(size, size), mode="bilinear", align_corners=False) * 255).round().to(torch.uint8)


def augment(x, generator):
    """Small rotations, shears, scalings and shifts, another contrast, now and then dark ink on light ground."""
    n = len(x)
    noise = torch.rand(n, 7, generator=generator) * 2 - 1
    angle, shear, scale = noise[:, 0] * 0.2, noise[:, 1] * 0.15, 1 + noise[:, 2] * 0.12
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack([cos, -sin + shear, noise[:, 3] * 0.12, sin, cos, noise[:, 4] * 0.12], 1).view(n, 2, 3)
    x = grid_sample(x, affine_grid(theta, x.shape, align_corners=False), align_corners=False)
    x = x * (1 - 0.2 * noise[:, 5].abs().view(n, 1, 1, 1)) + 0.02 * torch.randn(x.shape, generator=generator)
    return torch.where((noise[:, 6] > 0.4).view(n, 1, 1, 1), 1 - x, x).clamp(0, 1)


def train(images, labels, mean, std):
    torch.manual_seed(5)
    generator = torch.Generator().manual_seed(6)
    net = TextbookCnn((1, 16, 32), SIZE, SIZE, 64, 10)
    for layer in (net.conv1, net.conv2, net.fc1, net.fc2):
        nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-3)
    steps = EPOCHS * ((len(images) + 31) // 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in torch.randperm(len(images), generator=generator).split(32):
            x = (augment(images[batch], generator) - mean) / std
            logits = net.fc2(dropout(net.features(x), 0.3))
            loss = cross_entropy(logits, labels[batch], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {total / len(images):.4f}", flush=True)
    return net.eval()


def answers(net, pixels, mean, std):
    """Logits in float64 from 8-bit pixels [n, 1, 24, 24]: x = (pixel / 255 - mean) / std, rounded to float32."""
    x = ((pixels.double() / 255 - mean) / std).float()
    double = TextbookCnn((1, 16, 32), SIZE, SIZE, 64, 10).double()
    double.load_state_dict(net.state_dict())
    with torch.no_grad():
        expected, single = double(x.double()), net(x)
    assert (expected - single).abs().max() < 1e-4 and torch.equal(expected.argmax(1), single.argmax(1))
    return expected


def write_net(folder, net, mean, std):
    os.makedirs(folder, exist_ok=True)
    config = {"architecture": "textbook-cnn", "channels": [1, 16, 32], "input_height": SIZE, "input_width": SIZE,
              "hidden_size": 64, "num_classes": 10, "color": "greyscale", "resize": "stretch", "mean": [mean], "std": [std]}
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")
    with open(os.path.join(folder, "labels.txt"), "w") as file:
        file.write("".join(f"{digit}\n" for digit in range(10)))
    path = os.path.join(folder, "model.safetensors")
    state = {name: value.detach() for name, value in net.state_dict().items()}
    safetensors_io.write(path, state, {"format": "pt"})
    read, _ = safetensors_io.read(path)
    assert all(np.array_equal(read[name], state[name].numpy()) for name in state) and os.path.getsize(path) < 1 << 20


def write_samples(folder, digits, labels, indices, correct, net, mean, std):
    """Pictures of 96 x 96 of held-out digits that the net reads right through several ways of shrinking them again."""
    os.makedirs(folder, exist_ok=True)
    for digit in range(10):
        chosen = [i for i in range(len(labels)) if labels[i] == digit and correct[i]][1:1 + SAMPLES_PER_DIGIT]
        for i in chosen:
            picture = Image.fromarray(upscale(digits[i:i + 1], 96)[0, 0].numpy(), "L")
            path = os.path.join(folder, f"digit-{digit}-{indices[i]:04d}.png")
            picture.save(path, optimize=True)
            for method in (Image.BILINEAR, Image.BICUBIC, Image.BOX, Image.NEAREST, Image.LANCZOS):
                shrunk = np.asarray(Image.open(path).resize((SIZE, SIZE), method))
                logits = answers(net, torch.tensor(shrunk)[None, None], mean, std)[0]
                assert logits.argmax() == digit and logits.softmax(0).max() > 0.8, (path, method, logits)


def main():
    models = sys.argv[1]
    torch.set_num_threads(2)
    digits, labels = load()
    pixels = upscale(digits, SIZE)
    held = torch.arange(len(labels)) % 5 == 0
    images = pixels[~held].float() / 255
    mean, std = round(images.mean().item(), 4), round(images.std().item(), 4)
    net = train(images, labels[~held], mean, std)

    logits = answers(net, pixels[held], mean, std)
    inverted = answers(net, 255 - pixels[held], mean, std)
    correct = logits.argmax(1) == labels[held]
    margins = logits.topk(2).values
    print(f"held-out accuracy {correct.double().mean():.4%} ({int(correct.sum())} of {len(correct)}), "
          f"inverted {(inverted.argmax(1) == labels[held]).double().mean():.4%}, "
          f"least margin {(margins[:, 0] - margins[:, 1]).min():.4f}")
    assert correct.double().mean() >= 0.985
    write_net(os.path.join(models, "src/main/resources/dev/gatun/models/digits"), net, mean, std)
    golden = os.path.join(models, "src/test/resources/golden/cnn/digits")
    os.makedirs(golden, exist_ok=True)
    safetensors_io.write(os.path.join(golden, "heldout.safetensors"), {
        "images": pixels[held], "digits": (digits[held] * 16).to(torch.uint8), "labels": labels[held].int(),
        "predictions": logits.argmax(1).int(), "logits": logits.float()})
    indices = torch.arange(len(labels))[held].tolist()
    write_samples(os.path.join(models, "src/samples/digits"), digits[held], labels[held], indices, correct, net, mean, std)


if __name__ == "__main__":
    main()
