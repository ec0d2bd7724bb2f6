"""The terms of the score of a run, as the core's sampler takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from ..config.settings import Config
from ..errors import InputError
from ..fitting.fit_error import read_component_errors
from ..mixture import Mixture
from ..representation.system import System
from .crosslinks import PSI_RANGE, PSI_STEP, SIGMA_RANGE, SIGMA_STEP, CrossLinks, crosslink_term
from .mixture_score import ScoreOptions

if TYPE_CHECKING:
    from ..posterior import Posterior


@dataclass(frozen=True)
class ParameterSpec:
    """An unknown of a term: its name in the output, its range and its largest step (0: fixed)."""

    name: str
    low: float
    high: float
    max_step: float


@dataclass(frozen=True)
class TermSpec:
    """A term of the score, its weight, and whether the annealing schedule scales it."""

    term: _core.Term
    weight: float
    annealed: bool = False
    parameters: tuple[ParameterSpec, ...] = ()


def score_options(config: Config) -> ScoreOptions:
    """The EM score that the settings ask for."""
    em = config.em
    errors = () if em.errors is None else tuple(read_component_errors(em.errors).tolist())
    return ScoreOptions(
        noise_model=em.noise_model,
        sigma_min=em.sigma_min,
        component_error=errors,
        background=em.background,
        scale=em.scale,
        single_precision=config.sampling.precision == "single",
    )


def build_terms(posterior: Posterior) -> tuple[TermSpec, ...]:
    """The terms of the score in the order of the output: em, connectivity, excluded volume, and one
    for each set of cross-links.

    Raises
    ------
    InputError
        In a file of cross-links.
    ValueError
        No term is left.
    """
    system, config = posterior.system, posterior.config
    terms = []
    if posterior.score is not None:
        own = [system.gaussians.of_body(body) for body in range(len(system.bodies))]
        em = density_term(posterior.score, own)
        terms.append(TermSpec(em, config.em.weight, annealed=True))
    if len(system.connectivity):
        terms.append(TermSpec(connectivity_term(system), 1.0))
    if system.excluded_volume is not None and system.excluded_volume.kappa > 0:
        terms.append(TermSpec(excluded_volume_term(system), 1.0))
    for section, links in zip(config.crosslinks, posterior.links, strict=True):
        if f"crosslinks_{links.label}" in [s.term.name for s in terms]:
            found = f"label {links.label!r} twice"
            raise InputError(section.file, found, "another label for each set of cross-links")
        terms.append(_crosslink_spec(system, links, section.file))
    if not terms:
        raise ValueError("nothing to score: no density, no connectivity and no excluded volume")
    return tuple(terms)


def density_term(
    score: _core.MixtureScore, bodies: Sequence[Mixture], name: str = "em"
) -> _core.Term:
    """The EM score of mixtures that move with their bodies.

    Parameters
    ----------
    score
        Of the data GMM (`make_score`).
    bodies
        The mixture of each body in its frame, empty for a body without one.
    """
    return _core.density_term(score, bodies, name)


def _crosslink_spec(system: System, links: CrossLinks, file: str) -> TermSpec:
    parameters = []
    for name, start, sampled, (low, high), step in (
        ("sigma", links.sigma, links.sigma_is_sampled, SIGMA_RANGE, SIGMA_STEP),
        ("psi", links.psi, links.psi_is_sampled, PSI_RANGE, PSI_STEP),
    ):
        if sampled and not low <= start <= high:
            raise InputError(
                file, f"{name} = {start:g}", f"{low:g} to {high:g} for a {name} that is sampled"
            )
        parameters.append(
            ParameterSpec(f"{name}_{links.label}", low, high, step if sampled else 0.0)
        )
    return TermSpec(crosslink_term(system, links), links.weight, parameters=tuple(parameters))


def connectivity_term(system: System) -> _core.Term:
    """Harmonic upper bounds along the sequence (IMP.pmi's ConnectivityRestraint)."""
    bonds = system.connectivity
    beads = system.particles[bonds.resolution]
    return _core.connectivity_term(
        len(system.bodies),
        beads.spheres(bonds.first),
        beads.spheres(bonds.second),
        np.asarray(bonds.threshold, dtype=np.float64),
        bonds.force_constant,
    )


def excluded_volume_term(system: System) -> _core.Term:
    """Soft spheres between bodies (IMP.pmi's ExcludedVolumeSphere)."""
    beads = system.nearest(system.excluded_volume.resolution)
    return _core.excluded_volume_term(
        len(system.bodies), beads.spheres(), system.excluded_volume.kappa
    )
