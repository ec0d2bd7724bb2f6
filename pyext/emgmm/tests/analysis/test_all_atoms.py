"""The best model as a file: every atom of the input structures, under its own names."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
from emgmm.analysis.all_atoms import write_all_atoms
from emgmm.io.structures import read_structure
from emgmm.poses import to_matrices
from emgmm.sampling.alternatives import from_input
from toy_pdb import atom, peptide
from toy_system import random_poses, toy_system


def test_every_atom_under_its_own_name(tmp_path):
    """Numbers with an offset, an insertion code, a modified residue, an alternate location, a
    hydrogen, a ligand, and two copies of one chain."""
    residues = ["GLY"] * 11 + ["MSE"]
    lines = peptide(residues, "K", first=101).splitlines(keepends=True)
    lines[4 * 5 + 1] = atom("CA", "GLY", "K", 106, (20.0, 0, 0), altloc="A", occupancy="  0.60")
    lines.insert(
        4 * 5 + 2, atom("CA", "GLY", "K", 106, (20.3, 0, 0), altloc="B", occupancy="  0.40")
    )
    lines.insert(45, atom("HA2", "GLY", "K", 111, (39.0, 1.0, 0), element="H"))
    lines.append(atom("O5", "NAG", "K", 301, (12.0, 4.0, 0), record="HETATM"))
    (tmp_path / "one.pdb").write_text("".join(lines) + "END\n")
    (tmp_path / "two.pdb").write_text(peptide(["ALA"] * 12, "L", first=1) + "END\n")
    system = toy_system(("A", "B", "B"), residues=12, tail=2)
    one, two = str(tmp_path / "one.pdb"), str(tmp_path / "two.pdb")
    files = [
        {"pdb": one, "pdb_chain": "K", "pdb_offset": -100},
        *[{"pdb": two, "pdb_chain": "L"}] * 2,
    ]
    fragments = [replace(f, **files[f.molecule]) if f.structured else f for f in system.fragments]
    system = replace(system, fragments=tuple(fragments))
    poses = random_poses(system, np.random.default_rng(2))
    path = tmp_path / "best.cif"
    path.write_text("an earlier one")
    write_all_atoms(path, system, poses, "title")
    model = gemmi.read_structure(str(path))[0]
    assert [c.name for c in model] == ["K", "L", "L2"]
    assert [r.seqid.num for r in model["K"]][:12] == list(range(101, 113))
    assert [r.name for r in model["K"]] == [*residues, "NAG"]
    given = read_structure(one)
    written = read_structure(path)
    written = written.select(written.chain == "K")
    key = ["atom_name", "residue_name", "residue_number", "altloc", "element"]
    for column in key:
        assert getattr(given, column).tolist() == getattr(written, column).tolist(), column
    np.testing.assert_allclose(written.occupancy, given.occupancy)
    np.testing.assert_allclose(written.b_factor, given.b_factor)
    body = int(system.finest.body[system.finest.fragment == 0][0])
    rotation, translation = to_matrices(from_input(system, poses)[body])
    np.testing.assert_allclose(written.xyz, given.xyz @ rotation.T + translation, atol=1e-3)
    copies = [np.array([a.pos.tolist() for r in model[c] for a in r]) for c in ("L", "L2")]
    assert copies[0].shape == (48, 3) and np.abs(copies[0] - copies[1]).max() > 5
