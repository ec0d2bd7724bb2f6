"""``emgmm fit`` with its extra outputs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import numpy as np
import pytest
from command_line import emgmm
from emgmm.fitting import measure
from emgmm.io.gmm import read_gmm, read_gmm_file
from emgmm.io.maps import DensityMap, read_map, write_map
from emgmm.maps.rasterize import rasterize
from emgmm.maps.simulate import band_limited_noise
from emgmm.mixture import Mixture


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """A map of ten Gaussians with noise, and its half maps."""
    folder = tmp_path_factory.mktemp("maps")
    random = np.random.default_rng(5)
    true = Mixture(
        random.uniform(20, 60, (10, 3)),
        np.broadcast_to(16.0 * np.eye(3), (10, 3, 3)),
        random.uniform(500, 1500, 10),
    )
    clean = rasterize(true, DensityMap(np.zeros((40, 40, 40), np.float32), 2.0, [3.0, -4.0, 5.0]))
    scale = np.float32(0.04 * clean.values.max())
    halves = [clean.values + scale * band_limited_noise(random, clean, 2.0) for _ in range(2)]
    for name, values in (("a", halves[0]), ("b", halves[1]), ("map", sum(halves) / 2)):
        write_map(folder / f"{name}.mrc", DensityMap(values, clean.voxel, clean.origin))
    return folder


def run(*arguments) -> tuple[int, str]:
    result = emgmm("fit", *map(str, arguments))
    return result.returncode, result.stdout + result.stderr


@pytest.mark.slow
def test_everything_is_written_and_agrees(maps, tmp_path):
    names = {n: tmp_path / n for n in ("o.txt", "e.csv", "r.mrc", "p.png", "levels", "j.json")}
    status, output = run(
        maps / "map.mrc", "-o", names["o.txt"], "--threshold", 0.3, "--components", 20,
        "--half-maps", maps / "a.mrc", maps / "b.mrc", "--errors", names["e.csv"],
        "--raster", names["r.mrc"], "--plot", names["p.png"], "--levels", names["levels"],
        "--report", names["j.json"],
    )  # fmt: skip
    assert status == 0, output
    report = json.loads(names["j.json"].read_text())
    assert report["components"] == 20 and report["free"] == []
    density, mixture = read_map(maps / "map.mrc"), read_gmm(names["o.txt"])
    assert measure(density, mixture, 0.3).cc == pytest.approx(report["cc"], abs=1e-5)
    table = np.genfromtxt(names["e.csv"], delimiter=",", names=True)
    assert len(table) == 20 and (table["noise"] > 0).all()
    assert report["sigma_min"] == pytest.approx(np.sqrt(np.mean(table["total"] ** 2)), rel=1e-4)
    raster = read_map(names["r.mrc"])
    np.testing.assert_allclose(raster.origin, density.origin, atol=1e-4)
    inside = density.values > 0.3
    assert np.corrcoef(raster.values[inside], density.values[inside])[0, 1] > 0.9
    levels = sorted(int(p.stem) for p in names["levels"].iterdir())
    assert levels == [v["components"] for v in report["levels"]]
    assert names["p.png"].stat().st_size > 1000
    comments = read_gmm_file(names["o.txt"]).comments
    assert comments["data_fn"].endswith("map.mrc") and comments["threshold"] == "0.3"
    assert comments["fitted_by"].startswith("emgmm ") and comments["seed"] == "0"
    status, output = run(maps / "map.mrc", "-o", tmp_path / "x.txt", "--components", 2,
                         "--levels", names["levels"])  # fmt: skip
    assert status == 2 and "in use" in output


def test_half_maps_choose_the_number(maps, tmp_path):
    status, output = run(
        maps / "map.mrc", "-o", tmp_path / "o.txt", "--threshold", 0.3, "--resolution", 6,
        "--half-maps", maps / "a.mrc", maps / "b.mrc", "--report", tmp_path / "j.json",
    )  # fmt: skip
    assert status == 0, output
    report = json.loads((tmp_path / "j.json").read_text())
    free = [v["cc_free"] for v in report["free"]]
    assert len(free) > 4 and report["components"] in (8, 16, 32)
    assert len(read_gmm(tmp_path / "o.txt")) == report["components"]


def test_without_number_or_half_maps_the_volume_decides(maps, tmp_path):
    status, output = run(maps / "map.mrc", "-o", tmp_path / "o.txt", "--threshold", 0.3,
                         "--report", tmp_path / "j.json")  # fmt: skip
    assert status == 0, output
    report = json.loads((tmp_path / "j.json").read_text())
    assert report["components"] == max(1, round(report["voxels"] * 8 / 11**3))


def test_bad_requests(maps, tmp_path):
    status, output = run(maps / "map.mrc", "-o", tmp_path / "o.txt", "--components", 2,
                         "--target-cc", 0.9)  # fmt: skip
    assert status == 2 and "not both" in output
    status, output = run(maps / "map.mrc", "-o", tmp_path / "o.txt", "--components", 2,
                         "--threshold", 1e9)  # fmt: skip
    assert status == 2 and "maximum" in output
    status, output = run(maps / "map.mrc", "-o", tmp_path / "o.txt", "--components", 2,
                         "--errors", tmp_path / "o.txt")  # fmt: skip
    assert status == 2 and "two outputs" in output
    assert not (tmp_path / "o.txt").exists()


def test_progress_on_a_terminal_and_silence_in_a_pipe(maps, tmp_path):
    arguments = ["fit", maps / "map.mrc", "-o", tmp_path / "o.txt", "--threshold", 0.3]
    arguments += ["--components", 200, "--force"]
    piped = emgmm(*map(str, arguments))
    assert piped.returncode == 0 and piped.stderr == ""
    ours, theirs = pty.openpty()
    code = "from emgmm.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 4096):
                shown += block
        except OSError:  # how Linux says that the other end is closed
            pass
        assert process.wait() == 0
    os.close(ours)
    text = shown.decode()
    assert "Gaussians" in text and "left" in text
