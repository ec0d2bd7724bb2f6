"""A run of ``emgmm run --engine imp``: IMP.pmi's representation and sampler with IMP.emgmm.

The work is done in a process of its own (``python -m emgmm.run_imp OUT``), under ``mpirun`` where
there are several replicas; IMP's messages go to ``OUT/imp.log``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .config import Config, dump_config, load_config
from .errors import InputError
from .io.gmm import read_gmm
from .io.topology import TopologyRow, read_topology
from .mixture import Mixture
from .poses import to_matrices
from .representation.system import System
from .sampler_setup import random_starts, scaled_data, score_options
from .sampling import placed_starts
from .scoring import with_sigma

_TABLE, _LOG = "topology_imp.txt", "imp.log"
_RESULT, _STARTS = "restart/result.json", "restart/starts.npy"
_DALTON_PER_RESIDUE = 109.0  # the paper: 1.09 kDa a component of about 10 residues


def run_imp(
    config: Config,
    out: Path,
    system: System,
    data: Mixture | None,
    *,
    resume: bool = False,
    stage: Callable[[str], None] = lambda text: None,
) -> dict:
    """Sample with IMP into a folder that has been set up, and write its ``run.json``.

    Raises
    ------
    InputError
        Several replicas are asked for and there is no mpirun or no IMP.mpi; or IMP failed, with
        its last message.
    KeyboardInterrupt
        After Ctrl-C; the folder can be resumed.
    """
    from .run import summary_report, write_summary

    command = _command(config, out, resume)
    (out / "restart").mkdir(exist_ok=True)
    if resume:
        (out / "system.toml").write_text(dump_config(config), encoding="utf-8")
    elif config.sampling.start != "asis":
        stage("placing the subunits" if config.sampling.start == "placed" else "random starts")
        np.save(out / _STARTS, _starts(config, system, data))
    stage("sampling with IMP")
    with open(out / _LOG, "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    if code != 0:
        raise InputError(out / _LOG, _last_line(out / _LOG), "a run of IMP that ends well")
    from IMP.emgmm.restart import merge_ranks

    merge_ranks(str(out), config.sampling.replicas)
    result = json.loads((out / _RESULT).read_text(encoding="utf-8"))
    frames, best = _frames(out)
    report = summary_report(config, system, data, "imp")
    report |= {key: value for key, value in result.items() if key != "rank"}
    report |= {"frames": frames, "best_score": best}
    write_summary(out, report)
    return report


def _starts(config: Config, system: System, data: Mixture | None) -> np.ndarray:
    """(replicas, bodies, 7) poses: those that the native engine starts from."""
    if config.sampling.start == "placed" and data is not None:
        return placed_starts(system, data, config)
    return random_starts(system, data, config.sampling)


def _command(config: Config, out: Path, resume: bool) -> list[str]:
    command = [sys.executable, "-m", "emgmm.run_imp", str(out)] + ["--resume"] * resume
    replicas = config.sampling.replicas
    if replicas == 1:
        return command
    from .imp_engine import find_imp

    launcher = shutil.which("mpirun")
    if launcher is None or not find_imp().mpi:
        missing = "no mpirun" if launcher is None else "no IMP.mpi"
        raise InputError(
            out,
            f"{replicas} replicas and {missing}",
            "1 replica, or mpirun and IMP.mpi",
            "sampling.replicas",
        )
    return [launcher, *_mpirun_options(launcher), "-np", str(replicas), *command]


def _mpirun_options(launcher: str) -> list[str]:
    """Open MPI refuses more processes than cores, and root, unless told."""
    version = subprocess.run([launcher, "--version"], capture_output=True, text=True, check=False)
    if "Open MPI" not in version.stdout:
        return []
    return ["--oversubscribe"] + ["--allow-run-as-root"] * (os.geteuid() == 0)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "Exception" in line]
    return (errors or lines or ["nothing"])[-1].strip()[:200]


def _frames(out: Path) -> tuple[int, float]:
    from .io.stat import read_stat

    scores = read_stat(out / "stat.0.out").column("Total_Score")
    return len(scores), float(np.min(scores)) if len(scores) else math.inf


def residues_per_gaussian(config: Config) -> int:
    """Residues a component that come nearest to the mass a component of the settings."""
    model = config.em.model
    if model.forward == "residue":
        return 1
    return max(1, round(model.dalton_per_component / _DALTON_PER_RESIDUE))


def write_table(path: Path, rows: list[TopologyRow], per_gaussian: int) -> None:
    """The rows as PMI's reader takes them: all columns in its order, absolute paths, ranges that
    start at the first residue, and Gaussians for every row (0: none)."""
    columns = (
        "molecule_name|color|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|bead_size"
        "|em_residues_per_gaussian|rigid_body|super_rigid_body|chain_of_super_rigid_bodies|"
    )
    lines = [f"|{columns}"]
    several = {row.molecule for row in rows if row.copy}
    for row in rows:
        name = f"{row.molecule}.{row.copy}" if row.molecule in several else row.molecule
        span = ""
        if row.residue_range is not None:
            first, last = row.residue_range
            # PMI slices with a negative index where a range starts before the sequence.
            span = f"{max(first, 1 - row.pdb_offset)},{last}"
        cells = [
            name,
            ",".join(f"{value:.6g}" for value in row.color),
            str(row.fasta_file),
            row.fasta_id + (f",{row.fasta_flag}" if row.fasta_flag else ""),
            str(row.pdb),
            row.chain or "",
            span,
            str(row.pdb_offset),
            str(row.bead_size),
            str(per_gaussian and (row.em_residues_per_gaussian or per_gaussian)),
            str(row.rigid_body or ""),
            ",".join(map(str, row.super_rigid_bodies)),
            ",".join(map(str, row.chains_of_super_rigid_bodies)),
        ]
        lines.append("|" + "|".join(cells) + "|")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def build_imp_system(config: Config, out: Path):
    """The ``IMP.emgmm.macros.System`` of a run's settings, and the native system of the same.

    The model GMMs are fitted by emgmm's own fit, of seconds, under the names by which PMI finds
    them in ``OUT/gmm``.
    """
    import msgspec
    from IMP.emgmm.macros import CrossLinks, build_system

    from .representation import build_system as build_native

    paths = config.system
    rows = read_topology(paths.topology, paths.pdb_dir, paths.fasta_dir, paths.gmm_dir)
    per_gaussian = residues_per_gaussian(config) if config.em is not None else 0
    table = out / f".{_TABLE}.{os.getpid()}"
    write_table(table, rows, per_gaussian)
    gmm_dir = out / "gmm"
    gmm_dir.mkdir(exist_ok=True)
    # What PMI will read back; several ranks write the same bytes.
    native = build_native(
        msgspec.structs.replace(
            config, system=msgspec.structs.replace(paths, topology=str(table), gmm_dir=None)
        ),
        gmm_dir,
    )
    em = config.em
    options = {}
    if em is not None:
        options = {
            "noise_model": em.noise_model,
            "sigma_min": em.sigma_min,
            "scale": em.scale,
            "background": em.background,
            "single_precision": config.sampling.precision == "single",
        }
        if em.errors is not None:
            data = scaled_data(read_gmm(out / "data_gmm.txt"), native.mass, em)
            sigma = with_sigma(data, score_options(config))
            options["sigma_min"] = sigma.sigma_min
            options["component_sigmas"] = sigma.component_sigma
        if em.scale_to_mass and em.map_mass:
            options["target_mass"] = em.map_mass
    sampling = config.sampling
    try:
        system = build_system(
            str(table),
            em_gmm=str(out / "data_gmm.txt") if em is not None else None,
            crosslinks=[_crosslinks(CrossLinks, section) for section in config.crosslinks],
            pdb_dir="",
            fasta_dir="",
            gmm_dir=str(gmm_dir),
            fasta_names=dict(paths.fasta_names) or None,
            resolutions=sorted(paths.resolutions),
            em_options=options,
            em_weight=em.weight if em is not None else 1.0,
            scale_to_mass=em is None or (em.scale_to_mass and em.map_mass is None),
            connectivity_scale=config.connectivity.scale,
            disordered_length=config.connectivity.disordered_length,
            excluded_volume_resolution=config.excluded_volume.resolution,
            excluded_volume_kappa=config.excluded_volume.kappa,
            max_translation=sampling.max_translation,
            max_rotation=sampling.max_rotation,
            output_dir=str(out / "restart"),
        )
    finally:
        table.unlink(missing_ok=True)
    return system, native


def set_poses(system, native: System, poses: np.ndarray) -> None:
    """Give an IMP system the poses (bodies, 7) of the native system of the same topology.

    Rigid bodies come in the same order; PMI puts the origin of a body elsewhere (it counts every
    resolution and the beads), so bodies get the motion since the input structure.
    """
    import IMP.algebra
    import IMP.core
    import IMP.pmi.tools

    bodies = native.bodies
    rotation, translation = to_matrices(poses)
    rigid = np.flatnonzero(bodies.rotatable & bodies.movable)
    for b, imp_body in zip(rigid, system.dof.get_rigid_bodies(), strict=True):
        turn = rotation[b] @ bodies.rotation[b].T
        shift = translation[b] - turn @ bodies.translation[b]
        motion = IMP.algebra.Transformation3D(
            IMP.algebra.get_rotation_from_matrix(*turn.ravel()), IMP.algebra.Vector3D(*shift)
        )
        frame = imp_body.get_reference_frame().get_transformation_to()
        imp_body.set_reference_frame(IMP.algebra.ReferenceFrame3D(motion * frame))
    system.model.update()
    beads = {name: b for b, name in enumerate(bodies.names) if not bodies.rotatable[b]}
    for bead in system.dof.get_flexible_beads():
        residues = IMP.pmi.tools.get_residue_indexes(bead)
        molecule = IMP.pmi.tools.get_molecules(bead)[0]
        copy = IMP.atom.Copy(molecule).get_copy_index()
        name = f"{molecule.get_name()}.{copy}:{residues[0]}-{residues[-1]}"
        xyz = IMP.algebra.Vector3D(*translation[beads[name]])
        if IMP.core.NonRigidMember.get_is_setup(bead):
            member = IMP.core.NonRigidMember(bead)
            frame = member.get_rigid_body().get_reference_frame()
            member.set_internal_coordinates(frame.get_local_coordinates(xyz))
        else:
            IMP.core.XYZ(bead).set_coordinates(xyz)
    system.model.update()


def _crosslinks(kind, section):
    return kind(
        file=section.file,
        label=section.label or Path(section.file).stem,
        protein1=section.protein1,
        residue1=section.residue1,
        protein2=section.protein2,
        residue2=section.residue2,
        id=section.id,
        score=section.score,
        length=section.length,
        slope=section.slope,
        resolution=section.resolution,
        sigma=section.sigma,
        psi=section.psi,
        sigma_is_sampled=section.sigma_is_sampled,
        psi_is_sampled=section.psi_is_sampled,
        weight=section.weight,
    )


def main() -> None:
    """One process of a run: builds the system and samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    config = load_config(out / "system.toml")

    from IMP.emgmm.sampling import Annealing, get_replica_exchange, sample

    system, native = build_imp_system(config, out)
    sampling = config.sampling
    annealing = sampling.annealing
    exchange = get_replica_exchange()
    going_on = arguments.resume and (out / "restart" / "0.npz").is_file()
    if not going_on and (out / _STARTS).is_file():
        set_poses(system, native, np.load(out / _STARTS)[exchange.get_my_index()])
    result = sample(
        system,
        str(out),
        steps=sampling.steps,
        frame_interval=sampling.frame_interval,
        exchange_interval=sampling.exchange_interval,
        temperature_min=sampling.temperature_min,
        temperature_max=sampling.temperature_max,
        annealing=Annealing(annealing.low_weight, sampling.low_steps, annealing.high_steps),
        start="asis",
        seed=sampling.seed,
        global_moves=sampling.global_moves,
        restart=going_on,
        exchange=exchange,
    )
    if result["rank"] == 0:
        (out / _RESULT).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
