"""What PyTorch makes of a ResNet-18's last layer in three steps on six pictures at once, of one colour each, the other layers as they are:
losses, logits afterwards, and the first weights of each class. Weights are those of ../cnn/weights.py, the layer begins as InitialWeights
has it.

    python head.py OUT.json
"""
import json
import os
import sys

import torch
from torch import nn
from torch.nn import functional as F

from thaw import initial

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cnn"))
import weights  # noqa: E402

COLOURS = {"blue": [(16, 24, 200), (40, 60, 220)], "green": [(20, 180, 30), (60, 220, 90)], "red": [(210, 20, 10), (180, 60, 50)]}


class Block(nn.Module):
    def __init__(self, size, out, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(size, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.downsample = nn.Sequential(nn.Conv2d(size, out, 1, stride, bias=False), nn.BatchNorm2d(out)) if stride > 1 else None

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        for i in range(4):
            out = 64 << i
            setattr(self, f"layer{i + 1}", nn.Sequential(Block(out // 2 if i else out, out, 2 if i else 1), Block(out, out, 1)))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))


def main(out):
    net = ResNet18()
    weights.fill(net, {name + ".bn2" for name, module in net.named_modules() if isinstance(module, Block)})
    pixels = torch.tensor([c for colours in COLOURS.values() for c in colours]) / 255
    pixels = (pixels - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        features = net(pixels[:, :, None, None].expand(-1, -1, 32, 32))
    labels, fc = torch.tensor([0, 0, 1, 1, 2, 2]), nn.Linear(512, 3)
    with torch.no_grad():
        fc.weight.copy_(initial("fc.weight", 512, (3, 512)))
        fc.bias.copy_(initial("fc.bias", 512, (3,)))
    optimizer = torch.optim.AdamW(fc.parameters(), lr=1e-2, weight_decay=0.1)
    losses = []
    for factor in (1, 1, 0.5):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * factor
        loss = F.cross_entropy(fc(features), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(fc.parameters(), 1)
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        logits = fc(features)
    json.dump({"losses": losses, "logits": logits.flatten().tolist(), "weight": fc.weight[:, :20].flatten().tolist(),
               "bias": fc.bias.tolist()}, open(out, "w"))


main(sys.argv[1])
