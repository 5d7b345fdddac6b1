"""Executors: outputs are equal to those of eager float32, caches are used, and errors are clear."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from serving.arrays import Floats
from serving.executor import Executor, compile, cpu_count, resolve_device

EXAMPLE = np.zeros((1, 3, 16, 16), np.float32)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 2, 3, stride=2)
    ).eval()


def refuse() -> nn.Module:
    raise AssertionError("the network was built although it is cached")


def arrays(*shapes: tuple[int, ...]) -> list[Floats]:
    random = np.random.default_rng(0)
    return [random.standard_normal(shape, np.float32) for shape in shapes]


def eager(array: Floats) -> Floats:
    with torch.inference_mode():
        result: Floats = network()(torch.from_numpy(array)).numpy()
    return result


SHAPES = [(1, 3, 16, 16), (2, 3, 24, 40), (3, 3, 9, 17), (1, 3, 64, 8), (2, 3, 24, 40)]


@pytest.fixture(scope="module", params=["cpu", "cpu-eager"])
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_output_for_one_input_is_equal_to_that_of_eager_float32(device: str) -> None:
    execute = compile(network, EXAMPLE, device=device)
    for array in arrays(*SHAPES):
        (output,) = execute(array)
        np.testing.assert_allclose(output, eager(array), atol=1e-5)


@pytest.mark.parametrize("count", range(len(SHAPES) + 1))
def test_many_inputs_of_different_shapes_keep_their_order(device: str, count: int) -> None:
    execute = compile(network, EXAMPLE, device=device)
    inputs = arrays(*SHAPES[:count])
    outputs = execute.map(iter(inputs), lambda outputs: outputs[0].copy())
    assert len(outputs) == count
    for array, output in zip(inputs, outputs, strict=True):
        np.testing.assert_allclose(output, eager(array), atol=1e-5)


def test_several_outputs_and_integer_inputs(device: str) -> None:
    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = nn.Embedding(10, 4)

        def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            rows = self.rows(ids)
            return rows, rows.sum(-1)

    execute = compile(Table, np.zeros((1, 5), np.int64), device=device)
    rows, sums = execute(np.array([[1, 2, 3], [4, 5, 6]]))
    assert rows.shape == (2, 3, 4)
    np.testing.assert_allclose(rows.sum(-1), sums, atol=1e-5)


def test_bfloat16_may_be_requested_on_every_cpu() -> None:
    (array,) = arrays((1, 3, 32, 32))
    (output,) = compile(network, EXAMPLE, device="cpu", bf16=True)(array)
    np.testing.assert_allclose(output, eager(array), atol=0.05)


def test_an_error_in_one_input_leaves_the_executor_usable(device: str) -> None:
    execute = compile(network, EXAMPLE, device=device)
    good, bad = arrays((1, 3, 16, 16), (1, 5, 16, 16))
    with pytest.raises(RuntimeError):
        execute.map([good, bad, good], len)
    np.testing.assert_allclose(execute(good)[0], eager(good), atol=1e-5)


def test_a_cached_network_is_not_built_again(tmp_path: Path) -> None:
    (array,) = arrays((1, 3, 20, 20))
    compile(network, EXAMPLE, device="cpu", cache=tmp_path / "new folder" / "net")
    (output,) = compile(refuse, EXAMPLE, device="cpu", cache=tmp_path / "new folder" / "net")(array)
    np.testing.assert_allclose(output, eager(array), atol=1e-5)


def test_a_damaged_cache_is_replaced(tmp_path: Path) -> None:
    compile(network, EXAMPLE, device="cpu", cache=tmp_path / "net")
    for file in tmp_path.rglob("*.xml"):
        file.write_text("<net")
    compile(network, EXAMPLE, device="cpu", cache=tmp_path / "net")
    compile(refuse, EXAMPLE, device="cpu", cache=tmp_path / "net")


@pytest.mark.parametrize("folder", ["file", "/proc"])
def test_a_cache_that_is_not_writable_is_not_needed(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()  # not even root can make a folder below a file, or write to /proc
    (array,) = arrays((1, 3, 16, 16))
    (output,) = compile(network, EXAMPLE, device="cpu", cache=tmp_path / folder / "net-1")(array)
    np.testing.assert_allclose(output, eager(array), atol=1e-5)


def test_concurrent_writers_leave_one_complete_file(tmp_path: Path) -> None:
    finished: list[Executor] = []
    together([lambda: finished.append(compile(network, EXAMPLE, device="cpu", cache=tmp_path / "net"))] * 4)
    assert len(finished) == 4
    assert len(list(tmp_path.iterdir())) == 1
    compile(refuse, EXAMPLE, device="cpu", cache=tmp_path / "net")


def test_concurrent_callers_get_their_own_outputs(device: str) -> None:
    execute = compile(network, EXAMPLE, device=device)
    wrong: list[int] = []

    def call(seed: int) -> Callable[[], None]:
        array = np.random.default_rng(seed).standard_normal((1, 3, 16 + seed, 16), np.float32)

        def body() -> None:
            for _ in range(5):
                outputs = execute.map([array] * 3, lambda outputs: outputs[0].copy())
                if any(not np.allclose(output, expected, atol=1e-5) for output in outputs):
                    wrong.append(seed)

        expected = eager(array)
        return body

    together([call(seed) for seed in range(4)])
    assert not wrong


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", ""])
def test_the_error_names_an_unknown_device(name: str) -> None:
    with pytest.raises(ValueError, match=r"device: .*must be auto, cpu, cpu-eager, cuda or cuda:N"):
        compile(refuse, EXAMPLE, device=name)


def test_the_error_names_a_missing_gpu() -> None:
    with pytest.raises(ValueError, match="device: 'cuda:99', but"):
        resolve_device("cuda:99")


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "90000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu.max": "nonsense"}, None),
        ({}, None),
    ],
)
def test_threads_follow_affinity_and_quota(tmp_path: Path, files: dict[str, str], limit: int | None) -> None:
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert cpu_count(tmp_path) == (limit or len(os.sched_getaffinity(0)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_cuda_outputs_are_equal_to_those_of_eager_with_and_without_a_graph() -> None:
    execute = compile(network, EXAMPLE, device="cuda")
    inputs = arrays(*SHAPES * 3)
    for array, output in zip(inputs, execute.map(inputs, lambda outputs: outputs[0].copy()), strict=True):
        np.testing.assert_allclose(output, eager(array), atol=0.02)


def together(bodies: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
