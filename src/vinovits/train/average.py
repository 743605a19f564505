"""Moving averages of weights, which sound better than the weights of any one step.

Polyak and Juditsky 1992, https://doi.org/10.1137/0330046.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Of all tensors of a network that are trained."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Begin with the weights as they are.

        Args:
            network: Whose weights.
            decay: Share of the past in each step, once there is some; 0 for no average.
        """
        self.network, self.decay = network, decay
        self.weights: dict[str, Tensor] = {}
        if decay:
            self.weights = {
                name: parameter.detach().clone()
                for name, parameter in network.named_parameters()
                if parameter.requires_grad
            }

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move towards the weights of now.

        Args:
            step: Steps that were done; in the first ones the past counts for less.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, parameter in self.network.named_parameters():
            if name in self.weights:
                self.weights[name].lerp_(parameter, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the network have the averages meanwhile."""
        before = {
            name: parameter.detach().clone()
            for name, parameter in self.network.named_parameters()
            if name in self.weights
        }
        self._set(self.weights)
        try:
            yield
        finally:
            self._set(before)

    @torch.no_grad()
    def _set(self, weights: Mapping[str, Tensor]) -> None:
        for name, parameter in self.network.named_parameters():
            if name in weights:
                parameter.copy_(weights[name])

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Go on from averages that were saved."""
        for name, tensor in self.weights.items():
            tensor.copy_(weights[name])
