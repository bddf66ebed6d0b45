"""Sizes that all methods here share: those of the paper, and of conformance tests."""

from typing import Any

PAPER: dict[str, Any] = {
    "width": 512,
    "depth": 12,
    "batch": 1024,
    "steps": 1_000_000,
    "learning_rate": 8e-4,
    "optimizer": "lamb",
    "weight_decay": 0.05,
    "warmup": 0.0005,
    "whitening": 0.0,
    "dropout": 0.0,
}
TINY: dict[str, Any] = {
    "width": 16,
    "depth": 1,
    "steps": 200,
    "batch": 64,
    "learning_rate": 5e-3,
    "evaluations": 2,
    "whitening": 0.5,
    "dropout": 0.0,
}
TINY_IN_SPACE: dict[str, Any] = {  # large enough that draws end near the sphere
    **TINY,
    "expansion": 1,
    "steps": 600,
    "batch": 128,
    "learning_rate": 1e-2,
    "dropout": 0.2,
    "path": "linear",
    "sampling_steps": 16,
}
