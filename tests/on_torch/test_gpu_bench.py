"""What the measurements on a device rest on."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs torch: pip install "dynlens[torch]"')
pytest.importorskip("array_api_compat", reason='needs array-api-compat: "dynlens[torch]"')

import dynlens as dl  # noqa: E402
from dynlens.bench.device import autograd_loop  # noqa: E402
from dynlens.bench.gpu import main  # noqa: E402
from dynlens.bench.problems import PROBLEMS  # noqa: E402
from dynlens.dynamics.on_torch.loop import Place, descend  # noqa: E402
from dynlens.dynamics.on_torch.problem import moved  # noqa: E402
from dynlens.dynamics.on_torch.work import work_of  # noqa: E402

DEVICES = ["cpu"]
if torch.cuda.is_available():
    DEVICES.append(pytest.param("cuda", marks=pytest.mark.gpu))
DEVICE = pytest.mark.parametrize("device", DEVICES)


@DEVICE
@pytest.mark.parametrize("name", ["B2", "B3"])
def test_the_autograd_loop_takes_the_same_steps(name, device):
    problem, _ = PROBLEMS[name].make()
    place = Place.of(device, "float64")
    there = moved(problem, place.device, place.dtype)
    final = autograd_loop(problem, there, place, 3)(20).cpu().numpy()
    starts = np.stack([problem.init(0.05, seed=seed) for seed in range(3)])
    ours = descend(problem, starts, 1e-3, marks=np.array([20]), device=device).final
    assert np.abs(final - ours).max() < 1e-14


def test_the_products_of_a_step_are_counted():
    problem = dl.Problem(dl.DeepLinear((2, 3, 4)), dl.SquaredLoss(), dl.Full(np.ones((4, 2))))
    place = Place.of("cpu", "float64")
    there = moved(problem, place.device, place.dtype)
    loop = place.loop(there, np.ones((5, 18)), 0.01, -np.inf, np.zeros((5, 0)), "plain")
    work = work_of(loop.step)
    # The product of the two layers, and one for the gradient of each; five runs.
    assert work.flops == 5 * 3 * 2 * (4 * 3 * 2)
    assert work.bytes > 5 * 3 * 8 * 18


@pytest.mark.slow
def test_the_script_prints_its_tables(capsys):
    small = ["--largest", "4", "--seconds", "0.01", "--roof", "64", "--problems", "B2"]
    assert main(["--device", "cpu", "--no-tests", *small]) == 0
    text = capsys.readouterr().out
    assert text.count("SUPPORTED") == 8
    assert text.count("hierarchical") == 1
    assert text.count("B2") == 2
