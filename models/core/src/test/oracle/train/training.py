"""Goldens of training: gradients of single layers, by PyTorch and by finite differences in double, and the textbook CNN's weights after 20 steps of SGD and of AdamW from the same start
and batches, in PyTorch. Weights and batches are the formula of oracle/recurrent/layers.py.

    python training.py FOLDER       (also writes scikit-learn's digits, 8 x 8 of 0 .. 15 (16 is 15), two to a byte: examples.safetensors
                                   of the resources' folder digits)
"""
import copy
import os
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from transformers.models.t5.modeling_t5 import T5Attention

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cnn"))
from textbook_cnn import TextbookCnn  # noqa: E402

torch.set_num_threads(1)


def java_hash(text):
    h = 0
    for c in text:
        h = (31 * h + ord(c)) & 0xFFFFFFFF
    return h


def values(name, bound, *shape):
    with np.errstate(over="ignore"):
        x = np.arange(int(np.prod(shape)), dtype=np.uint32) * np.uint32(2654435761) + np.uint32(java_hash(name))
        x = (x ^ (x >> np.uint32(15))) * np.uint32(2246822519)
        x = x ^ (x >> np.uint32(13))
    v = (x >> np.uint32(8)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    return torch.from_numpy((v * np.float32(bound)).reshape(shape))


def train(name, optimizer, loss, clip, schedule, out):
    model = TextbookCnn((3, 5, 7), 12, 8, 11, 4)
    with torch.no_grad():
        for key, p in model.named_parameters():
            p.copy_(values(key, 0.3, *p.shape))
    optimizer = optimizer(model.parameters())
    schedule = schedule and schedule(optimizer)
    losses = []
    for step in range(20):
        x = values(f"x{step}", 1, 6, 3, 12, 8)
        y = (values(f"y{step}", 1, 6) * 100).long().abs() % 4
        if name == "adamw":
            y[step % 6] = -100
        value = loss(model(x), y)
        optimizer.zero_grad()
        value.backward()
        if step == 0:
            out.update({f"{name}/gradient/{k}": p.grad.numpy().copy() for k, p in model.named_parameters()})
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(value.item())
    out[f"{name}/losses"] = np.array(losses, np.float32)
    out.update({f"{name}/{k}": p.detach().numpy().copy() for k, p in model.named_parameters()})


def finite_differences(module, x, target, of):
    """Of the loss by each element of one of the module's tensors or of x, central, in double."""
    slopes, flat = torch.empty(of.numel(), dtype=torch.double), of.data.view(-1)
    for i in range(of.numel()):
        losses, kept = [], flat[i].item()
        for step in (1e-6, -1e-6):
            flat[i] = kept + step
            losses.append(nn.functional.mse_loss(module(x), target, reduction="sum").item())
        flat[i] = kept
        slopes[i] = (losses[0] - losses[1]) / 2e-6
    return slopes.reshape(of.shape)


def layer(name, module, out, *shape):
    with torch.no_grad():
        for key, p in module.named_parameters():
            p.copy_(values(f"{name} {key}", 0.5, *p.shape))
    x = values(f"{name} x", 1, *shape).requires_grad_()
    exact, double = copy.deepcopy(module).double(), x.detach().double()
    y = module(x)
    target = values(f"{name} t", 1, *y.shape)
    nn.functional.mse_loss(y, target, reduction="sum").backward()
    out[f"layer {name}/y"] = y.detach().numpy().copy()
    out[f"layer {name}/dx"] = x.grad.numpy().copy()
    out.update({f"layer {name}/d {k}": p.grad.numpy().copy() for k, p in module.named_parameters()})
    with torch.no_grad():
        for key, p in (("dx", double), *((f"d {k}", p) for k, p in exact.named_parameters())):
            slopes = finite_differences(exact, double, target.double(), p)
            out[f"finite {name}/{key}"] = slopes.numpy().astype(np.float32)
            torch.testing.assert_close(slopes, torch.from_numpy(out[f"layer {name}/{key}"]).double(), rtol=1e-4, atol=1e-5)


def losses(out):
    """Values and gradients of losses with their options; the labels of the last are all ignored."""
    x, labels = values("loss x", 3, 6, 4), torch.tensor([3, 0, -1, 2, 1, 0])
    weights, target = torch.tensor([1.0, 0.5, 2.0, 0.25]), values("loss t", 1, 6, 4)
    for reduction in ("mean", "sum"):
        for smoothing in (0, 0.2):
            for weight in (None, weights):
                logits = x.clone().requires_grad_()
                loss = nn.functional.cross_entropy(logits, labels, weight, ignore_index=-1, reduction=reduction, label_smoothing=smoothing)
                loss.backward()
                name = f"loss {reduction} {smoothing} {'weighted' if weight is not None else 'plain'}"
                out[name], out[name + "/dx"] = np.array([loss.item()], np.float32), logits.grad.numpy()
        logits = x.clone().requires_grad_()
        loss = nn.functional.mse_loss(logits, target, reduction=reduction)
        loss.backward()
        out[f"loss mse {reduction}"], out[f"loss mse {reduction}/dx"] = np.array([loss.item()], np.float32), logits.grad.numpy()


LENGTHS = (3, 1, 4)


class Attend(nn.Module):
    """Products of all three, and attention within each sequence, of two heads."""

    def __init__(self, causal):
        super().__init__()
        self.qkv, self.causal = nn.Linear(6, 18), causal

    def forward(self, x):
        q, k, v = (part.reshape(-1, 2, 3).transpose(0, 1) for part in self.qkv(x).chunk(3, -1))
        each = zip(*(part.split(LENGTHS, 1) for part in (q, k, v)))
        done = [nn.functional.scaled_dot_product_attention(*part, is_causal=self.causal) for part in each]
        return torch.cat(done, 1).transpose(0, 1).reshape(-1, 6)


class Masked(nn.Module):
    """Attention of four heads of queries and two of keys, with a mask that is added, hidden keys and a window."""

    def __init__(self, mask, window):
        super().__init__()
        self.qkv, self.mask, self.window = nn.Linear(6, 16), mask, window

    def forward(self, x):
        q, k, v = (part.reshape(8, -1, 2).transpose(0, 1) for part in self.qkv(x).split((8, 4, 4), -1))
        k, v, done, first = k.repeat_interleave(2, 0), v.repeat_interleave(2, 0), [], 0
        for s, n in enumerate(LENGTHS):
            rows, place = slice(first, first + n), torch.arange(n)
            mask = self.mask if self.mask.dim() == 2 else self.mask[s]
            scores = q[:, rows] @ k[:, rows].transpose(1, 2) / 2 ** 0.5 + mask[..., :n, :n].to(x.dtype)
            hidden = (torch.tensor(HIDDEN)[rows] == 1) | ((place[:, None] - place).abs() >= self.window)
            shares = torch.softmax(scores.masked_fill(hidden, -torch.inf), -1).nan_to_num()
            done.append(shares @ v[:, rows])
            first += n
        return torch.cat(done, 1).transpose(0, 1).reshape(8, 8)


HIDDEN = (0, 0, 1, 1, 0, 1, 0, 0)


class Distant(nn.Module):
    """Attention of two heads whose scores have a cap and something added by the distance from query to key."""

    def __init__(self, softcap, table, columns):
        super().__init__()
        self.qkv, self.softcap, self.table, self.columns = nn.Linear(6, 18), softcap, table, columns

    def forward(self, x):
        q, k, v = (part.reshape(-1, 2, 3).transpose(0, 1) for part in self.qkv(x).chunk(3, -1))
        done = []
        for q, k, v in zip(*(part.split(LENGTHS, 1) for part in (q, k, v))):
            scores, place = q @ k.transpose(1, 2) / 3 ** 0.5, torch.arange(q.shape[1])
            if self.softcap:
                scores = self.softcap * torch.tanh(scores / self.softcap)
            if self.table is not None:
                scores = scores + self.columns(self.table, place - place[:, None])
            done.append(torch.softmax(scores, -1) @ v)
        return torch.cat(done, 1).transpose(0, 1).reshape(-1, 6)


def by_distance(table, distance):
    return table[:, distance.clamp(-2, 2) + 2]


def by_bucket(table, distance):
    return table[T5Attention._relative_position_bucket(distance, True, 8, 6)].permute(2, 0, 1)


class Chained(nn.Module):
    """Two layers, of which the second begins with the states that the first ends with."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        y, states = self.first(nn.utils.rnn.pack_sequence(x.split(LENGTHS), enforce_sorted=False))
        y, lengths = nn.utils.rnn.pad_packed_sequence(self.second(y, states)[0], batch_first=True)
        return torch.cat([row[:n] for row, n in zip(y, lengths)])


class ResetFirst(nn.Module):
    """The GRU of Cho et al. (2014), in both directions, with the parameters of PyTorch's."""

    def __init__(self, result):
        super().__init__()
        self.rnn, self.result = nn.GRU(5, 3, bidirectional=True), result

    def run(self, x, end):
        w, u, b, c = (getattr(self.rnn, name + end) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"))
        h, states = torch.zeros(3, dtype=x.dtype), []
        for row in x:
            xr, xz, xn = (w @ row + b).chunk(3)
            r, z = torch.sigmoid(xr + u[:3] @ h + c[:3]), torch.sigmoid(xz + u[3:6] @ h + c[3:6])
            h = (1 - z) * torch.tanh(xn + u[6:] @ (r * h) + c[6:]) + z * h
            states.append(h)
        return torch.stack(states)

    def forward(self, x):
        both = [(self.run(part, ""), self.run(part.flip(0), "_reverse")) for part in x.split(LENGTHS)]
        last = torch.stack([torch.stack([states[d][-1] for states in both]) for d in (0, 1)])
        return (torch.cat([torch.cat([a, b.flip(0)], -1) for a, b in both]), last)[self.result]


class Repeated(nn.Module):
    """Something of every row, and something of every column."""

    def __init__(self):
        super().__init__()
        self.row, self.column = nn.Linear(5, 5), nn.Linear(5, 1)

    def forward(self, x):
        return x * self.row(values("repeated row", 1, 1, 5).to(x.dtype)) - self.column(x)


class Pooled(nn.Module):
    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def forward(self, x):
        return torch.stack([self.pool(part) for part in x.split(LENGTHS)])


POOLS = {"mean": lambda x: x.mean(0), "first": lambda x: x[0], "last": lambda x: x[-1], "max": lambda x: x.max(0)[0],
         "mean_sqrt": lambda x: x.sum(0) / len(x) ** 0.5,
         "weighted_mean": lambda x: (x * torch.arange(1, len(x) + 1)[:, None]).sum(0) / sum(range(1, len(x) + 1)),
         "unit": lambda x: nn.functional.normalize(x.mean(0), dim=0)}


def schedules(out):
    """Factors of the rate at steps 0 to 29."""
    lr = torch.optim.lr_scheduler
    for name, make in (("step", lambda o: lr.StepLR(o, 7, 0.5)), ("cosine", lambda o: lr.CosineAnnealingLR(o, 29)),
                       ("warm-up", lambda o: lr.LinearLR(o, 1 / 6, 1, 5)),
                       ("warm-up before cosine", lambda o: lr.SequentialLR(o, [lr.LinearLR(o, 1 / 6, 1, 5), lr.CosineAnnealingLR(o, 23)], [6])),
                       ("warm-up before step", lambda o: lr.SequentialLR(o, [lr.LinearLR(o, 1 / 4, 1, 3), lr.StepLR(o, 5, 0.3)], [4]))):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
        schedule, factors = make(optimizer), []
        for _ in range(30):
            factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        out[f"schedule {name}"] = np.array(factors)


class Dropped(nn.Module):
    """Two linear layers, and between them PyTorch's dropout by a mask of its own."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(5, 6), nn.Linear(6, 4)
        torch.manual_seed(3)
        self.mask = nn.functional.dropout(torch.ones(3, 6), 0.4)
        torch.manual_seed(3)
        x = values("dropped", 1, 3, 6)
        torch.testing.assert_close(nn.functional.dropout(x, 0.4), x * self.mask)

    def forward(self, x):
        return self.second(self.first(x) * self.mask.to(x.dtype))


class Packed(nn.Module):
    """A recurrent layer over sequences end to end: result 0 the outputs, 1 and 2 the last states."""

    def __init__(self, rnn, result):
        super().__init__()
        self.rnn, self.result = rnn, result

    def forward(self, x):
        packed = nn.utils.rnn.pack_sequence(x.split(LENGTHS), enforce_sorted=False)
        y, states = self.rnn(packed)
        states = states if isinstance(states, tuple) else (states,)
        y, lengths = nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
        return (torch.cat([row[:n] for row, n in zip(y, lengths)]), *states)[self.result]


class Apply(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.forward = f


class Embed(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.positions, self.norm = nn.Embedding(7, 4), nn.Embedding(5, 4), nn.LayerNorm(4)

    def forward(self, x):
        return self.norm(1.5 * self.words(torch.tensor([3, 0, 6, 3, 3])) + self.positions(torch.tensor([0, 1, 2, 0, 1]))) + 0 * x.sum()


class Tagger(nn.Module):
    """Embedding, a bidirectional LSTM of two layers, class scores of every token."""

    def __init__(self):
        super().__init__()
        self.words, self.rnn, self.out = nn.Embedding(11, 5), nn.LSTM(5, 6, 2, bidirectional=True), nn.Linear(12, 4)

    def forward(self, ids):
        return self.out(Packed(self.rnn, 0)(self.words(ids)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attend, self.o, self.norm1 = Attend(True), nn.Linear(6, 6), nn.LayerNorm(6)
        self.up, self.down, self.norm2 = nn.Linear(6, 10), nn.Linear(10, 6), nn.LayerNorm(6)

    def forward(self, x):
        x = self.norm1(x + self.o(self.attend(x)))
        return self.norm2(x + self.down(nn.functional.gelu(self.up(x))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.positions = nn.Embedding(11, 6), nn.Embedding(5, 6)
        self.blocks, self.out = nn.ModuleList([Block(), Block()]), nn.Linear(6, 4)

    def forward(self, ids):
        x = self.words(ids) + self.positions(torch.cat([torch.arange(n) for n in LENGTHS]))
        for block in self.blocks:
            x = block(x)
        return self.out(x)


def sequences(name, model, optimizer, out):
    with torch.no_grad():
        for key, p in model.named_parameters():
            p.copy_(values(f"{name} {key}", 0.4, *p.shape) + (1 if "norm" in key and "weight" in key else 0))
    optimizer = optimizer(model.parameters())
    losses = []
    for step in range(20):
        ids = (values(f"ids{step}", 1, sum(LENGTHS)) * 100).long().abs() % 11
        y = (values(f"y{step}", 1, sum(LENGTHS)) * 100).long().abs() % 4
        loss = nn.functional.cross_entropy(model(ids), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    out[f"{name}/losses"] = np.array(losses, np.float32)
    out.update({f"{name}/{k}": p.detach().numpy().copy() for k, p in model.named_parameters()})


def main(folder):
    out = {}
    train("sgd", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01, nesterov=True), nn.CrossEntropyLoss(), 0,
          lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.5), out)
    train("sgd dampened", lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8, dampening=0.3), nn.CrossEntropyLoss(reduction="sum"), 0, None, out)
    train("adamw", lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
          nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.5, 2.0, 1.5]), label_smoothing=0.1), 0.5,
          lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20), out)
    layer("linear", nn.Linear(7, 5), out, 3, 7)
    layer("conv", nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), out, 2, 2, 7, 6)
    layer("conv without bias", nn.Conv2d(3, 4, 1, bias=False), out, 2, 3, 3, 5)
    layer("max", nn.MaxPool2d(3, 2, 1), out, 2, 2, 7, 5)
    layer("average", nn.AvgPool2d((2, 3), (1, 2), (0, 1)), out, 2, 2, 5, 6)
    layer("average inside", nn.AvgPool2d(3, 2, 1, count_include_pad=False), out, 2, 1, 6, 5)
    for name, module in (("relu", nn.ReLU()), ("tanh", nn.Tanh()), ("sigmoid", nn.Sigmoid()), ("silu", nn.SiLU()),
                         ("gelu_tanh", nn.GELU(approximate="tanh")), ("gelu_erf", nn.GELU()), ("relu6", nn.ReLU6()),
                         ("hardswish", nn.Hardswish()), ("mish", nn.Mish()), ("relu2", Apply(lambda x: nn.functional.relu(x) ** 2)),
                         ("quick_gelu", Apply(lambda x: x * torch.sigmoid(1.702 * x)))):
        layer(name, module, out, 3, 5)
    layer("grouped", nn.Conv2d(4, 6, 3, padding=1, groups=2), out, 2, 4, 5, 3)
    layer("depthwise", nn.Conv2d(3, 3, (2, 3), stride=(2, 1), padding=(0, 2), dilation=2, groups=3, bias=False), out, 2, 3, 7, 4)
    layer("signal", nn.Conv1d(4, 2, 3, stride=2, padding=1, groups=2), out, 2, 4, 9)
    layer("average signal", nn.AvgPool1d(3, 2, 1), out, 2, 2, 8)
    layer("average ceil", nn.AvgPool2d(3, 2, 1, ceil_mode=True), out, 2, 2, 6, 4)
    layer("average inside ceil", nn.AvgPool2d((2, 3), 2, (0, 1), ceil_mode=True, count_include_pad=False), out, 1, 2, 5, 6)
    layer("max ceil", nn.MaxPool2d(3, 2, ceil_mode=True), out, 1, 2, 6, 4)
    layer("unit", Apply(lambda x: nn.functional.normalize(x)), out, 3, 5)
    layer("squeeze", Apply(lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)) + x.mean((2, 3), keepdim=True)), out, 2, 3, 2, 4)
    layer("norm", nn.LayerNorm(5), out, 3, 5)
    layer("rms", nn.RMSNorm(5, eps=1e-5), out, 3, 5)
    norm = nn.BatchNorm2d(3)
    layer("batch", norm, out, 4, 3, 3, 2)
    out["batch/mean"], out["batch/variance"] = norm.running_mean.numpy().copy(), norm.running_var.numpy().copy()
    layer("softmax", nn.Softmax(-1), out, 3, 5)
    layer("softmax of channels", nn.Softmax(1), out, 2, 3, 2, 2)
    layer("log softmax", nn.LogSoftmax(-1), out, 3, 5)
    layer("global", nn.AdaptiveAvgPool2d(1), out, 2, 3, 3, 2)
    layer("global max", nn.AdaptiveMaxPool2d(1), out, 2, 3, 3, 2)
    layer("adaptive", nn.AdaptiveAvgPool2d((3, 2)), out, 2, 2, 7, 5)
    layer("adaptive max", nn.AdaptiveMaxPool2d((2, 3)), out, 2, 2, 5, 7)
    layer("adaptive signal", nn.AdaptiveAvgPool1d(3), out, 2, 2, 8)
    layer("quotient", Apply(lambda x: x / torch.sigmoid(x)), out, 3, 5)
    layer("larger", Apply(lambda x: torch.maximum(x, torch.relu(x))), out, 3, 5)
    layer("smaller", Apply(lambda x: torch.minimum(x, x.mean((2, 3), keepdim=True))), out, 2, 3, 2, 4)
    layer("attention", Attend(False), out, 8, 6)
    layer("capped", Distant(0.5, None, None), out, 8, 6)
    layer("distant", Distant(0, nn.Parameter(torch.zeros(2, 5)), by_distance), out, 8, 6)
    layer("distant together", Distant(1.5, nn.Parameter(torch.zeros(1, 5)), by_distance), out, 8, 6)
    layer("buckets", Distant(0, nn.Parameter(torch.zeros(8, 2)), by_bucket), out, 8, 6)
    layer("repeated", Repeated(), out, 8, 5)
    for name, pool in POOLS.items():
        layer(f"pool {name}", Pooled(pool), out, 8, 5)
    schedules(out)
    layer("masked", Masked(values("masked mask", 1, 4, 4), 3), out, 8, 6)
    layer("masked each", Masked(values("masked each mask", 1, 3, 4, 4, 4), 100), out, 8, 6)
    dropped = Dropped()
    layer("dropped", dropped, out, 3, 5)
    out["dropped/mask"] = dropped.mask.numpy()
    losses(out)
    layer("causal", Attend(True), out, 8, 6)
    layer("embedding", Embed(), out, 5, 4)
    both = {"bidirectional": True}
    layer("chained lstm", Chained(nn.LSTM(5, 3, **both, proj_size=2), nn.LSTM(4, 3, **both, proj_size=2)), out, 8, 5)
    layer("chained gru", Chained(nn.GRU(5, 3, **both), nn.GRU(6, 3, **both)), out, 8, 5)
    for result in range(3):
        layer(f"projected {result}", Packed(nn.LSTM(5, 3, bidirectional=True, proj_size=2), result), out, 8, 5)
        layer(f"lstm {result}", Packed(nn.LSTM(5, 3, bidirectional=True), result), out, 8, 5)
        if result < 2:
            layer(f"gru {result}", Packed(nn.GRU(5, 3, bidirectional=True), result), out, 8, 5)
            layer(f"gru_reset_first {result}", ResetFirst(result), out, 8, 5)
            layer(f"tanh {result}", Packed(nn.RNN(5, 3, bidirectional=True), result), out, 8, 5)
            layer(f"relu {result}", Packed(nn.RNN(5, 3, nonlinearity="relu"), result), out, 8, 5)
    sequences("tagger sgd", Tagger(), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), out)
    sequences("tagger adamw", Tagger(), lambda p: torch.optim.AdamW(p, lr=0.01), out)
    sequences("transformer sgd", Transformer(), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), out)
    # The gradient of a key's bias is zero but for rounding, which AdamW would make steps of.
    sequences("transformer adamw", Transformer(), lambda p: torch.optim.AdamW(p, lr=0.01, eps=1e-6), out)
    steps = {k: v for k, v in out.items() if k.startswith(("sgd", "adamw", "tagger", "transformer"))}
    save_file(steps, os.path.join(folder, "training.safetensors"))
    save_file({k: v for k, v in out.items() if k not in steps}, os.path.join(folder, "layers.safetensors"))
    from sklearn.datasets import load_digits
    digits = load_digits()
    pixels = digits.images.reshape(-1, 64).astype(np.uint8)
    low, high = np.minimum(pixels[:, 0::2], 15), np.minimum(pixels[:, 1::2], 15)
    save_file({"pixels": (low * 16 + high).astype(np.uint8), "labels": digits.target.astype(np.uint8)}, os.path.join(folder, "examples.safetensors"))
    for name in ("training", "layers", "examples"):
        os.chmod(os.path.join(folder, name + ".safetensors"), 0o644)


main(sys.argv[1])
