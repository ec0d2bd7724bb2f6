"""Copies that follow the first one in IMP as in the native engine."""

from __future__ import annotations

import json
from pathlib import Path

import gemmi
import numpy as np
import pytest
from command_line import COMPLEX, assert_refused, emgmm
from emgmm.config import load_config
from emgmm.io.gmm import read_gmm, write_gmm
from emgmm.io.rmf import read_rmf
from emgmm.poses import to_matrices
from emgmm.posterior import Posterior
from emgmm.search.starts import random_starts
from emgmm.symmetry import find_symmetry, operations, symmetry_axes

pytest.importorskip("IMP.emgmm", reason="needs IMP.emgmm, which cannot be imported")

from emgmm.imp.system import build_imp_system, set_poses, write_axes

TAIL = "GSGSGSGSGSGS"  # of which no structure is known


@pytest.fixture
def ring(native_gmm, tmp_path) -> Path:
    """Settings of three copies of a subunit, each read in a frame of its own."""
    structure = gemmi.read_structure(str(COMPLEX))
    chain = structure[0]["B"]
    polymer = chain.get_polymer()
    sequence = gemmi.one_letter_code([residue.name for residue in polymer])
    (tmp_path / "s.fasta").write_text(f">B2M\n{sequence}{TAIL}\n")
    for i, residue in enumerate(polymer):
        residue.seqid = gemmi.SeqId(i + 1, " ")
    rows = (COMPLEX.parent / "topology.txt").read_text().splitlines()[:1]
    generator = np.random.default_rng(3)
    for k in range(3):
        moved = gemmi.Structure()
        moved.add_model(gemmi.Model(1))
        moved[0].add_chain(chain)
        turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
        turn *= np.sign(np.linalg.det(turn))
        moved[0].transform_pos_and_adp(gemmi.Transform(gemmi.Mat33(turn), gemmi.Vec3(30 * k, 5, 9)))
        moved.write_pdb(str(tmp_path / f"b{k}.pdb"))
        name = "B2M" if k == 0 else f"B2M.{k}"
        rows.append(f"|{name}|gray|s.fasta|B2M|b{k}.pdb|B|1,END|0|10|0|{k + 1}|||")
    (tmp_path / "topology.txt").write_text("\n".join(rows) + "\n")
    path = tmp_path / "system.toml"
    path.write_text(
        f'[system]\ntopology = "topology.txt"\n[em]\ngmm = "{native_gmm}"\n'
        '[symmetry]\ngroup = "C3"\naxis = [1.0, 2.0, 3.0]\ncenter = [40.0, 30.0, 20.0]\n'
        "[sampling]\nstart = 'random'\nreplicas = 1\nsteps = 400\nframe_interval = 20\n"
        "moves = {swaps = 0.1, turns = 0.1}\nseed = 3\nthreads = 1\n"
    )
    return path


def test_both_engines_score_symmetric_poses_alike(ring, tmp_path):
    """The images follow the first copy alone: nobody tells IMP where they are."""
    config = load_config(ring)
    data = read_gmm(config.em.gmm)
    out = tmp_path / "out"
    (out / "gmm").mkdir(parents=True)
    (out / "restart").mkdir()
    write_gmm(out / "data_gmm.txt", data)
    write_axes(config, out, data)
    system, native = build_imp_system(config, out)
    assert len(system.dof.get_movers()) == 1 + 2  # a body, two beads
    symmetry = find_symmetry(native, data, config)
    (em,) = [s.term for s in Posterior.of_run(config, native, data).terms if s.term.name == "em"]
    poses = symmetry.symmetric(random_starts(native, data, config.sampling)[0])
    only_first = poses.copy()
    only_first[symmetry.image, 4:] += 77
    set_poses(system, native, only_first)
    assert system.em.evaluate() == pytest.approx(em.evaluate(poses), rel=1e-6)


def test_run_and_resume(ring, tmp_path):
    out = tmp_path / "out"
    told = emgmm("run", ring, "-o", out, "--engine", "imp")
    assert told.returncode == 0, told.stderr
    told = emgmm("run", ring, "-o", out, "--resume", "--steps", 600)
    assert told.returncode == 0, told.stderr
    acceptance = json.loads((out / "run.json").read_text())["acceptance"]
    assert any(name.startswith("turn ") for name in acceptance)
    assert not any(name.startswith("swap ") for name in acceptance), "of images"
    config = load_config(ring)
    axes = symmetry_axes(config.symmetry, None)
    placed = to_matrices(operations(config.symmetry.group, *axes))
    xyz = read_rmf(out / "rmfs" / "0.rmf3").coordinates().astype(float)
    assert len(xyz) == 30
    copies = np.split(xyz, 3, axis=1)
    for k, (turn, shift) in enumerate(zip(*placed, strict=True)):
        np.testing.assert_allclose(copies[k], copies[0] @ turn.T + shift, atol=0.01)
    assert np.ptp(copies[0], axis=0).max() > 1
    assert emgmm("analyze", out).returncode == 0


def test_too_few_copies_are_refused(ring, tmp_path):
    ring.write_text(ring.read_text().replace("C3", "C4"))
    told = emgmm("run", ring, "-o", tmp_path / "out", "--engine", "imp")
    assert_refused(told, "[symmetry]", "4 copies")
