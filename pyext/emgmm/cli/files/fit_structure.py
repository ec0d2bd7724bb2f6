"""``emgmm fit`` of a structure."""

from __future__ import annotations

from ..options import bad_values
from .structures import structure_account


def fit_structure(
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
    """The mixture of a structure's atoms, residues or beads, written; and the account of it."""
    import time

    from ...fitting.map_fit import peak_rss_mb
    from ...forward.structure import structure_mixture
    from ...io.gmm import write_gmm
    from ...io.structures import read_structure
    from ...scoring.mixture_score import score_mixture

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
        **structure_account(structure, b_factors),
    }
