"""The textbook CNN: two convolutions with max-pooling, two fully connected layers. Every size is a parameter."""
import torch
from torch import nn


class TextbookCnn(nn.Module):
    """[N, channels[0], height, width] -> logits [N, classes]; height and width are divisible by 4."""

    def __init__(self, channels=(3, 64, 128), height=24, width=24, hidden=1000, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels[0], channels[1], 3, padding=1)
        self.conv2 = nn.Conv2d(channels[1], channels[2], 3, padding=1)
        self.flat = channels[2] * (height // 4) * (width // 4)
        self.fc1 = nn.Linear(self.flat, hidden)
        self.fc2 = nn.Linear(hidden, classes)

    def features(self, x):
        """The penultimate layer, [N, hidden]."""
        x = nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        return torch.relu(self.fc1(x.view(-1, self.flat)))

    def forward(self, x):
        return self.fc2(self.features(x))
