"""The files that grow during a run: frames as RMF3, their scores as PMI's stat files."""

from __future__ import annotations

import os
from pathlib import Path

from .. import __version__
from ..errors import InputError
from ..io.rmf import RmfWriter
from ..io.rmf.system import system_tree
from ..io.stat import StatWriter
from ..posterior import Posterior
from ..sampling.records import Frames
from .names import REPLICA_STAT, RMF, STAT

# The sampler's names of the terms -> keys of PMI's stat files.
TERM_KEYS = {
    "em": "GaussianEMRestraint_em",
    "connectivity": "ConnectivityRestraint_Score",
    "excluded_volume": "ExcludedVolumeSphere_Score",
}
CC_KEY, SIGMA_KEY = "GaussianEMRestraint_em_CCC", "GaussianEMRestraint_sigma_em"
_REPLICA_KEYS = ("ReplicaExchange_CurrentTemp", "Replica", "score", "MonteCarlo_Nframe")


def term_key(term: str) -> str:
    """Key of a term in a stat file; PMI's where PMI has the term."""
    kind, _, label = term.partition("_")
    if kind == "crosslinks":
        return f"CrossLinkingMassSpectrometryRestraint_Data_Score_{label}"
    return TERM_KEYS.get(term, term)


class Outputs:
    """Stat files and trajectory of a run, written together, one frame at a time.

    Parameters
    ----------
    folder
        Output folder; ``rmfs`` is there.
    offsets
        Lengths to cut the files to before going on (a checkpoint's); None for new files.
    """

    def __init__(
        self,
        folder: Path,
        posterior: Posterior,
        offsets: dict[str, int] | None,
    ) -> None:
        self._folder = folder
        self._system = system = posterior.system
        self._score = posterior.score
        self._temperature = posterior.config.sampling.temperature_min
        specs = posterior.terms
        features = [term_key(spec.term.name) for spec in specs]
        parameters = [p.name for spec in specs for p in spec.parameters]
        self._tree = system_tree(
            system, features, stat_keys=("Total_Score",), folder=folder / "rmfs"
        )
        em_keys = [CC_KEY, SIGMA_KEY] if self._score is not None else []
        stat_keys = [
            "Total_Score",
            *features,
            *em_keys,
            *parameters,
            "MonteCarlo_Temperature",
            "MonteCarlo_Nframe",
            "rmf_file",
            "rmf_frame_index",
        ]
        paths = {name: folder / name for name in (STAT, REPLICA_STAT, RMF)}
        if offsets is None:
            versions = {"emgmm": __version__}
            self._stat = StatWriter(paths[STAT], stat_keys, versions, force=True)
            self._replicas = StatWriter(paths[REPLICA_STAT], _REPLICA_KEYS, versions, force=True)
            self._rmf = RmfWriter(
                paths[RMF], self._tree.root, self._tree.frame_keys, "emgmm run", force=True
            )
        else:
            missing = [name for name in paths if name not in offsets]
            if missing:
                found = f"a checkpoint without the length of {missing[0]}"
                raise InputError(folder, found, "the checkpoint of this run")
            self._stat = StatWriter.resume(paths[STAT], offsets[STAT])
            self._replicas = StatWriter.resume(paths[REPLICA_STAT], offsets[REPLICA_STAT])
            self._rmf = RmfWriter.resume(
                paths[RMF], offsets[RMF], self._tree.root, self._tree.frame_keys
            )

    def write(self, frames: Frames) -> None:
        """Append frames; they can be read by others when this returns."""
        for i in range(len(frames)):
            self._write_frame(frames, i)
        for writer in (self._rmf, self._stat, self._replicas):
            writer.flush()

    def _write_frame(self, frames: Frames, i: int) -> None:
        poses = frames.poses[i]
        scores = {
            term_key(n): float(s) for n, s in zip(frames.terms, frames.scores[i], strict=True)
        }
        values: dict[str, object] = {"Total_Score": float(frames.totals[i]), **scores}
        index = self._rmf.write_frame(self._tree.frame_values(poses, values))
        if self._score is not None:
            placed = self._system.gaussians.placed(poses)
            values[CC_KEY] = self._score.cross_correlation(placed)
            values[SIGMA_KEY] = self._score.sigma_estimate(self._score.log_ratios(placed))
        values |= zip(frames.parameter_names, frames.parameters[i].tolist(), strict=True)
        values |= {
            "MonteCarlo_Temperature": self._temperature,
            "MonteCarlo_Nframe": int(frames.steps[i]),
            "rmf_file": RMF,
            "rmf_frame_index": index,
        }
        self._stat.write(values)
        self._replicas.write(
            {
                "ReplicaExchange_CurrentTemp": self._temperature,
                "Replica": int(frames.replicas[i]),
                "score": float(frames.totals[i]),
                "MonteCarlo_Nframe": int(frames.steps[i]),
            }
        )

    def offsets(self) -> dict[str, int]:
        """Lengths of the files in bytes, all of it on the disk."""
        sizes = {
            STAT: self._stat.byte_size(),
            REPLICA_STAT: self._replicas.byte_size(),
            RMF: self._rmf.byte_size(),
        }
        for name in sizes:
            descriptor = os.open(self._folder / name, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return sizes

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in (self._rmf, self._stat, self._replicas):
            writer.close()
