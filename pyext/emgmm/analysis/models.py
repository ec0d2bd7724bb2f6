"""The models of a finished run, whichever engine made them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..config.settings import Config
from ..errors import InputError
from ..io.gmm import read_gmm
from ..io.rmf import RmfFile, read_rmf
from ..io.stat import read_stat
from ..mixture import Mixture
from ..poses import superpose, to_poses
from ..posterior import Posterior
from ..representation import build_system
from ..representation.system import Particles, System
from ..runs.folder import own_settings
from .copies import Group, groups_of_copies

SCORE = "Total_Score"


@dataclass(frozen=True, repr=False)
class RunModels:
    """Models that a run left in its folder, and what they are of.

    Attributes
    ----------
    folder, posterior
        The output folder, and the problem of the run in it.
    rmf
        The trajectory.
    frames
        (m,) frames of the trajectory, in order of time.
    scores
        (m,) total score of each, kT.
    present
        Indices of the finest particles that the trajectory holds: all, but PMI leaves out flexible
        beads of some rows with an offset.
    """

    folder: Path
    posterior: Posterior
    rmf: RmfFile
    frames: np.ndarray
    scores: np.ndarray
    present: np.ndarray
    _order: np.ndarray  # leaf of the trajectory for each of them

    @property
    def config(self) -> Config:
        """The settings of the run."""
        return self.posterior.config

    @property
    def system(self) -> System:
        """System that the settings describe."""
        return self.posterior.system

    @cached_property
    def particles(self) -> Particles:
        """Particles that coordinates are of: the finest that are present."""
        return self.system.finest.chosen(self.present)

    def __repr__(self) -> str:
        return f"Run in {self.folder}: {len(self.scores)} models of {len(self.subunits())} subunits"

    def coordinates(self, frames: np.ndarray | None = None) -> np.ndarray:
        """(m, n, 3) Å: the particles in these frames, in the order asked for; None: all frames."""
        frames = self.frames if frames is None else frames
        leaves = self.rmf.leaves(self.system.finest.resolution)
        return self.rmf.coordinates(frames, leaves)[:, self._order]

    def poses(self, coordinates: np.ndarray) -> np.ndarray:
        """(bodies, 7) poses of one model (n, 3) Å.

        NaN for a flexible bead that is not present.
        """
        finest = np.full((len(self.system.finest), 3), np.nan)
        finest[self.present] = coordinates
        return fit_poses(self.system, finest)

    def body_poses(self, frames: np.ndarray | None = None) -> np.ndarray:
        """(m, bodies, 7): quaternion w x y z and translation (Å) of each body in these frames, of
        all for None. NaN for a flexible bead that is not present."""
        return np.array([self.poses(xyz) for xyz in self.coordinates(frames)])

    def clusters(self) -> list[np.ndarray]:
        """Frames of each cluster of the analysis, the one with the best score first.

        Raises
        ------
        InputError
            There is no analysis yet (`emgmm.analyze`), or a broken one.
        """
        path = self.folder / "analysis.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))["clusters"]
            return [np.array(cluster["frames"], dtype=np.int64) for cluster in found]
        except FileNotFoundError:
            raise InputError(path, "no such file", "the analysis of the run") from None
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(path, f"no analysis ({error})", "a file of emgmm analyze") from None

    def gaussians(self, poses: np.ndarray) -> Mixture:
        """The model GMM of the bodies whose pose is known (`poses`)."""
        gaussians = self.system.gaussians
        known = np.isfinite(poses).all(axis=1)
        somewhere = np.where(known[:, None], poses, [1.0, 0, 0, 0, 0, 0, 0])
        return gaussians.placed(somewhere)[known[gaussians.body]]

    def subunits(self) -> list[str]:
        """A name for each molecule (`System.subunits`)."""
        return self.system.subunits()

    def copies(self) -> list[Group]:
        """Interchangeable molecules: rows of indices of the finest particles.

        Copies that are not represented alike cannot take each other's place and are left out.
        """
        return groups_of_copies(self.system, self.particles)


def open_run(folder: str | os.PathLike, posterior: Posterior | None = None) -> RunModels:
    """The models in an output folder.

    Parameters
    ----------
    posterior
        The problem of the run where it is known; else it is read from the folder.

    Raises
    ------
    InputError
        A file of the run is missing or broken, or the trajectory is of another system.

    Examples
    --------
    >>> import emgmm
    >>> ensemble = emgmm.open_run("out")
    >>> ensemble.scores.shape
    (20,)
    >>> ensemble.body_poses().shape
    (20, 9, 7)
    >>> ensemble.coordinates().shape[0] == 20
    True
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, "no such folder", "the output folder of a run")
    posterior = posterior or _own_problem(folder)
    system = posterior.system
    stat = read_stat(folder / "stat.0.out")
    rmf = read_rmf(folder / "rmfs" / "0.rmf3")
    scores = stat.column(SCORE)
    key = "rmf_frame_index"
    frames = stat.column(key).astype(int) if key in stat else np.arange(len(stat))
    there = (frames < rmf.frames) & np.isfinite(scores)  # a run that was killed may lack the last
    if not there.any():
        raise InputError(rmf.path, "no frame", "at least one frame with a score")
    order = _leaf_order(rmf, system)
    # PMI has beads of its own in rows with an offset; a run of ours has those of its system.
    if not (folder / "restart").is_dir():
        _refuse_other_beads(rmf, system, order)
    present = np.flatnonzero(order >= 0)
    kept = order[present]
    return RunModels(folder, posterior, rmf, frames[there], scores[there], present, kept)


def _own_problem(folder: Path) -> Posterior:
    config, own = own_settings(folder), folder / "gmm"
    system = build_system(config, own if own.is_dir() else None)
    return Posterior.of_run(config, system, _data(folder, config))


def _data(folder: Path, config: Config) -> Mixture | None:
    """The data GMM of a run before it is scaled; None for a run without a map."""
    path = folder / "data_gmm.txt"
    if config.em is None or not (path.is_file() or config.em.gmm):
        return None
    return read_gmm(path if path.is_file() else config.em.gmm)


def _leaf_order(rmf: RmfFile, system: System) -> np.ndarray:
    """The leaf of each finest particle; -1 for a flexible bead that is not there."""
    particles = system.finest
    leaves = rmf.leaves(particles.resolution)
    found = {
        key: i
        for i, key in enumerate(
            zip(
                leaves.molecule.tolist(),
                leaves.copy.tolist(),
                leaves.first.tolist(),
                leaves.last.tolist(),
                strict=True,
            )
        )
    }
    order = []
    for molecule, fragment, first, last in zip(
        particles.molecule.tolist(),
        particles.fragment.tolist(),
        particles.first.tolist(),
        particles.last.tolist(),
        strict=True,
    ):
        of = system.molecules[molecule]
        index = found.get((of.name, of.copy, first, last), -1)
        if index < 0 and system.fragments[fragment].structured:
            raise InputError(rmf.path, f"no bead {of.label}:{first}-{last}", "that of system.toml")
        order.append(index)
    return np.array(order)


def _refuse_other_beads(rmf: RmfFile, system: System, order: np.ndarray) -> None:
    leaves = rmf.leaves(system.finest.resolution)
    others = np.setdiff1d(np.arange(len(leaves.first)), order)
    if len(others):
        one = others[0]
        bead = f"{leaves.molecule[one]}.{leaves.copy[one]}"
        found = f"the bead {bead}:{leaves.first[one]}-{leaves.last[one]}"
        raise InputError(
            rmf.path, found, "those of system.toml: its files are not those of the run"
        )


def fit_poses(system: System, coordinates: np.ndarray) -> np.ndarray:
    """(bodies, 7) pose of each body that its finest particles say.

    Particles that are NaN do not count. A body without enough of them (one for a bead, three for
    a body that turns) has a pose of NaN.
    """
    bodies, particles = system.bodies, system.finest
    poses = np.full((len(bodies), 7), np.nan)
    known = np.isfinite(coordinates).all(axis=1)
    for body in range(len(bodies)):
        members = np.flatnonzero((particles.body == body) & known)
        if not len(members):
            continue
        local, found = particles.local[members], coordinates[members]
        if bodies.rotatable[body] and len(members) > 2:
            poses[body] = to_poses(*superpose(local, found))
        elif not bodies.rotatable[body] or (particles.body == body).sum() < 3:
            poses[body] = [1, 0, 0, 0, *(found - local).mean(axis=0)]
    return poses
