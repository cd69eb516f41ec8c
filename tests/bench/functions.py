"""Six functions to search: parameters as in a sweep file, value of a configuration, lowest value."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Function:
    """A function with a known minimum; `noise` is the standard deviation of what a search is told."""

    name: str
    parameters: dict[str, Any]
    value: Callable[[Config], float]
    lowest: float = 0.0
    noise: float = 0.0

    def told(self, config: Config, generator: random.Random) -> float:
        """The value that a search sees."""
        return self.value(config) + self.noise * generator.gauss(0.0, 1.0)


def real(low: float, high: float) -> dict[str, Any]:
    """A uniform parameter."""
    return {"distribution": "uniform", "min": low, "max": high}


def logarithmic(low: float, high: float) -> dict[str, Any]:
    """A log-uniform parameter."""
    return {"distribution": "log_uniform_values", "min": low, "max": high}


def branin(config: Config) -> float:
    """Branin's function of two numbers; three minima of 0.397887."""
    x, y = config["x"], config["y"]
    bowl = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return float(bowl**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


_A = (
    (10, 3, 17, 3.5, 1.7, 8),
    (0.05, 10, 17, 0.1, 8, 14),
    (3, 3.5, 1.7, 10, 17, 8),
    (17, 8, 0.05, 10, 0.1, 14),
)
_P = (
    (1312, 1696, 5569, 124, 8283, 5886),
    (2329, 4135, 8307, 3736, 1004, 9991),
    (2348, 1451, 3522, 2883, 3047, 6650),
    (4047, 8828, 8732, 5743, 1091, 381),
)


def hartmann(config: Config) -> float:
    """Hartmann's function of six numbers; minimum -3.32237."""
    total = 0.0
    for weight, steep, centre in zip((1, 1.2, 3, 3.2), _A, _P, strict=True):
        square = sum(
            a * (config[f"x{n}"] - 1e-4 * p) ** 2 for n, (a, p) in enumerate(zip(steep, centre, strict=True))
        )
        total -= weight * math.exp(-square)
    return total


def ackley(config: Config) -> float:
    """Ackley's function, three of its five coordinates whole."""
    xs = [float(value) for value in config.values()]
    root = math.sqrt(sum(x * x for x in xs) / len(xs))
    waves = sum(math.cos(2 * math.pi * x) for x in xs) / len(xs)
    return -20 * math.exp(-0.2 * root) - math.exp(waves) + 20 + math.e


def choices(config: Config) -> float:
    """A training of sorts: a learning rate whose best depends on the batch size, and three choices."""
    best = 1e-3 * math.sqrt(config["batch"] / 64)
    rate = math.log10(config["lr"] / best) ** 2
    offset = {"adam": 0.0, "sgd": 0.3, "rmsprop": 0.1, "lion": 0.5}[config["optimizer"]]
    shape = {"relu": 0.2, "gelu": 0.0, "tanh": 0.4}[config["activation"]]
    return float(
        rate + offset + shape + abs(math.log2(config["batch"] / 64)) / 10 + (config["dropout"] - 0.2) ** 2
    )


def conditional(config: Config) -> float:
    """What sgd needs adam has not, and a second layer has a width of its own; minimum 0 with sgd and two."""
    if config["optimizer"] == "adam":
        loss = 0.2 + math.log10(config["lr"] / 1e-3) ** 2
    else:
        loss = math.log10(config["lr"] / 1e-2) ** 2 + 4 * (config["momentum"] - 0.9) ** 2
    if config["layers"] == 1:
        return loss + 0.3
    return float(loss + (math.log2(config["width"] / 64) / 2) ** 2)


def bowl(config: Config) -> float:
    """A quadratic of four numbers, one of them whole."""
    return float(sum((config[f"x{n}"] - 0.2 * n) ** 2 for n in range(3)) + (config["n"] - 7) ** 2 / 25)


FUNCTIONS = (
    Function("Branin", {"x": real(-5, 10), "y": real(0, 15)}, branin, 0.397887),
    Function("Hartmann 6", {f"x{n}": real(0, 1) for n in range(6)}, hartmann, -3.32237),
    Function(
        "Ackley, integers",
        {
            **{f"x{n}": real(-32.768, 32.768) for n in range(2)},
            **{f"n{n}": {"min": -20, "max": 20} for n in range(3)},
        },
        ackley,
    ),
    Function(
        "choices",
        {
            "lr": logarithmic(1e-5, 1.0),
            "batch": {"values": [16, 32, 64, 128, 256]},
            "optimizer": {"values": ["adam", "sgd", "rmsprop", "lion"]},
            "activation": {"values": ["relu", "gelu", "tanh"]},
            "dropout": real(0, 0.5),
        },
        choices,
    ),
    Function(
        "conditional",
        {
            "lr": logarithmic(1e-5, 1.0),
            "optimizer": {"values": ["adam", "sgd"]},
            "momentum": {**real(0, 1), "when": {"optimizer": "sgd"}},
            "layers": {"values": [1, 2]},
            "width": {"min": 4, "max": 256, "when": {"layers": 2}},
        },
        conditional,
    ),
    Function(
        "noisy", {**{f"x{n}": real(-1, 1) for n in range(3)}, "n": {"min": 0, "max": 20}}, bowl, 0.0, 0.3
    ),
)
