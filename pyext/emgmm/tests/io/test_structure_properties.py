"""Structures made at random: PDB and mmCIF say the same, and every atom is accounted for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from emgmm.io.structures import read_structure
from few_examples import few
from hypothesis import given
from hypothesis import strategies as st

MASS = {"N": 14.0067, "C": 12.0107, "O": 15.9994, "ZN": 65.409}
BACKBONE = {"N": "N", "CA": "C", "C": "C", "O": "O"}


class Atom(NamedTuple):
    record: str
    name: str
    element: str
    altloc: str
    residue: str
    chain: str
    number: int
    xyz: tuple[float, float, float]
    occupancy: float
    b_factor: float


coordinates = st.integers(-99_999, 99_999).map(lambda n: n / 1000)
places = st.tuples(coordinates, coordinates, coordinates)


@st.composite
def chains(draw, name):
    """A peptide, some of its atoms in two places."""
    first = draw(st.integers(-20, 900))
    atoms = []
    for number in range(first, first + draw(st.integers(1, 4))):
        residue = draw(st.sampled_from(("ALA", "GLY", "SER", "LYS", "MSE")))
        record = "HETATM" if residue == "MSE" else "ATOM"
        share = draw(st.sampled_from((None, None, 0.3, 0.5)))
        for atom, element in BACKBONE.items():
            ways = (("", 1.0),) if share is None else (("A", share), ("B", round(1 - share, 2)))
            for altloc, occupancy in ways:
                b_factor = draw(st.integers(0, 9999)) / 100
                atoms.append(
                    Atom(record, atom, element, altloc, residue, name, number, draw(places),
                         occupancy, b_factor)
                )  # fmt: skip
    return atoms


@st.composite
def structures(draw):
    names = draw(st.lists(st.sampled_from("ABXz1"), min_size=1, max_size=2, unique=True))
    atoms = [atom for name in names for atom in draw(chains(name))]
    if draw(st.booleans()):
        atoms.append(Atom("HETATM", "ZN", "ZN", "", "ZN", names[0], 1500, draw(places), 1.0, 20.0))
    waters = draw(st.integers(0, 3))
    atoms += [
        Atom("HETATM", "O", "O", "", "HOH", names[0], 2000 + i, draw(places), 1.0, 30.0)
        for i in range(waters)
    ]
    return atoms, waters


def as_pdb(atoms) -> str:
    lines = [
        f"{a.record:6}{serial:5d} {a.name if len(a.element) == 2 else ' ' + a.name:4}{a.altloc:1}"
        f"{a.residue:>3} {a.chain}{a.number:4d}    "
        + "".join(f"{x:8.3f}" for x in a.xyz)
        + f"{a.occupancy:6.2f}{a.b_factor:6.2f}          {a.element:>2}"
        for serial, a in enumerate(atoms, 1)
    ]
    return "\n".join([*lines, "END", ""])


def as_mmcif(atoms) -> str:
    keys = (
        "group_PDB id type_symbol label_atom_id label_alt_id label_comp_id auth_asym_id"
        " auth_seq_id Cartn_x Cartn_y Cartn_z occupancy B_iso_or_equiv"
    )
    lines = [
        f"{a.record} {serial} {a.element} {a.name} {a.altloc or '.'} {a.residue} {a.chain}"
        f" {a.number} {a.xyz[0]} {a.xyz[1]} {a.xyz[2]} {a.occupancy} {a.b_factor}"
        for serial, a in enumerate(atoms, 1)
    ]
    return "data_x\nloop_\n" + "\n".join([*(f"_atom_site.{k}" for k in keys.split()), *lines, ""])


@few
@given(made=structures())
def test_every_atom_is_accounted_for_in_both_formats(tmp_path, made):
    atoms, waters = made
    for name, text in (("a.pdb", as_pdb(atoms)), ("a.cif", as_mmcif(atoms))):
        (tmp_path / name).write_text(text)
        found = read_structure(tmp_path / name)
        used = [atom for atom in atoms if atom.residue != "HOH"]
        assert found.account.read == len(atoms)
        assert found.account.used == len(found) == len(used)
        assert sum(found.account.left_out.values()) == waters
        mass = sum(MASS[atom.element] * atom.occupancy for atom in used)
        assert found.account.mass == pytest.approx(mass, rel=1e-6)
        assert found.atom_mass().sum() == pytest.approx(mass, rel=1e-6)
        for field, own in (("chain", "chain"), ("residue_number", "number"), ("altloc", "altloc"),
                           ("residue_name", "residue"), ("atom_name", "name"),
                           ("element", "element"), ("occupancy", "occupancy")):  # fmt: skip
            assert sorted(getattr(found, field)) == sorted(getattr(atom, own) for atom in used)
        order = np.lexsort(found.xyz.T)
        expected = np.array([atom.xyz for atom in used])
        np.testing.assert_allclose(found.xyz[order], expected[np.lexsort(expected.T)], atol=1e-6)
        polymer = {(a.chain, a.number) for a in used if a.residue != "ZN"}
        assert len(found.central_atoms()) == len(polymer)
