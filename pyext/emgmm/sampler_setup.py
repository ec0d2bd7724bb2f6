"""From a system and its settings to what the core's sampler takes: terms, movers, starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import _core
from .coarse_moves import coarse_mover
from .config import Config, EmConfig, SamplingConfig
from .crosslinks import (
    PSI_RANGE,
    PSI_STEP,
    SIGMA_RANGE,
    SIGMA_STEP,
    CrossLinks,
    crosslink_term,
    read_crosslinks,
)
from .data_moves import hamiltonian_mover, independence_mover
from .errors import InputError
from .fit_error import read_component_errors
from .global_moves import global_movers
from .linked_moves import linked_groups, linked_movers
from .map_defaults import data_mass
from .mixture import Mixture
from .poses import random_rotations, to_matrices, to_poses, turned
from .representation.system import System
from .scoring import ScoreOptions, make_score

if TYPE_CHECKING:
    from .symmetry import Symmetry


CONFINEMENT_MARGIN = 20.0  # Å


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


def temperature_ladder(replicas: int, lowest: float, highest: float) -> np.ndarray:
    """(replicas,) temperatures in geometric progression, lowest first."""
    if replicas == 1:
        return np.array([lowest])
    return np.geomspace(lowest, highest, replicas)


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


def scaled_data(data: Mixture, system: System, em: EmConfig) -> Mixture:
    """Data GMM with the mass of what it is to show (`data_mass`), where the settings say so."""
    return data.scaled_to(data_mass(system, em)) if em.scale_to_mass else data


def build_terms(system: System, data: Mixture | None, config: Config) -> list[TermSpec]:
    """The terms of the score in the order of the output: em, connectivity, excluded volume, and one
    for each set of cross-links.

    Parameters
    ----------
    data
        Data GMM; scaled here where the settings say so (`scaled_data`). None leaves the
        EM term out.

    Raises
    ------
    InputError
        In a file of cross-links.
    ValueError
        No term is left.
    """
    n = len(system.bodies)
    terms = []
    if data is not None and config.em is not None:
        data = scaled_data(data, system, config.em)
        g = system.gaussians
        em = _core.density_term(
            make_score(data, score_options(config)),
            n,
            np.asarray(g.body, dtype=np.int64),
            g.mixture.means,
            g.mixture.covariances,
            g.mixture.weights,
        )
        terms.append(TermSpec(em, config.em.weight, annealed=True))
    if len(system.connectivity):
        terms.append(TermSpec(connectivity_term(system), 1.0))
    if system.excluded_volume is not None and system.excluded_volume.kappa > 0:
        terms.append(TermSpec(excluded_volume_term(system), 1.0))
    for section in config.crosslinks:
        links = read_crosslinks(system, section)
        if f"crosslinks_{links.label}" in [s.term.name for s in terms]:
            found = f"label {links.label!r} twice"
            raise InputError(section.file, found, "another label for each set of cross-links")
        terms.append(_crosslink_spec(system, links, section.file))
    if not terms:
        raise ValueError("nothing to score: no density, no connectivity and no excluded volume")
    return terms


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

    def end(index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return (
            np.asarray(beads.body[index], dtype=np.int64),
            np.ascontiguousarray(beads.local[index], dtype=np.float64),
            np.asarray(beads.radius[index], dtype=np.float64),
        )

    return _core.connectivity_term(
        len(system.bodies),
        *end(bonds.first),
        *end(bonds.second),
        np.asarray(bonds.threshold, dtype=np.float64),
        bonds.force_constant,
    )


def excluded_volume_term(system: System) -> _core.Term:
    """Soft spheres between bodies (IMP.pmi's ExcludedVolumeSphere)."""
    beads = system.nearest(system.excluded_volume.resolution)
    return _core.excluded_volume_term(
        len(system.bodies),
        np.asarray(beads.body, dtype=np.int64),
        np.ascontiguousarray(beads.local, dtype=np.float64),
        np.asarray(beads.radius, dtype=np.float64),
        system.excluded_volume.kappa,
    )


def _with_carried(system: System, bodies: np.ndarray) -> np.ndarray:
    """The bodies and the beads they carry along, ascending."""
    carried = np.flatnonzero(np.isin(system.bodies.carrier, bodies))
    return np.union1d(bodies, carried).astype(np.int64)


def build_movers(
    system: System,
    config: Config,
    symmetry: Symmetry | None = None,
    data: Mixture | None = None,
) -> tuple[list[_core.Mover], list[float]]:
    """One mover for each rigid body (with the beads it carries), bead and super rigid body, and one
    for the whole system, with the largest steps of the settings.

    With ``global_moves`` also movers that swap and turn rigid bodies, with ``linked_moves`` ones of
    linked bodies as one, with ``independence_moves`` (which need the data) one that places them
    anew, with ``hamiltonian_moves`` one of all together, and with ``coarse_moves`` (which need the
    data, too) one of chains on few components. With a symmetry only the bodies that are no images
    move freely, and the images follow them.

    Returns
    -------
    movers, weights
        Weights are shares of the moves, and sum to 1.

    Raises
    ------
    InputError
        ``linked_moves`` where nothing links two bodies; in a file of cross-links.
    """
    sampling = config.sampling
    bodies = system.bodies
    free = bodies.movable.copy()
    if symmetry is not None:
        free[symmetry.image] = False
    translation, rotation = sampling.max_translation, sampling.max_rotation
    movers = []
    groups = set()
    for b in np.flatnonzero(free):
        if bodies.rotatable[b]:
            group = _with_carried(system, np.array([b]))
            movers.append(_core.rigid_mover(bodies.names[b], group, translation, rotation, int(b)))
        else:
            group = np.array([b], dtype=np.int64)
            movers.append(_core.rigid_mover(bodies.names[b], group, translation, 0.0, int(b)))
        groups.add(tuple(group))
    movable = np.flatnonzero(free)
    several = [
        (f"super rigid body {i + 1}", members)
        for i, members in enumerate(system.super_rigid_bodies)
    ]
    for name, members in [*several, ("whole system", movable)]:
        group = _with_carried(system, np.intersect1d(members, movable))
        # A group that a mover already moves would only be tried twice as often.
        if len(group) > 1 and tuple(group) not in groups:
            groups.add(tuple(group))
            movers.append(_core.rigid_mover(name, group, translation, rotation))
    if not movers:
        return [], []
    more, shares = global_movers(system, free, sampling.global_moves)
    if sampling.linked_moves:
        linked = linked_movers(
            system, groups_to_move(system, config, free), groups, translation, rotation
        )
        more += linked
        shares += [sampling.linked_moves / len(linked) for _ in linked]
    if sampling.independence_moves and data is not None:
        places = independence_mover(system, data, free, sampling)
        if places is not None:
            more.append(places)
            shares.append(sampling.independence_moves)
    # These know of images themselves.
    last, last_shares = [], []
    if sampling.hamiltonian_moves:
        last.append(hamiltonian_mover(system, free, sampling, symmetry))
        last_shares.append(sampling.hamiltonian_moves)
    if sampling.coarse_moves and data is not None and config.em is not None:
        ball = confinement(system, data, sampling)
        own = scaled_data(data, system, config.em)
        last.append(coarse_mover(system, own, free, config.em, sampling, symmetry, ball))
        last_shares.append(sampling.coarse_moves)
    weights = [(1 - sum(shares) - sum(last_shares)) / len(movers)] * len(movers) + shares
    movers += more
    if symmetry is not None:
        movers = [symmetry.mover(m) for m in movers]
    return movers + last, weights + last_shares


def groups_to_move(
    system: System, config: Config, free: np.ndarray | None = None
) -> list[list[int]]:
    """Linked bodies that ``linked_moves`` move as one (`linked_groups`).

    Raises
    ------
    InputError
        Nothing links two bodies; in a file of cross-links.
    """
    links = [read_crosslinks(system, section) for section in config.crosslinks]
    groups = linked_groups(system, links, free)
    if not groups:
        raise InputError(
            config.system.topology,
            "no cross-link and no bond between two rigid bodies that may move",
            "at least one",
            "sampling.linked_moves",
        )
    return groups


def parameter_movers(specs: list[TermSpec]) -> list[_core.Mover]:
    """One mover for each unknown of the terms that is not fixed."""
    return [
        _core.parameter_mover(p.name, t, i, p.low, p.high, p.max_step)
        for t, spec in enumerate(specs)
        for i, p in enumerate(spec.parameters)
        if p.max_step > 0
    ]


def input_poses(system: System) -> np.ndarray:
    """(bodies, 7) poses of the input structures."""
    return to_poses(system.bodies.rotation, system.bodies.translation)


def random_starts(system: System, data: Mixture | None, sampling: SamplingConfig) -> np.ndarray:
    """(replicas, bodies, 7) random poses, another one for each replica.

    Rigid bodies, each with the beads it carries, get any orientation and a place anywhere in a box
    about the centre of the data (edge ``box``, or the extent of the data). A flexible bead starts
    in contact with its neighbour in the sequence, in a random direction: left where the box
    puts it, a chain would spend its time on the way back. Bodies that cannot move stay.
    """
    center, edges = _start_box(system, data, sampling)
    starts = [
        _random_start(system, center, edges, np.random.default_rng([sampling.seed, replica]))
        for replica in range(sampling.replicas)
    ]
    return np.stack(starts)


def _start_box(system: System, data: Mixture | None, sampling: SamplingConfig):
    means = data.means if data is not None else system.bodies.translation
    low, high = means.min(axis=0), means.max(axis=0)
    edges = np.full(3, sampling.box) if sampling.box is not None else high - low
    return (low + high) / 2, edges


def confinement(system: System, data: Mixture | None, sampling: SamplingConfig) -> list[float]:
    """Centre and radius, Å, of the ball in which the centres of bodies stay; empty without data.

    It holds the box of random starts with `CONFINEMENT_MARGIN` around it: a body that lost the
    density would otherwise wander off for good.
    """
    if data is None:
        return []
    center, edges = _start_box(system, data, sampling)
    return [*center.tolist(), float(np.linalg.norm(edges) / 2 + CONFINEMENT_MARGIN)]


def _random_start(
    system: System, center: np.ndarray, edges: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    bodies = system.bodies
    poses = input_poses(system)
    placed = ~bodies.movable
    for b in np.flatnonzero(bodies.movable & bodies.rotatable):
        turn = turned(random_rotations(rng, 1)[0], poses[b, :4])
        target = center + edges * (rng.random(3) - 0.5)
        placed[carry_along(system, poses, b, turn, target)] = True
    place_beads(system, poses, placed, rng)
    for b in np.flatnonzero(~placed):  # tied to nothing
        poses[b, 4:] = center + edges * (rng.random(3) - 0.5)
    return poses


def carry_along(
    system: System, poses: np.ndarray, body: int, quaternion: np.ndarray, translation: np.ndarray
) -> np.ndarray:
    """Moves a body, with the beads it carries, to a pose; returns the bodies that moved.

    ``poses`` (bodies, 7) is changed in place; quaternion (4,) w first, translation (3,) Å.
    """
    group = _with_carried(system, np.array([body]))
    inverse = poses[body, :4] * np.array([1, -1, -1, -1])
    turn = turned(np.asarray(quaternion), inverse)
    rotation, _ = to_matrices(np.append(turn, np.zeros(3)))
    origin = poses[body, 4:].copy()
    poses[group, :4] = turned(turn, poses[group, :4])
    poses[group, 4:] = (poses[group, 4:] - origin) @ rotation.T + translation
    return group


def place_beads(
    system: System, poses: np.ndarray, placed: np.ndarray, rng: np.random.Generator
) -> None:
    """Moves free beads into contact with their neighbours, from the placed ones outwards.

    Changes ``poses`` (bodies, 7) and ``placed`` (bodies,) bool in place.
    """
    bonds = system.connectivity
    beads = system.particles[bonds.resolution]
    pairs = list(zip(bonds.first.tolist(), bonds.second.tolist(), strict=True))
    while True:
        changed = False
        for known, new in [*pairs, *[(j, i) for i, j in reversed(pairs)]]:
            body = beads.body[new]
            if placed[body] or not placed[beads.body[known]]:
                continue
            rotation, translation = to_matrices(poses[beads.body[known]])
            near = rotation @ beads.local[known] + translation
            direction = rng.standard_normal(3)
            distance = beads.radius[known] + beads.radius[new]
            place = near + distance * direction / np.linalg.norm(direction)
            poses[body, 4:] = place - to_matrices(poses[body])[0] @ beads.local[new]
            placed[body] = changed = True
        if not changed:
            break
