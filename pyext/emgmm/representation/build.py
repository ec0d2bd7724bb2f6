"""From the settings of a run to a ``System``."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..config.settings import Config, ModelConfig
from ..errors import InputError
from ..io.topology import TopologyRow, read_topology
from ..mixture import Mixture
from .beads import Bead, Segment, segments_of
from .chains import Chain, Domain, read_chains
from .densities import blurred, fit_part, parts_of_body, spherical
from .priors import connect
from .system import Bodies, ExcludedVolume, Fragment, Gaussians, Molecule, Particles, System


def build_system(config: Config, gmm_dir: str | Path | None = None) -> System:
    """Bodies, beads, Gaussians and priors of the topology table of a run.

    Parameters
    ----------
    config
        From ``load_config``.
    gmm_dir
        Where mixtures of bodies are kept; default: ``system.gmm_dir`` of the settings, else
        they are fitted and not kept.

    Raises
    ------
    InputError
        At file and line: whatever does not agree between table, sequences and structures.
    """
    paths = config.system
    topology = Path(paths.topology)
    rows = read_topology(topology, paths.pdb_dir, paths.fasta_dir, paths.gmm_dir)
    chains, notes, structures = read_chains(topology, rows, paths.fasta_names, paths.check_residues)
    layout = _Layout(topology, chains, rows, tuple(sorted(paths.resolutions)))
    bodies = layout.bodies()
    particles = {r: layout.particles(r, bodies) for r in layout.resolutions}
    folder = gmm_dir if gmm_dir is not None else paths.gmm_dir
    model = config.em.model if config.em is not None else ModelConfig()
    system_particles = particles[min(particles)]
    nearest_to_1 = particles[min(particles, key=lambda r: abs(r - 1))]
    return System(
        molecules=tuple(_molecule(i, chain) for i, chain in enumerate(chains)),
        fragments=tuple(layout.fragments()),
        bodies=bodies,
        particles=particles,
        gaussians=blurred(
            layout.gaussians(
                bodies, system_particles, model, Path(folder) if folder is not None else None
            ),
            config.em.resolution if config.em is not None else None,
        ),
        connectivity=connect(nearest_to_1, bodies, config.connectivity),
        excluded_volume=ExcludedVolume(
            config.excluded_volume.resolution, config.excluded_volume.kappa
        ),
        super_rigid_bodies=layout.super_rigid_bodies(bodies),
        notes=tuple(dict.fromkeys(notes)),
        structures=tuple(structures),
    )


def _molecule(index: int, chain: Chain) -> Molecule:
    return Molecule(
        name=chain.name,
        copy=chain.copy,
        sequence=chain.sequence,
        alphabet=chain.alphabet,
        chain=chain_id(index),
        color=chain.domains[0].row.color,
        uniprot=chain.uniprot,
    )


def chain_id(index: int) -> str:
    """A to Z, then AA, AB, ...: the identifiers PMI gives to molecules in order."""
    letters = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


@dataclass
class _Unit:
    """A body in the making."""

    name: str
    rotatable: bool
    movable: bool
    carrier: int
    domains: list[Domain] = field(default_factory=list)


class _Layout:
    """Assigns every bead to a body, and lists everything in one order."""

    def __init__(
        self,
        topology: Path,
        chains: list[Chain],
        rows: list[TopologyRow],
        resolutions: tuple[int, ...],
    ) -> None:
        self._topology = topology
        self._rows = rows
        self.resolutions = resolutions
        self._chains = chains
        self._segments: list[tuple[int, Segment]] = [
            (index, segment)
            for index, chain in enumerate(chains)
            for segment in segments_of(chain, resolutions)
        ]
        self._units: list[_Unit] = []
        self._body_of_domain: dict[int, int] = {}  # id of a structured Domain -> body
        self._body_of_bead: dict[int, int] = {}  # id of a flexible Bead -> body
        self._add_rigid_bodies()
        self._add_fixed()
        self._add_beads()

    def _domains(self) -> list[tuple[Chain, Domain]]:
        return [(chain, domain) for chain in self._chains for domain in chain.domains]

    def _add_rigid_bodies(self) -> None:
        numbers = dict.fromkeys(row.rigid_body for row in self._rows if row.rigid_body is not None)
        for number in numbers:
            members = [d for _, d in self._domains() if d.row.rigid_body == number]
            structured = [d for d in members if d.structured]
            if not structured:
                raise InputError(
                    self._topology,
                    f"rigid body {number}, no row of which has a structure",
                    "a pdb_fn in at least one row, or no rigid body",
                    f"line {members[0].row.line}, column rigid_body",
                )
            for domain in structured:
                self._body_of_domain[id(domain)] = len(self._units)
            self._units.append(_Unit(f"RigidBody {number}", True, True, -1, structured))

    def _add_fixed(self) -> None:
        """Structured rows of no rigid body: PMI leaves them where the structure has them."""
        for chain, domain in self._domains():
            if domain.structured and domain.row.rigid_body is None:
                self._body_of_domain[id(domain)] = len(self._units)
                name = f"Fixed {chain.label}.{domain.row.domain}"
                self._units.append(_Unit(name, True, False, -1, [domain]))

    def _add_beads(self) -> None:
        carriers = {
            row.rigid_body: self._body_of_domain[id(domain)]
            for _, domain in self._domains()
            if (row := domain.row).rigid_body is not None and domain.structured
        }
        for molecule, segment in self._segments:
            if segment.structured:
                continue
            carrier = carriers.get(segment.domain.row.rigid_body, -1)
            for bead in segment.beads[self.resolutions[0]]:
                self._body_of_bead[id(bead)] = len(self._units)
                name = f"{self._chains[molecule].label}:{bead.first}-{bead.last}"
                self._units.append(_Unit(name, False, True, carrier))

    def _body(self, segment: Segment, bead: Bead) -> int:
        if segment.structured:
            return self._body_of_domain[id(segment.domain)]
        return self._body_of_bead[id(bead)]

    def _beads(self, resolution: int) -> list[tuple[int, int, Segment, Bead]]:
        """(molecule, fragment, segment, bead) in the order of the particles."""
        return [
            (molecule, number, segment, bead)
            for number, (molecule, segment) in enumerate(self._segments)
            for bead in segment.beads[resolution]
        ]

    def fragments(self) -> list[Fragment]:
        result = []
        for molecule, segment in self._segments:
            row = segment.domain.row
            from_file = segment.structured and row.structured
            result.append(
                Fragment(
                    molecule=molecule,
                    first=segment.first,
                    last=segment.last,
                    structured=segment.structured,
                    row=self._rows.index(row),
                    color=row.color,
                    pdb=str(row.pdb) if from_file else None,
                    pdb_chain=row.chain if from_file else None,
                    pdb_offset=row.pdb_offset if from_file else 0,
                )
            )
        return result

    def bodies(self) -> Bodies:
        """Bodies in the pose of the input structures: centres of mass, no rotation."""
        n = len(self._units)
        mass = np.zeros(n)
        center = np.zeros((n, 3))
        for _, _, segment, bead in self._beads(self.resolutions[0]):
            body = self._body(segment, bead)
            mass[body] += bead.mass
            center[body] += bead.mass * bead.xyz
        return Bodies(
            names=tuple(unit.name for unit in self._units),
            rotatable=np.array([unit.rotatable for unit in self._units]),
            movable=np.array([unit.movable for unit in self._units]),
            carrier=np.array([unit.carrier for unit in self._units], dtype=np.int64),
            mass=mass,
            poses=np.c_[np.tile([1.0, 0, 0, 0], (n, 1)), center / mass[:, None]],
        )

    def particles(self, resolution: int, bodies: Bodies) -> Particles:
        beads = self._beads(resolution)
        body = np.array([self._body(segment, bead) for _, _, segment, bead in beads])
        xyz = np.array([bead.xyz for *_, bead in beads])
        local = xyz - bodies.poses[body, 4:]
        local[~bodies.rotatable[body]] = 0.0  # exactly: a single bead is its body's centre
        return Particles(
            resolution=resolution,
            body=body,
            local=local,
            radius=np.array([bead.radius for *_, bead in beads]),
            mass=np.array([bead.mass for *_, bead in beads]),
            molecule=np.array([molecule for molecule, *_ in beads]),
            fragment=np.array([fragment for _, fragment, *_ in beads]),
            first=np.array([bead.first for *_, bead in beads]),
            last=np.array([bead.last for *_, bead in beads]),
        )

    def gaussians(
        self, bodies: Bodies, finest: Particles, config: ModelConfig, folder: Path | None
    ) -> Gaussians:
        masses: dict[int, float] = {}
        for _, _, segment, bead in self._beads(self.resolutions[0]):
            key = id(segment.domain)
            masses[key] = masses.get(key, 0.0) + (bead.mass if segment.structured else 0.0)
        mixtures: list[Mixture] = []
        for index, unit in enumerate(self._units):
            members = finest.body == index
            if not unit.domains or config.forward == "residue":
                mixture = spherical(
                    finest.local[members], finest.radius[members], finest.mass[members]
                )
            else:
                domains = [(domain, masses[id(domain)]) for domain in unit.domains]
                parts = parts_of_body(unit.name, domains, config)
                fitted = Mixture.concatenated([fit_part(p, config, folder) for p in parts])
                mixture = fitted.shifted(-bodies.poses[index, 4:])
            mixtures.append(mixture)
        body = np.repeat(np.arange(len(mixtures)), [len(m) for m in mixtures])
        return Gaussians(body, Mixture.concatenated(mixtures))

    def super_rigid_bodies(self, bodies: Bodies) -> tuple[np.ndarray, ...]:
        """Bodies of each super_rigid_body, and of neighbouring rows of each chain of them.

        Beads follow their rigid body. A group of one moves as its body does and is left out.
        """
        groups: list[list[TopologyRow]] = []
        for number in dict.fromkeys(n for row in self._rows for n in row.super_rigid_bodies):
            groups.append([row for row in self._rows if number in row.super_rigid_bodies])
        chained = dict.fromkeys(n for row in self._rows for n in row.chains_of_super_rigid_bodies)
        for number in chained:
            members = [row for row in self._rows if number in row.chains_of_super_rigid_bodies]
            groups += [list(pair) for pair in pairwise(members)]
        sets = []
        for group in groups:
            chosen = np.zeros(len(bodies), dtype=bool)
            for _, _, segment, bead in self._beads(self.resolutions[0]):
                if segment.domain.row in group:
                    chosen[self._body(segment, bead)] = True
            chosen[bodies.carrier[chosen & (bodies.carrier >= 0)]] = True
            riding = (bodies.carrier >= 0) & chosen[bodies.carrier]
            chosen = (chosen | riding) & bodies.movable
            sets.append(tuple(np.flatnonzero(chosen).tolist()))
        return tuple(np.array(s) for s in dict.fromkeys(sets) if len(s) > 1)
