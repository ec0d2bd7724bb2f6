"""Systems whose true arrangement is known, each with its map: inputs of truth.py."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
from complexes import SHARED, native_mixture, prepare_complex
from emgmm.io.maps import write_map
from emgmm.io.structures import read_structure
from emgmm.maps.simulate import simulate
from emgmm.poses import composed, superpose, to_poses
from emgmm.posterior import Posterior
from emgmm.search.starts import input_poses
from emgmm.search.symmetric import symmetric_search

RINGS = {"S6": (488, 526), "S5": (425, 457)}  # of TRPML1: residues that line the pore, and behind


@dataclass(frozen=True)
class Case:
    """One system: ``prepare`` writes its inputs into a folder, ``truth`` knows the poses."""

    prepare: Callable[[Path], None]
    em: dict[str, object]  # of [em], paths in the folder
    truth: Callable[[Path, Posterior], np.ndarray]  # (bodies, 7)
    extra: str = ""  # other sections of system.toml
    near: float = 2.5  # Å, rms over the residues: poses as near as this are the truth
    # Known by its topology alone, and taken to the best correlation with the map there.
    is_rough: bool = False


def unpacked(source: Path, target: Path) -> None:
    with gzip.open(source) as packed, target.open("wb") as plain:
        shutil.copyfileobj(packed, plain)


def as_given(folder: Path, posterior: Posterior) -> np.ndarray:
    """The structures lie in the map already."""
    poses = input_poses(posterior.system)
    return poses if posterior.symmetry is None else posterior.symmetry.symmetric(poses)


def complex_in_map(name: str, resolution: float, snr: float | None = None) -> Case:
    """A complex of the paper's in a simulated map."""

    def prepare(folder: Path) -> None:
        prepare_complex(SHARED / "complexes" / f"{name}.pdb.gz", folder)
        structure = read_structure(folder / "complex.pdb")
        made = simulate(structure, resolution, snr=snr, seed=1)
        write_map(folder / "map.mrc", made.density, force=True)

    return Case(prepare, {"map": "map.mrc", "resolution": resolution}, as_given)


def complex_in_mixture(name: str) -> Case:
    """The paper's setting: the data are a mixture of the native structure."""

    def prepare(folder: Path) -> None:
        prepare_complex(SHARED / "complexes" / f"{name}.pdb.gz", folder)
        native_mixture(folder)

    return Case(prepare, {"gmm": "data_gmm.txt"}, as_given)


def _simulated_by_imp(name: str, file: str, resolution: float) -> Case:
    def prepare(folder: Path) -> None:
        prepare_complex(SHARED / "complexes" / f"{name}.pdb.gz", folder)
        unpacked(SHARED / "maps" / file, folder / "map.mrc")

    return Case(prepare, {"map": "map.mrc", "resolution": resolution}, as_given)


def _adk(folder: Path) -> None:
    for file in (SHARED / "systems" / "adk").iterdir():
        shutil.copy(file, folder / file.name)
    source = SHARED / "flexible" / "adk"
    unpacked(source / "4ake_t_s2.mrc.gz", folder / "map.mrc")
    for name in ("1ake_s", "4ake_t"):
        structure = gemmi.read_structure(str(source / f"{name}.pdb.gz"))
        structure[0][0].name = "A"
        structure.write_pdb(str(folder / f"{name}.pdb"))


def _adk_truth(folder: Path, posterior: Posterior) -> np.ndarray:
    """Each rigid part of the closed form on the open one."""
    beads = posterior.system.finest
    chain = gemmi.read_structure(str(folder / "4ake_t.pdb"))[0][0]
    closed = gemmi.read_structure(str(folder / "1ake_s.pdb"))[0][0]
    alpha = [{r.seqid.num: r.find_atom("CA", "*").pos.tolist() for r in c} for c in (closed, chain)]
    poses = input_poses(posterior.system)
    system = posterior.system
    for body in range(len(system.bodies)):
        residues = beads.first[beads.body == body]
        own, target = (np.array([a[r] for r in residues]) for a in alpha)
        motion = to_poses(*superpose(own, target))
        poses[body] = composed(motion, system.bodies.poses[body])
    return poses


def _trpml1(folder: Path) -> None:
    source = SHARED / "systems" / "trpml1"
    for name in ("seq.fasta", "topology.txt"):
        shutil.copy(source / name, folder / name)
    rows = (folder / "topology.txt").read_text().splitlines()
    folded = [row for row in rows if "|BEADS|" not in row]
    (folder / "topology.txt").write_text("\n".join(folded) + "\n")
    unpacked(SHARED / "maps" / "emd_6824_trpml1.mrc.gz", folder / "map.mrc")
    unpacked(SHARED / "maps" / "emd_6824_Q99J21_af.pdb.gz", folder / "Q99J21.pdb")


def ring_distances(posterior: Posterior, poses: np.ndarray) -> dict[str, float]:
    """Å from the symmetry's axis to the centres of the segments of `RINGS` of the first copy."""
    from emgmm.symmetry import symmetry_axes

    beads = posterior.system.finest
    positions = beads.positions(poses)
    center, axis, _ = symmetry_axes(posterior.config.symmetry, posterior.data)
    result = {}
    for name, (first, last) in RINGS.items():
        own = (beads.molecule == 0) & (beads.first >= first) & (beads.last <= last)
        offset = positions[own].mean(axis=0) - center
        result[name] = float(np.linalg.norm(offset - offset @ axis * axis))
    return result


def _trpml1_truth(folder: Path, posterior: Posterior) -> np.ndarray:
    """Of the arrangements that a search finds, the best that is right side out."""
    found = symmetric_search(
        posterior.system, posterior.data, posterior.options, posterior.symmetry, solutions=60
    )
    for poses in found:
        ring = ring_distances(posterior, poses)
        if ring["S6"] < 15 and 15 < ring["S5"] < 26:
            return poses
    raise ValueError("the search found no arrangement with the pore at the axis")


def _groel(folder: Path) -> None:
    prepare_complex(SHARED / "maps" / "emd_1080_1oel_14mer_fitted.pdb.gz", folder)
    unpacked(SHARED / "maps" / "emd_1080_groel.mrc.gz", folder / "map.mrc")


CASES = {
    "adk": Case(_adk, {"map": "map.mrc", "resolution": 9.0}, _adk_truth),
    "1z5s_8": complex_in_map("1z5s", 8.0),
    "1z5s_8_noise": complex_in_map("1z5s", 8.0, snr=2.0),
    "3sfd_15": _simulated_by_imp("3sfd", "sim_3sfd_15.mrc.gz", 15.0),
    "1clv_11": complex_in_map("1clv", 11.0),
    "1clv_paper": complex_in_mixture("1clv"),
    "1z5s_paper": complex_in_mixture("1z5s"),
    "trpml1": Case(
        _trpml1,
        {"map": "map.mrc", "resolution": 5.8, "threshold": 2.0},
        _trpml1_truth,
        '[symmetry]\ngroup = "C4"\n',
        near=6.0,
        is_rough=True,
    ),
    "groel": Case(
        _groel, {"map": "map.mrc", "resolution": 11.5}, as_given, '[symmetry]\ngroup = "D7"\n'
    ),
}
