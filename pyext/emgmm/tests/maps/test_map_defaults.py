"""Contour level and components where the settings of a run do not say."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from command_line import COMPLEX, TOPOLOGY
from emgmm import _core
from emgmm.config.settings import PROTEIN_VOLUME, Config, EmConfig, SystemConfig
from emgmm.io.gmm import read_gmm
from emgmm.io.maps import DensityMap, write_map
from emgmm.io.structures import read_structure
from emgmm.maps.contour import structured_mass, threshold_of_mass
from emgmm.maps.dust import without_dust
from emgmm.maps.simulate import simulate_map
from emgmm.posterior import Posterior
from emgmm.runs.folder import load_output
from emgmm.runs.run import run
from toy_system import toy_system


def test_the_level_encloses_the_volume_of_the_mass():
    random = np.random.default_rng(1)
    density = DensityMap(random.random((20, 21, 22), np.float32), np.full(3, 2.0), np.zeros(3))
    level = threshold_of_mass(density, 5000.0)
    assert (density.values > level).sum() == round(5000 * PROTEIN_VOLUME / 8)


@pytest.mark.parametrize(("mass", "told"), [(1e7, "cannot hold"), (1.0, "cannot hold")])
def test_a_mass_that_no_box_holds(mass, told):
    density = DensityMap(np.ones((9, 9, 9), np.float32), np.full(3, 2.0), np.zeros(3))
    with pytest.raises(ValueError, match=told):
        threshold_of_mass(density, mass)


def test_a_map_that_holds_less():
    values = np.zeros((9, 9, 9), np.float32)
    values[4, 4, 4] = 1.0
    with pytest.raises(ValueError, match="the map holds less"):
        threshold_of_mass(DensityMap(values, np.full(3, 2.0), np.zeros(3)), 1000.0)


def test_noise_hardly_moves_it():
    """Otsu's level of the same maps encloses 1.1 (8 Å) to 1.4 (15 Å) times the volume."""
    structure = read_structure(COMPLEX)
    mass = float(structure.mass.sum())
    for resolution in (8.0, 15.0):
        clean, noisy = (simulate_map(structure, resolution, snr=snr) for snr in (None, 5.0))
        wanted, found = threshold_of_mass(clean, mass), threshold_of_mass(noisy, mass)
        assert found == pytest.approx(wanted, rel=0.05)


def test_small_islands_are_dust():
    values = np.zeros((9, 10, 11), np.float32)
    values[1:4, 1:5, 1:6] = 2.0  # 60 voxels
    values[6, 7, 8] = values[6, 7, 9] = 3.0  # two, that share a face
    values[7, 8, 9] = 3.0  # one, that shares a corner with them
    sizes = _core.island_sizes(values > 1)
    assert sizes[2, 2, 2] == 60 and sizes[6, 7, 8] == 2 and sizes[7, 8, 9] == 1
    assert (sizes == 0).sum() == values.size - 63
    density = DensityMap(values, np.array([1.0, 2.0, 3.0]), np.zeros(3))
    left = without_dust(density, 1.0, 12.0).values  # two voxels
    assert left[7, 8, 9] == 0 and left[6, 7, 8] == 3
    assert (without_dust(density, 1.0, 12.1).values > 1).sum() == 60
    assert (without_dust(density, 1.0, 1e6).values > 1).sum() == 60
    assert without_dust(density, 1.0, 0.0) is density


def test_islands_as_scipy_labels_them():
    ndimage = pytest.importorskip("scipy.ndimage")
    mask = np.random.default_rng(1).random((20, 21, 22)) < 0.3
    labels, _ = ndimage.label(mask)
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    assert (_core.island_sizes(mask) == counts[labels]).all()


def test_noise_makes_no_gaussians_away_from_the_molecule(with_map, tmp_path):
    """At this level the noise of the map has islands of its own."""
    structure = read_structure(COMPLEX)
    noisy = simulate_map(structure, 10.0, snr=1.0)
    write_map(tmp_path / "map.mrc", noisy, force=True)
    for name, dust in (("kept", "dust = 0.0"), ("left", "")):
        run(with_map(f"resolution = 10.0\n{dust}"), tmp_path / name)

    def farthest(name):
        means = read_gmm(tmp_path / name / "data_gmm.txt").means
        away = np.linalg.norm(means[:, None] - structure.xyz[None], axis=2)
        return away.min(axis=1).max()

    assert farthest("kept") > 12 > farthest("left")


def test_flexible_beads_are_not_in_the_map():
    system = toy_system(residues=40, tail=6)
    assert structured_mass(system) == pytest.approx(3 * 40 * 110.0)
    assert structured_mass(system) < system.mass


def test_beads_have_no_share_of_a_map():
    system = toy_system(residues=40, tail=6)
    data = system.gaussians.mixture
    for em, mass in (
        (EmConfig(gmm="g"), system.mass),
        (EmConfig(map="m"), structured_mass(system)),
        (EmConfig(map="m", map_mass=5e4), 5e4),
        (EmConfig(gmm="g", map_mass=5e4), 5e4),
        (EmConfig(map="m", scale_to_mass=False), data.mass),
    ):
        config = Config(system=SystemConfig(topology="t"), em=em)
        assert Posterior.of_run(config, system, data).data.mass == pytest.approx(mass)


@pytest.fixture
def with_map(tmp_path):
    for name in ("mhc", "b2m", "tcra", "tcrb"):
        shutil.copy(COMPLEX, tmp_path / f"{name}.pdb.gz")
    write_map(tmp_path / "map.mrc", simulate_map(read_structure(COMPLEX), 10.0, snr=5.0))

    def _settings(more):
        path = tmp_path / "system.toml"
        path.write_text(
            f'[system]\ntopology = "{TOPOLOGY}"\npdb_dir = "."\n[em]\nmap = "map.mrc"\n{more}\n'
            "[sampling]\nstart = 'asis'\nreplicas = 1\nsteps = 100\nthreads = 1\n"
        )
        return path

    return _settings


def test_a_run_needs_only_the_map_and_its_resolution(with_map, tmp_path):
    run(with_map("resolution = 10.0"), tmp_path / "out", engine="auto")
    data = read_gmm(tmp_path / "out" / "data_gmm.txt")
    system = load_output(tmp_path / "out").system
    assert len(data) == round(structured_mass(system) / (0.7 * 10**3 / PROTEIN_VOLUME))
    # From the settings that the run left behind comes the same blurred model.
    least = np.linalg.eigvalsh(system.gaussians.mixture.covariances).min()
    assert least >= (0.225 * 10) ** 2
