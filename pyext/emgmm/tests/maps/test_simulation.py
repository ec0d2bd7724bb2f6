"""Maps of structures."""

from __future__ import annotations

import numpy as np
import pytest
from emgmm.io.structures import read_structure
from emgmm.maps.simulate import MOLECULE, atoms_as_mixture, simulate
from emgmm.mixture import SIGMA_PER_RESOLUTION

_PDB = """\
ATOM      1  N   ALA A   1      10.000  20.000  30.000  1.00 10.00           N
ATOM      2  CA  ALA A   1      11.400  20.200  30.300  1.00 10.00           C
ATOM      3  C   ALA A   1      12.100  19.000  31.000  1.00 10.00           C
ATOM      4  O   ALA A   1      11.600  17.900  31.000  0.50 40.00           O
ATOM      5  S   MET A   2      30.000  25.000  10.000  1.00 10.00           S
END
"""


@pytest.fixture
def structure(tmp_path):
    path = tmp_path / "five.pdb"
    path.write_text(_PDB)
    return read_structure(path)


def test_atoms_as_mixture(structure):
    mixture = atoms_as_mixture(structure, 8.0)
    assert len(mixture) == 5
    # International Tables C, table 4.3.2.2, sums of a.
    np.testing.assert_allclose(mixture.weights, [2.214, 2.509, 2.509, 0.5 * 1.983, 5.16], rtol=2e-3)
    blur = (SIGMA_PER_RESOLUTION * 8) ** 2
    assert (mixture.covariances[:, 0, 0] > blur).all()
    assert (mixture.covariances[:, 0, 0] < blur + 0.6).all()
    hot = atoms_as_mixture(structure, 8.0, b_factors=True)
    extra = hot.covariances[:, 1, 1] - mixture.covariances[:, 1, 1]
    np.testing.assert_allclose(extra, structure.b_factor / (8 * np.pi**2), rtol=1e-9)


def test_map_is_the_sum_over_atoms(structure):
    made = simulate(structure, 6.0, voxel=1.5)
    density, mixture = made.density, atoms_as_mixture(structure, 6.0)
    assert made.half_maps is None and made.noise == 0
    x = structure.xyz[4]
    index = np.round(density.index(x)).astype(int)
    at = density.position(index)
    d = ((at - mixture.means) ** 2).sum(axis=1)
    s = mixture.covariances[:, 0, 0]
    expected = (mixture.weights * (2 * np.pi * s) ** -1.5 * np.exp(-d / (2 * s))).sum()
    assert density.values[tuple(index[::-1])] == pytest.approx(expected, rel=1e-5)
    total = density.values.sum(dtype=float) * 1.5**3
    assert total == pytest.approx(mixture.mass, rel=0.01)
    assert (np.mod(density.origin, 1.5) == 0).all()


def test_noise_has_the_ratio_and_the_resolution(structure):
    clean = simulate(structure, 6.0, voxel=1.5, padding=30)
    noisy = simulate(structure, 6.0, voxel=1.5, padding=30, snr=0.5, seed=3)
    noise = (noisy.density.values - clean.density.values).astype(float)
    molecule = clean.density.values > MOLECULE * clean.density.values.max()
    signal = clean.density.values[molecule].astype(float).var()
    assert signal / noise.var() == pytest.approx(0.5, rel=0.1)
    assert noisy.noise == pytest.approx(noise.std(), rel=0.05)
    # Neighbours correlate as under a Gaussian blur: exp(-h² / 4σ²).
    neighbours = (noise[:, :, 1:] * noise[:, :, :-1]).mean() / noise.var()
    expected = np.exp(-(1.5**2) / (4 * (SIGMA_PER_RESOLUTION * 6) ** 2))
    assert neighbours == pytest.approx(expected, abs=0.03)
    a, b = (m.values.astype(float) for m in noisy.half_maps)
    np.testing.assert_allclose((a + b) / 2, noisy.density.values, atol=1e-6)
    assert (a - b).std() / 2 == pytest.approx(noise.std(), rel=0.1)
    again = simulate(structure, 6.0, voxel=1.5, padding=30, snr=0.5, seed=3)
    other = simulate(structure, 6.0, voxel=1.5, padding=30, snr=0.5, seed=4)
    assert (again.density.values == noisy.density.values).all()
    assert (other.density.values != noisy.density.values).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 0}, "resolution"),
        ({"resolution": float("nan")}, "resolution"),
        ({"resolution": 8, "voxel": -1}, "voxel"),
        ({"resolution": 8, "voxel": 1e-3}, "box"),
        ({"resolution": 8, "snr": 0}, "snr"),
    ],
)
def test_bad_input(structure, arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate(structure, **arguments)
