"""Deterministic weights and inputs that Java and Python both generate, so that no large net has to be committed.

The definition is in golden/cnn/README.md. In short: SplitMix64 seeded with the FNV-1a hash of the tensor's name gives u in
[-1, 1); the tensor's role scales it; all arithmetic is in double, rounded to float32 at the end.
"""
import math

import numpy as np
import torch

_MASK = (1 << 64) - 1


def seed(name):
    value = 0xCBF29CE484222325
    for byte in name.encode("utf-8"):
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return value


def uniform(name, shape):
    """u of the tensor `name`, float64; Java's `new SplittableRandom(seed(name))` and `2 * nextDouble() - 1` give the same."""
    count = math.prod(shape)
    with np.errstate(over="ignore"):
        z = np.uint64(seed(name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (2 * ((z >> np.uint64(11)).astype(np.float64) * 2.0 ** -53) - 1).reshape(shape)


def generate(name, shape, is_batch_norm=False, batch_norm_scale=1.0):
    """The float32 tensor of a parameter; the role follows from the last part of its name and `is_batch_norm`."""
    u = uniform(name, shape)
    role = name.rsplit(".", 1)[-1]
    if role == "running_var":
        value = 1 + 0.3 * np.abs(u)
    elif role in ("running_mean", "bias"):
        value = 0.1 * u
    elif is_batch_norm:
        value = batch_norm_scale * (1 + 0.1 * u)
    else:
        fan_in = math.prod(shape[1:])
        value = 0.8 * math.sqrt(6.0 / fan_in) * u
    return torch.from_numpy(value.astype(np.float32))


def fill(model, last_batch_norms=()):
    """Gives every parameter and buffer of the model its generated value; returns the model in eval mode."""
    state = model.state_dict()
    norms = {name for name, module in model.named_modules() if isinstance(module, torch.nn.BatchNorm2d)}
    for name, tensor in state.items():
        owner = name.rsplit(".", 1)[0]
        if name.endswith("num_batches_tracked"):
            continue
        scale = 0.3 if owner in last_batch_norms else 1.0
        state[name] = generate(name, tuple(tensor.shape), owner in norms, scale)
    model.load_state_dict(state)
    return model.eval()


def make_input(name, shape):
    return torch.from_numpy(uniform(name, shape).astype(np.float32))
