"""Energies and derivatives that PLUMED's EMMI prints, from our forward model and noise models."""

import numpy as np
import pytest
from emgmm import _core
from emgmm.forward.atoms import atom_gaussians
from emgmm.io.gmm import read_gmm
from emgmm.io.structures import read_structure
from emgmm.scoring.mixture_score import ScoreOptions, make_score, score_mixture

KT = 0.0083144621 * 300  # kJ/mol, PLUMED's constant
RESOLUTION = 1.0  # Å
SIGMA_MIN, SIGMA_0 = 0.01, 0.2  # of the median of ov_DD
NEIGHBOUR_CUTOFF = 1e-3  # share of the overlap that the neighbour list may leave out
# Noise model here, sigma in units of the median of ov_DD, energy in kJ/mol. GAUSS is the one whose
# seventh digit stands on the edge of rounding.
CASES = [
    ("gauss", "gaussian", SIGMA_0, 45.275881, 6e-7),
    ("marginal", "gaussian_local", SIGMA_MIN, -191.405787, 5e-7),
    ("outliers", "outliers", SIGMA_0, -206.303402, 5e-7),
]


@pytest.fixture(scope="module")
def emmi(shared_data):
    """(folder, data GMM, model GMM, pair overlaps (n, N_D), their u = S⁻¹ d (n, N_D, 3)) in nm."""
    folder = shared_data / "gmm" / "plumed_emmi"
    structure = read_structure(folder / "structure.pdb")
    group = (folder / "index.ndx").read_text().split("[ Protein-H ]")[1].split("[")[0]
    atoms = structure.select(np.array(group.split(), dtype=int) - 1)
    # The file leaves the element column empty; PLUMED too goes by the first letter of the name.
    atoms = type(atoms)(
        **{**vars(atoms), "element": np.array([n.lstrip("0123456789")[0] for n in atoms.atom_name])}
    )
    data = read_gmm(folder / "data_gmm.dat")
    model = atom_gaussians(atoms, RESOLUTION, mass=data.mass)
    overlap, u = pair_overlaps(model, data)
    return folder, data, model, overlap, u


def pair_overlaps(a, b):
    """Eq. 10 by numpy, in nm as EMMI: (len(a), len(b)) and (len(a), len(b), 3)."""
    s = (a.covariances[:, None] + b.covariances[None]) / 100
    d = (a.means[:, None] - b.means[None]) / 10
    u = np.linalg.solve(s, d[..., None])[..., 0]
    weights = a.weights[:, None] * b.weights[None]
    density = np.exp(-0.5 * (d * u).sum(-1)) / np.sqrt(np.linalg.det(2 * np.pi * s))
    return weights * density, u


def in_neighbour_list(overlap):
    """EMMI's list: the least overlaps of a component go while their sum is below the cutoff."""
    kept = np.ones_like(overlap, dtype=bool)
    order = np.argsort(overlap, axis=0)
    for k, column in enumerate(order.T):
        small = np.cumsum(overlap[column, k]) < NEIGHBOUR_CUTOFF * overlap[:, k].sum()
        kept[column[small], k] = False
    return kept


@pytest.mark.parametrize(("file", "noise_model", "sigma", "energy", "tolerance"), CASES)
def test_printed_energies_and_derivatives(emmi, file, noise_model, sigma, energy, tolerance):
    folder, data, _, overlap, u = emmi
    overlap = np.where(in_neighbour_list(overlap), overlap, 0.0)
    model_overlaps = overlap.sum(axis=0)
    data_overlaps = pair_overlaps(data, data)[0].sum(axis=0)
    sigma *= np.median(data_overlaps)
    score, slopes = _core.noise_score(
        np.log(model_overlaps / data_overlaps).tolist(),
        data_overlaps.tolist(),
        noise_model,
        component_sigma=[sigma] * len(data),
    )
    # EMMI samples sigma and keeps its normalisation and prior where we drop constants.
    constant = 0.0 if noise_model == "gaussian_local" else (len(data) + 1) * np.log(sigma)
    assert KT * (score + constant) == pytest.approx(energy, rel=0, abs=tolerance)
    found = -KT * np.einsum("k,ik,ikx->ix", slopes / model_overlaps, overlap, u).ravel()
    printed = np.loadtxt(folder / f"derivatives_{file}.txt")[: found.size, 2]
    np.testing.assert_allclose(found, printed, rtol=0, atol=5.1e-5)  # four decimals


@pytest.mark.parametrize(("noise_model", "sigma"), [c[1:3] for c in CASES])
def test_core_without_neighbour_list(emmi, noise_model, sigma):
    """The same score from the core's own overlaps, in Å and with all pairs."""
    _, data, model, overlap, u = emmi
    data_overlaps = pair_overlaps(data, data)[0].sum(axis=0)
    sigma = [sigma * np.median(data_overlaps)] * len(data)
    expected, slopes = _core.noise_score(
        np.log(overlap.sum(axis=0) / data_overlaps).tolist(),
        data_overlaps.tolist(),
        noise_model,
        component_sigma=sigma,
    )
    # Overlaps are per volume: 1 / nm³ = 1e-3 / Å³.
    options = ScoreOptions(noise_model, component_sigma=tuple(1e-3 * s for s in sigma))
    shift = len(data) * np.log(1e-3) if noise_model == "gaussian_local" else 0.0
    assert score_mixture(data, model, options).score == pytest.approx(expected + shift, rel=1e-9)
    by_means = make_score(data, options).gradient(model)[1]
    # kT/nm to kT/Å
    reference = -np.einsum("k,ik,ikx->ix", slopes / overlap.sum(axis=0), overlap, u) / 10
    np.testing.assert_allclose(by_means, reference, rtol=0, atol=1e-9 * np.abs(reference).max())


def test_blurred_to_the_resolution(emmi):
    model = emmi[2]
    assert len(model) == 602
    # Of EMMI's own table at 1 Å: no blur, B / 2π².
    assert np.unique(model.covariances[:, 0, 0].round(6)).tolist() == pytest.approx(
        sorted(b / (2 * np.pi**2) for b in (15.146, 11.1116, 8.59722, 15.8952)), abs=1e-6
    )


def test_atoms_of_a_complex(shared_data):
    structure = read_structure(shared_data / "complexes" / "2hle.pdb.gz")
    model = atom_gaussians(structure, 8.0)
    heavy = structure.element != "H"
    assert model.mass == pytest.approx(structure.atom_mass()[heavy].sum())
    # The variance at which the Fourier transform falls to 1/e at 1 / resolution.
    assert model.covariances[:, 0, 0].mean() == pytest.approx(64 / (2 * np.pi**2), rel=1e-3)
    with pytest.raises(ValueError, match=r"resolution.*-3"):
        atom_gaussians(structure, -3.0)
