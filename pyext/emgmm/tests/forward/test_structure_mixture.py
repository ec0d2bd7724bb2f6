"""Mixtures of structures: atoms, residues, beads, and fits to them."""

from __future__ import annotations

import json

import gemmi
import numpy as np
import pytest
from command_line import COMPLEX, assert_refused, emgmm
from emgmm.forward.structure import chain_mixture, structure_mixture
from emgmm.io.gmm import read_gmm
from emgmm.io.structures import read_structure
from emgmm.mixture import SIGMA_PER_RESOLUTION


@pytest.fixture(scope="module")
def structure():
    return read_structure(COMPLEX)


def test_atoms_have_the_width_of_their_scattering_factor_and_b_factor(structure):
    plain = structure_mixture(structure, unit="atom")
    assert len(plain) == len(structure)
    np.testing.assert_allclose(plain.means, structure.xyz, rtol=1e-12)
    np.testing.assert_allclose(plain.weights, structure.mass * structure.occupancy)
    factor = gemmi.Element("C").c4322
    a, b = np.array(factor.a), np.array(factor.b)
    carbon = structure.element == "C"
    own = a @ b / a.sum() / (8 * np.pi**2)
    expected = np.broadcast_to(own * np.eye(3), (carbon.sum(), 3, 3))
    np.testing.assert_allclose(plain.covariances[carbon], expected, atol=1e-12)
    hot = structure_mixture(structure, unit="atom", b_factors=True, resolution=5.0)
    more = structure.b_factor / (8 * np.pi**2) + (SIGMA_PER_RESOLUTION * 5) ** 2
    np.testing.assert_allclose(hot.covariances[:, 1, 1], plain.covariances[:, 1, 1] + more)
    bright = structure_mixture(structure, unit="atom", electrons=True)
    assert bright.mass == pytest.approx(plain.mass)
    oxygen = structure.element == "O"
    f = {e: sum(gemmi.Element(e).c4322.a) for e in "CO"}
    ratio = bright.weights[oxygen][0] / bright.weights[carbon][0]
    assert ratio == pytest.approx(f["O"] / f["C"])


def test_chains_have_their_own_components(structure):
    mixture = chain_mixture(structure, 1500.0)
    first = 0
    for chain in dict.fromkeys(structure.chain.tolist()):
        mass = structure.mass[structure.chain == chain]
        last = first + max(1, round(mass.sum() / 1500))
        own = mixture.weights[first:last]
        assert own.sum() == pytest.approx(mass.sum())
        center = mass @ structure.xyz[structure.chain == chain] / mass.sum()
        np.testing.assert_allclose(own @ mixture.means[first:last] / own.sum(), center, atol=1e-6)
        first = last
    assert first == len(mixture)


@pytest.mark.parametrize(("unit", "size"), [("residue", 1), ("bead", 7)])
def test_residues_and_beads_keep_the_moments(structure, unit, size):
    mixture = structure_mixture(structure, unit=unit, residues_per_bead=7)
    expected = 0
    for chain in dict.fromkeys(structure.chain.tolist()):
        own = structure.chain == chain
        keys = set(zip(structure.residue_number[own], structure.insertion_code[own], strict=True))
        expected += -(-len(keys) // size)
    assert len(mixture) == expected
    atoms = structure_mixture(structure, unit="atom")
    for m in (mixture, structure_mixture(structure, 30, unit=unit, residues_per_bead=7)):
        assert m.mass == pytest.approx(atoms.mass)
        np.testing.assert_allclose(m.center, atoms.center, atol=1e-6)

    def spread(m):
        d = m.means - m.center
        total = np.einsum("n,nij->ij", m.weights, m.covariances + d[:, :, None] * d[:, None])
        return total / m.mass

    np.testing.assert_allclose(spread(mixture), spread(atoms), rtol=1e-9, atol=1e-9)


def test_first_residue_is_the_gaussian_of_its_atoms(structure):
    own = (structure.chain == structure.chain[0]) & (
        structure.residue_number == structure.residue_number[0]
    )
    weight = (structure.mass * structure.occupancy)[own]
    mean = weight @ structure.xyz[own] / weight.sum()
    mixture = structure_mixture(structure, unit="residue")
    np.testing.assert_allclose(mixture.means[0], mean)
    assert mixture.weights[0] == pytest.approx(weight.sum())


def test_bad_values(structure):
    for options, words in (
        ({"unit": "domain"}, "unit must be one of atom, residue, bead, got 'domain'"),
        ({"unit": "bead", "residues_per_bead": 0}, "at least 1, got 0"),
        ({"resolution": -1.0}, "resolution must be positive"),
        ({"components": 10**6}, "components must be between 1"),
    ):
        with pytest.raises(ValueError, match=words):
            structure_mixture(structure, **options)


@pytest.mark.slow
def test_command_line(tmp_path):
    out, report = tmp_path / "gmm.txt", tmp_path / "report.json"
    arguments = ["fit", COMPLEX, "-o", out, "--components", 25, "--unit", "atom", "--electrons"]
    result = emgmm(*arguments, "--resolution", 8, "--report", report)
    assert result.returncode == 0, result.stderr
    told = json.loads(report.read_text())
    assert told["components"] == len(read_gmm(out)) == 25
    assert told["unit"] == "atom" and told["cc"] > 0.8 and told["threshold"] is None
    assert_refused(emgmm(*arguments), "gmm.txt", "--force")
    assert_refused(emgmm("fit", COMPLEX, "-o", out, "--force", "--target-cc", 0.9), "--target-cc")
    assert_refused(emgmm("fit", "a.mrc", "-o", out, "--force", "--b-factors"), "--b-factors")
