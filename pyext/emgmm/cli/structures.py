"""What ``emgmm simulate`` and ``emgmm score`` do with files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..io.files import first_bytes, opened
from ..io.gmm import read_gmm
from ..io.streams import STANDARD, is_stream
from ..mixture import Mixture
from .options import bad_values

if TYPE_CHECKING:
    from ..io.structures import Structure

_STRUCTURES = (".pdb", ".ent", ".cif", ".mmcif", ".pdbx")
# Of other files that a command takes in the same place.
_OTHERS = (".mrc", ".map", ".ccp4", ".mrcs", ".rec", ".gmm", ".txt", ".dat")


def is_structure(path: str) -> bool:
    """Whether a file is a structure: by its ending where that says something, else by how it
    begins."""
    from ..io.structures import begins_as_structure

    if path == STANDARD or is_stream(path):
        return begins_as_structure(first_bytes(path, "a map or a structure", 1 << 16))
    suffix = Path(path.removesuffix(".gz")).suffix.lower()
    if suffix in _STRUCTURES or suffix in _OTHERS or not Path(path).is_file():
        return suffix in _STRUCTURES
    with opened(path, "a map, a mixture or a structure") as file:
        return begins_as_structure(file.read(1 << 16))


def _account(structure: Structure, b_factors: bool = False) -> dict:
    """What the JSON of a command says of a structure that it read."""
    account = structure.account
    notes = list(account.notes)
    if b_factors and account.b_column == "plddt":
        notes.append(
            f"{account.name}: the B column looks like the confidence of a prediction (pLDDT), not "
            "B factors: --b-factors does not use it"
        )
    elif b_factors and not structure.b_factor.any():
        notes.append(f"{account.name}: all B factors are 0")
    return {"atoms": account.report(), "b_column": account.b_column, "notes": notes}


def structure_command(
    model: str,
    output: str,
    components: int | None,
    unit: str,
    electrons: bool,
    b_factors: bool,
    resolution: float | None,
    seed: int,
    threads: int,
    force: bool,
    keep: tuple[str, ...] = (),
) -> dict:
    """``emgmm fit`` of a structure: the mixture of its atoms, residues or beads."""
    import time

    from ..fitting.map_fit import peak_rss_mb
    from ..forward.structure import structure_mixture
    from ..io.gmm import write_gmm
    from ..io.structures import read_structure
    from ..scoring.mixture_score import score_mixture

    start = time.monotonic()
    structure = read_structure(model, keep=keep)
    options = {"unit": unit, "electrons": electrons, "b_factors": b_factors}
    options |= {"resolution": resolution, "seed": seed, "threads": threads}
    with bad_values(model):
        units = structure_mixture(structure, **options)
        mixture = (
            units if components is None else structure_mixture(structure, components, **options)
        )
        cc = score_mixture(units, mixture).cc
    write_gmm(output, mixture, data_fn=model, comments=[f"unit: {unit}"], force=force)
    seconds = time.monotonic() - start
    return {
        "components": len(mixture),
        "cc": cc,
        "levels": [{"components": len(mixture), "cc": cc, "seconds": seconds}],
        "voxels": 0,
        "threshold": None,
        "unit": unit,
        "units": len(units),
        "mass": mixture.mass,
        "seconds": seconds,
        "peak_rss_mb": peak_rss_mb(),
        **_account(structure, b_factors),
    }


def simulate_command(
    model: str,
    output: str,
    resolution: float,
    voxel: float | None,
    snr: float | None,
    seed: int,
    half_maps: bool,
    threads: int,
    force: bool,
    keep: tuple[str, ...] = (),
) -> dict:
    """``emgmm simulate``: the map of a structure, and half maps."""
    from ..io.maps import write_map
    from ..io.structures import read_structure
    from ..maps.simulate import simulate

    paths = simulated_files(output, half_maps)
    structure = read_structure(model, keep=keep)
    with bad_values("emgmm simulate"):
        made = simulate(structure, resolution, voxel=voxel, snr=snr, seed=seed, threads=threads)
    densities = [made.density, *(made.half_maps or ())]
    for path, density in zip(paths, densities, strict=False):
        write_map(path, density, force)
    return {
        "resolution": resolution,
        "shape": list(made.density.shape),
        "voxel": made.density.voxel.tolist(),
        "origin": made.density.origin.tolist(),
        "threshold": made.threshold,
        "noise": made.noise,
        "files": paths,
        "mass": structure.account.mass,
        **_account(structure),
    }


def simulated_files(output: str, half_maps: bool) -> list[str]:
    """The maps that ``emgmm simulate`` writes.

    Raises
    ------
    InputError
        Half maps beside a stream, which has no name to take theirs from.
    """
    if not half_maps:
        return [output]
    if is_stream(output):
        raise InputError(output, "a stream", "the name of a file, for --half-maps", "-o")
    stem, suffix = _split_suffix(Path(output))
    return [output, *(str(stem.with_name(f"{stem.name}_half{i}{suffix}")) for i in (1, 2))]


def _split_suffix(path: Path) -> tuple[Path, str]:
    """``map.mrc.gz`` as ``map`` and ``.mrc.gz``."""
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    return path.with_name(path.name.removesuffix(suffix)), suffix


def score_command(
    gmm: str,
    model: str,
    noise_model: str,
    sigma_min: float,
    scale: str,
    dalton_per_component: float,
    threads: int,
    errors: str | None = None,
    background: float = 0.0,
    keep: tuple[str, ...] = (),
) -> dict:
    """``emgmm score``: numbers of one model against a data mixture.

    ``sigma`` is the most probable one of the whole map, ``component_sigma`` that of each component
    (`emgmm.scoring.ScoreResult` tells the units).
    """
    from ..fitting.fit_error import read_component_errors
    from ..scoring.mixture_score import ScoreOptions, score_mixture

    data = read_gmm(gmm)
    placed, account = _model_mixture(model, dalton_per_component, threads, keep)
    error = () if errors is None else tuple(read_component_errors(errors, len(data)).tolist())
    options = ScoreOptions(
        noise_model=noise_model,
        sigma_min=sigma_min,
        component_error=error,
        background=background,
        scale=scale,
        threads=threads,
    )
    with bad_values("emgmm score"):
        result = score_mixture(data.scaled_to(placed.mass), placed, options)
    return {
        "score": result.score,
        "cc": result.cc,
        "sigma": result.sigma,
        "component_sigma": result.component_sigma.tolist(),
        "noise_model": noise_model,
        "model_components": len(placed),
        "mass": placed.mass,
        "components": [
            {"log_ratio": float(x), "sigma": float(sigma)}
            for x, sigma in zip(result.log_ratios, result.component_sigma, strict=True)
        ],
        **account,
    }


def _model_mixture(
    path: str, dalton_per_component: float, threads: int, keep: tuple[str, ...]
) -> tuple[Mixture, dict]:
    """A model as Gaussians, a mixture as it stands or a structure chain by chain; and what became
    of the atoms."""
    if not is_structure(path):
        return read_gmm(path), {"notes": []}
    from ..forward.structure import chain_mixture
    from ..io.structures import read_structure

    structure = read_structure(path, keep=keep)
    if not dalton_per_component > 0:
        raise InputError("--dalton-per-component", f"{dalton_per_component:g}", "more than 0")
    with bad_values(path):
        mixture = chain_mixture(structure, dalton_per_component, threads=threads)
    return mixture, _account(structure)
