"""The processes that train one network together, each on its own share of every batch.

Started by `torchrun`. Gradients are averaged by hand after each backward pass rather than by
`DistributedDataParallel`, which wants to see one forward call of one network; here four networks
learn from each other within a step.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

_BUCKET = 1 << 23
"""Numbers that are sent at once."""
_BACKENDS = {"cpu": "gloo", "cuda": "nccl", "xpu": "xccl"}


@dataclass(frozen=True, slots=True)
class Crew:
    """This process among those that train together."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this one writes and tells."""
        return self.rank == 0

    @torch.no_grad()
    def mean_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace the gradients of all by their mean."""
        if self.size == 1:
            return
        bucket: list[Tensor] = []
        for parameter in parameters:
            if parameter.grad is None:  # of no use on this one's clips, but maybe on others'
                parameter.grad = torch.zeros_like(parameter)
            bucket.append(parameter.grad)
            if sum(gradient.numel() for gradient in bucket) >= _BUCKET:
                self._mean(bucket)
                bucket = []
        self._mean(bucket)

    def _mean(self, tensors: list[Tensor]) -> None:
        if not tensors:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self.size
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    @torch.no_grad()
    def same(self, network: nn.Module) -> None:
        """Give all the first one's weights."""
        if self.size > 1:
            for tensor in (*network.parameters(), *network.buffers()):
                dist.broadcast(tensor.data, 0)

    @torch.no_grad()
    def same_buffers(self, network: nn.Module) -> None:
        """Give all what the first one has beside its weights."""
        if self.size > 1:
            for tensor in network.buffers():
                dist.broadcast(tensor, 0)

    def any(self, flag: bool) -> bool:
        """Whether it is so in one of them."""
        if self.size == 1:
            return flag
        found = torch.tensor([float(flag)])
        if dist.get_backend() != "gloo":
            found = found.to(torch.accelerator.current_accelerator())
        dist.all_reduce(found)
        return bool(found.item() > 0)

    def mean(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """The mean of numbers that all have under the same names."""
        if self.size == 1:
            return dict(numbers)
        found = torch.tensor(list(numbers.values()))
        if dist.get_backend() != "gloo":
            found = found.to(torch.accelerator.current_accelerator())
        dist.all_reduce(found)
        return dict(zip(numbers, (found / self.size).tolist(), strict=True))

    def told(self, number: float) -> float:
        """The number that the first one has."""
        return self.mean({"": number * self.size if self.leads else 0.0})[""]

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            dist.barrier()

    def leave(self) -> None:
        """Let the others go."""
        if self.size > 1:
            dist.destroy_process_group()


ALONE = Crew()


def local_rank() -> int:
    """Number of this process on its machine, as `torchrun` gives it."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def join(kind: str) -> Crew:
    """The crew of this process: those that `torchrun` has started, or it alone.

    Args:
        kind: Of its device: "cpu", "cuda" or "xpu".
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return ALONE
    dist.init_process_group(_BACKENDS[kind])
    return Crew(dist.get_rank(), dist.get_world_size())
