"""The data GMM of a run: read, or fitted to the map."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ..config.settings import Config, EmConfig
from ..errors import InputError
from ..fitting.detail import fit_detail, most_components
from ..fitting.fit_error import read_component_errors
from ..fitting.map_fit import FitResult, fit_map
from ..io.gmm import data_path, read_gmm, read_gmm_file, write_gmm
from ..io.maps import DensityMap, read_map
from ..maps.contour import dust_volume, structured_mass, threshold_of_mass
from ..mixture import Mixture
from ..representation import System

_NOTES = "map_notes"  # comment of the data GMM


def write_data(
    config: Config, system: System, path: Path, stage: Callable[[str], None]
) -> Mixture | None:
    """Writes the data GMM that the settings name or whose map they name, as it is before it is
    scaled to the mass of the model, and returns it; nothing without [em].

    Raises
    ------
    InputError
        A file that cannot be used, or a map that cannot be fitted.
    """
    em = config.em
    if em is None:
        return None
    if em.gmm is not None:
        data = read_gmm(em.gmm)
        if em.errors is not None:
            read_component_errors(em.errors, len(data))
        write_gmm(path, data, data_fn=data_path(em.gmm))
        return data
    stage(f"fitting Gaussians to {Path(em.map).name}")
    density = read_map(em.map)
    mass = em.map_mass or structured_mass(system)
    try:
        fitted = _fitted(density, em, mass, config.sampling.threads)
    except ValueError as error:
        found = "; ".join([str(error), *density.notes])
        raise InputError(em.map, found, "a map that can be fitted", "[em]") from error
    notes = [f"{Path(em.map).name}: {note}" for note in density.notes]
    comments = [f"{_NOTES}: {json.dumps(notes)}"] if notes else []
    write_gmm(path, fitted.mixture, data_fn=em.map, comments=comments)
    return fitted.mixture


def map_notes(path: Path) -> list[str]:
    """Sentences noted of the map when `write_data` fitted it."""
    if not path.is_file():
        return []
    text = read_gmm_file(path).comments.get(_NOTES, "[]")
    try:
        return [str(note) for note in json.loads(text)]
    except (ValueError, TypeError):
        raise InputError(path, text[:60], "a list of notes", _NOTES) from None


def _fitted(density: DensityMap, em: EmConfig, mass: float, threads: int) -> FitResult:
    threshold = threshold_of_mass(density, mass) if em.threshold is None else em.threshold
    dust = dust_volume(em.model.component_mass, em.resolution) if em.dust is None else em.dust
    by_mass = max(1, round(mass / em.model.component_mass))
    if em.components in (None, "map") and em.target_cc is None:
        most = most_components(density, threshold, em.resolution)
        return fit_detail(
            density, threshold=threshold, least=by_mass, most=most, dust=dust, threads=threads
        ).fitted
    components = by_mass if em.components == "paper" else em.components
    return fit_map(
        density,
        components=components,
        target_cc=em.target_cc,
        threshold=threshold,
        dust=dust,
        threads=threads,
        levels=False,
    )
