"""The loop that all trainings share. The data of each step follow from the seed and the step alone."""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

Make = Callable[[np.random.Generator], Any]
"""One batch: a tensor, or a tuple or dict of tensors."""
Loss = Callable[[nn.Module, Any], Tensor]
"""The loss of a network for one batch; the batch lies on the network's device."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The fixed facts of a training.

    rate: the highest learning rate; it rises over `warm_up` steps and falls to 0 as a cosine.
    average: decay of the exponential moving average of the parameters, which is the training's result.
    """

    name: str
    steps: int
    rate: float
    warm_up: int = 200
    weight_decay: float = 0.01
    average: float = 0.999
    seed: int = 0

    def rate_at(self, step: int) -> float:
        rise = min(1.0, (step + 1) / self.warm_up)
        return self.rate * rise * (1 + math.cos(math.pi * step / self.steps)) / 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """The choices of one run, from its command line.

    out: folder for checkpoints, logs and results. steps: total number of steps, if not the plan's.
    until: step after which to stop; the same command continues later. workers: processes that make
    batches; with 0 the training process makes them.
    """

    out: Path = Path("out/training")
    steps: int | None = None
    until: int | None = None
    threads: int = 1
    workers: int = 0

    @classmethod
    def read(cls, arguments: list[str] | None = None) -> "Options":
        """Parses the arguments, by default those of the command line."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--out", type=Path, default=cls.out)
        parser.add_argument("--steps", type=int, help="total number of steps, instead of the planned one")
        parser.add_argument("--until", type=int, help="stop after this step; a later run continues")
        parser.add_argument("--threads", type=int, default=cls.threads)
        parser.add_argument("--workers", type=int, default=cls.workers)
        return cls(**vars(parser.parse_args(arguments)))


def _adamw(network: nn.Module, plan: Plan) -> Optimizer:
    return torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=plan.weight_decay)


class Training:
    """A network in training. `checkpoint` is written every two minutes, and is loaded when it exists."""

    def __init__(
        self,
        plan: Plan,
        build: Callable[[], nn.Module],
        options: Options,
        optimiser: Callable[[nn.Module, Plan], Optimizer] = _adamw,
    ) -> None:
        torch.manual_seed(plan.seed)
        torch.set_num_threads(options.threads)
        self.plan = replace(plan, steps=options.steps or plan.steps)
        self.until, self.options = options.until or self.plan.steps, options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = build().to(self.device).to(memory_format=torch.channels_last).train()
        decay = get_ema_multi_avg_fn(plan.average)  # type: ignore[no-untyped-call]
        self.averaged = AveragedModel(self.network, multi_avg_fn=decay, use_buffers=True)
        self.optimiser = optimiser(self.network, plan)
        self.checkpoint = options.out / f"{plan.name}.pt"
        self.step, self.seconds = 0, 0.0
        if self.checkpoint.exists():
            self._load()

    def run(
        self,
        make: Make,
        loss: Loss,
        *,
        progress: Callable[[nn.Module], str] = lambda network: "",
        every: int = 500,
    ) -> nn.Module:
        """Trains to the last step and returns the averaged network in evaluation mode.

        progress: receives that network every `every` steps, and returns a note for the log.
        """
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        batches = DataLoader(
            _Batches(make, self.plan.seed),
            batch_size=None,
            sampler=range(self.step, self.until),
            num_workers=self.options.workers,
        )
        losses, begun, saved = [], time.perf_counter() - self.seconds, time.perf_counter()
        for batch in batches:
            losses.append(self._advance(_moved(batch, self.device), loss))
            self.seconds = time.perf_counter() - begun
            last = self.step == self.until
            if last or self.step % every == 0:
                self._log(float(np.mean(losses)), progress(self.result()))
                losses.clear()
            if last or time.perf_counter() - saved > 120:
                self._save()
                saved = time.perf_counter()
        return self.result()

    def result(self) -> nn.Module:
        return self.averaged.module.eval()

    def _advance(self, batch: Any, loss: Loss) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate_at(self.step)
        cost = loss(self.network, batch)
        self.optimiser.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.averaged.update_parameters(self.network)
        self.step += 1
        return float(cost.detach())

    def _log(self, loss: float, note: str) -> None:
        line = f"step {self.step}/{self.plan.steps} {self.seconds:.0f} s, loss {loss:.5f} {note}".rstrip()
        print(line, flush=True)
        with self.checkpoint.with_suffix(".log").open("a") as log:
            log.write(f"{line}\n")

    def _save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def _load(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]


def export(network: nn.Module, file: Path) -> None:
    """Writes parameters and buffers as safetensors in half precision, without the batch norms' counters."""
    state = {
        name: tensor.half().contiguous().cpu() if tensor.is_floating_point() else tensor.cpu()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, file)
    print(f"{file}: {file.stat().st_size} bytes")


class _Batches(Dataset[Any]):
    def __init__(self, make: Make, seed: int) -> None:
        self._make, self._seed = make, seed

    def __getitem__(self, step: int) -> Any:
        return self._make(np.random.default_rng((self._seed, step)))


def _moved(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, Tensor):
        batch = batch.to(device)
        return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch
    if isinstance(batch, dict):
        return {name: _moved(each, device) for name, each in batch.items()}
    return tuple(_moved(each, device) for each in batch)
