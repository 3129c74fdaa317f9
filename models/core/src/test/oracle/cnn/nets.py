"""Writes the goldens of whole nets: the textbook CNN (small, and at its default sizes) and torchvision's ResNets.

    nice python3 nets.py ../../resources/golden/cnn       (PyTorch 1.13, torchvision 0.14; formats in the README there)
"""
import json
import os
import sys

import numpy as np
import torch
import torchvision

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transformer"))
import safetensors_io  # noqa: E402
import weights  # noqa: E402
from textbook_cnn import TextbookCnn  # noqa: E402

SMALL = {"architecture": "textbook-cnn", "channels": [3, 5, 7], "input_height": 12, "input_width": 8,
         "hidden_size": 11, "num_classes": 4}
DEPTHS = (18, 34, 50, 101, 152)


def answers(model, features, x):
    """(logits, features) in float64, as float32; refuses a model whose float32 strays from its float64."""
    with torch.no_grad():
        single = model(x)
        model, x = model.double(), x.double()
        logits, penultimate = model(x), features(x)
    model.float()
    error = ((single - logits).abs().max() / logits.abs().max()).item()
    print(f"  |logits| <= {logits.abs().max():.3f}, std {logits.std():.3f}, |features| <= {penultimate.abs().max():.3f}, "
          f"float32 is off by {error:.1e} of the largest logit")
    assert error < 2e-5 and logits.abs().max() < 1e3 and logits.std() > 0.01
    return logits.float(), penultimate.float()


def small(folder):
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(31)
    net = TextbookCnn(SMALL["channels"], 12, 8, 11, 4).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.4)
    safetensors_io.write(os.path.join(folder, "model.safetensors"), net.state_dict(), {"format": "pt"})
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(SMALL, file, indent=2)
        file.write("\n")
    x = torch.randn(9, 3, 12, 8)
    logits, features = answers(net, net.features, x)
    write(os.path.join(folder, "cases.safetensors"), {"input": x, "logits": logits, "features": features})


def default(path):
    net = weights.fill(TextbookCnn())
    x = weights.make_input("input", (3, 3, 24, 24))
    logits, features = answers(net, net.features, x)
    write(path, {"logits": logits, "features": features, "conv1.weight.head": net.conv1.weight.detach().flatten()[:32],
                 "fc1.weight.tail": net.fc1.weight.detach().flatten()[-32:]})


def resnet_features(net):
    trunk = torch.nn.Sequential(*list(net.children())[:-1])
    return lambda x: torch.flatten(trunk(x), 1)


def resnet(depth):
    net = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    last = "bn2" if depth < 50 else "bn3"
    blocks = [f"{name}.{last}" for name, module in net.named_modules() if hasattr(module, "downsample")]
    assert len(blocks) == {18: 8, 34: 16, 50: 16, 101: 33, 152: 50}[depth]
    return weights.fill(net, set(blocks))


def resnets(path):
    tensors = {}
    for depth in DEPTHS:
        net = resnet(depth)
        shapes = {"input": (1, 3, 64, 64)}
        if depth in (18, 50):
            shapes["input.odd"] = (2, 3, 97, 75)
        for name, shape in shapes.items():
            print(f"resnet{depth} {name} {shape}", flush=True)
            logits, features = answers(net, resnet_features(net), weights.make_input(name, shape))
            suffix = name[len("input"):]
            tensors[f"resnet{depth}{suffix}.logits"], tensors[f"resnet{depth}{suffix}.features"] = logits, features
        if depth == 50:
            for name in ("conv1.weight", "layer1.0.bn3.weight", "layer4.2.bn2.running_var", "fc.weight"):
                tensors[f"check.resnet50.{name}"] = net.state_dict()[name].flatten()[:16]
    tensors["check.input"] = weights.make_input("input", (1, 3, 64, 64)).flatten()[:16]
    write(path, tensors)


def write(path, tensors):
    safetensors_io.write(path, tensors)
    read, _ = safetensors_io.read(path)
    assert all(np.array_equal(read[name], tensors[name].numpy()) for name in tensors)


def main():
    folder = sys.argv[1]
    torch.set_num_threads(2)
    small(os.path.join(folder, "textbook-small"))
    default(os.path.join(folder, "textbook-default.safetensors"))
    resnets(os.path.join(folder, "resnet.safetensors"))


if __name__ == "__main__":
    main()
