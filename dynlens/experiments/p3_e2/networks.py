"""The residual network of P3.E2, and its training with the regularizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from dynlens.dynamics.on_torch.locality import locality
from dynlens.dynamics.on_torch.problem import load_torch
from dynlens.experiments.p3_e2.data import SIZE, Pairs, left_edges

ETA, MOMENTUM, BATCH = 1e-2, 0.9, 64
CHANNELS, STRIDES = (16, 32, 64), (1, 2, 2)
PATIENCE = 15  # epochs of perfect training accuracy after which to stop
LOOKED_AT = 256  # test pairs of which the surrogate is taken


def residual_network() -> Any:
    """A stem, three stages of one basic block, a mean over positions, one logit."""
    nn = load_torch().nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, before: int, after: int, stride: int) -> None:
            super().__init__()
            self.main = nn.Sequential(
                nn.Conv2d(before, after, 3, stride, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
                nn.Conv2d(after, after, 3, 1, 1, bias=False),
                nn.BatchNorm2d(after),
            )
            self.short = nn.Identity()
            if stride > 1 or before != after:
                self.short = nn.Sequential(
                    nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
                )

        def forward(self, x: Any) -> Any:
            return nn.functional.relu(self.main(x) + self.short(x))

    first = CHANNELS[0]
    blocks = [
        Block(before, after, stride)
        for before, after, stride in zip((first, *CHANNELS), CHANNELS, STRIDES, strict=False)
    ]
    stem = (nn.Conv2d(1, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU())
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS[-1], 1))
    return nn.Sequential(*stem, *blocks, *head)


def trained(
    train: Pairs, test: Pairs, *, distance: int, strength: float, seed: int, epochs: int
) -> dict[str, float]:
    """Train one network; return its accuracies and its surrogate on test pairs."""
    torch = load_torch()
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = residual_network()
    optimizer = torch.optim.SGD(network.parameters(), lr=ETA, momentum=MOMENTUM)
    x, y = (torch.tensor(part, dtype=torch.float32) for part in (train.canvases, train.same))
    images = [(..., slice(edge, edge + SIZE)) for edge in left_edges(distance)]
    perfect, done, share = 0, 0, 0.0
    for _ in range(epochs):
        right = seen = 0
        order = torch.from_numpy(rng.permutation(len(x)))
        for k in range(0, len(x) - BATCH + 1, BATCH):  # what is left over is dropped
            batch, wanted = x[order[k : k + BATCH]], y[order[k : k + BATCH]]
            logits = network(batch)[:, 0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)
            if strength > 0:
                first, second = (images[j] for j in rng.permutation(2))
                loss = loss + strength * locality(network, batch, first, second)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += int(((logits > 0) == (wanted > 0)).sum())
            seen += len(batch)
        done, share = done + 1, right / seen
        perfect = perfect + 1 if right == seen else 0
        if perfect >= PATIENCE:
            break
    return {"epochs": done, "train": share, **tested(network, test, images)}


def tested(network: Any, test: Pairs, images: list[Any]) -> dict[str, float]:
    """Accuracy and surrogate in evaluation mode."""
    torch = load_torch()
    network.eval()
    x = torch.tensor(test.canvases, dtype=torch.float32)
    with torch.no_grad():
        logits = network(x)[:, 0].numpy()
    R = [float(locality(network, x[:LOOKED_AT], *pair).detach()) for pair in (images, images[::-1])]
    return {"test": float(np.mean((logits > 0) == (test.same > 0))), "surrogate": float(np.mean(R))}
