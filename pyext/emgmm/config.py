"""``system.toml``: one run, described in one file.

Paths in the file are relative to the file. Every key is checked once, here; an error names the key.
"""

from __future__ import annotations

import os
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from .config_errors import refuse_odd_numbers, syntax_error, validation_error
from .errors import InputError
from .io.files import read_text

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Fraction = Annotated[float, msgspec.Meta(gt=0, le=1)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class SystemConfig(_Section):
    """[system]: what is modelled."""

    topology: str  # PMI topology table
    pdb_dir: str | None = None  # None: the table's own |directories|, else beside it
    fasta_dir: str | None = None
    gmm_dir: str | None = None  # cached model GMMs; None: gmm/ in the output folder
    resolutions: Annotated[tuple[Count, ...], msgspec.Meta(min_length=1)] = (
        1,
        10,
    )  # residues per bead
    fasta_names: dict[str, str] = {}  # name in the FASTA file -> name in the table


PROTEIN_VOLUME = 1.21  # Å³ per Da
DALTON_PER_COMPONENT = 1090.0  # ~10 residues, the paper's choice
# Of a map of better resolution R a component stands for so much of R³, but not for less mass. 1Z5S
# comes out right with 0.55 and 0.75 kDa at 11 Å, at 15 Å with 1.09 but not 0.55 (noise), and with
# 0.42 at 8 Å.
_SHARE_OF_CUBE, _LEAST_DALTON = 0.7, 400.0


class ModelConfig(_Section):
    """[em.model]: how bodies become Gaussians."""

    forward: Literal["mixture", "residue"] = "mixture"
    # None: DALTON_PER_COMPONENT; less for a map of better resolution than 12 Å
    dalton_per_component: Positive | None = None
    min_variance: Positive = 4.0  # Å², floor of the fit, as PMI's

    @property
    def component_mass(self) -> float:
        """Da."""
        return self.dalton_per_component or DALTON_PER_COMPONENT


class EmConfig(_Section):
    """[em]: the density map and how it is weighed."""

    gmm: str | None = None  # data GMM, or ...
    map: str | None = None  # ... a map to be fitted
    # with neither this nor target_cc: mass / model.dalton_per_component
    components: Count | None = None
    target_cc: Fraction | None = None
    # contour level of the map; None: encloses the volume of map_mass, or else of all that has a
    # structure (map_defaults.py)
    threshold: float | None = None
    # Å³, islands of the map smaller than this are noise; None: (resolution)³, at least a component
    dust: NotNegative | None = None
    # Å, of the map: the model's Gaussians are blurred to it; None: they stay as sharp as the
    # structures.
    resolution: Positive | None = None
    noise_model: Literal[
        "lognormal", "lognormal_local", "gaussian", "gaussian_local", "outliers"
    ] = "lognormal"  # eq. 13; parts missing: "outliers", see scoring.py
    sigma_min: NotNegative = 0.1  # log ratio units; why so much: scoring.SIGMA_MIN
    # CSV of `emgmm fit --errors` for gmm: errors of components, added in squares to sigma_min
    errors: str | None = None
    # share of each data component that no model need explain, lognormal models only
    background: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    scale: Literal["fixed", "profiled"] = "fixed"
    scale_to_mass: bool = True  # data GMM to map_mass
    # Da, of all that the data hold; None: with gmm that of the model, with map that of what has a
    # structure
    map_mass: Positive | None = None
    weight: NotNegative = 1.0
    model: ModelConfig = ModelConfig()


class ConnectivityConfig(_Section):
    """[connectivity]: bonds along the sequence."""

    scale: Positive = 1.0
    force_constant: NotNegative = 10.0  # kT/Å², PMI's
    disordered_length: bool = False  # random-coil distance across gaps of more than 20 residues


class ExcludedVolumeConfig(_Section):
    """[excluded_volume]: beads that do not interpenetrate."""

    kappa: NotNegative = 1.0  # kT/Å²
    resolution: Count = 1  # residues a bead; of ten PMI's beads overlap in native structures


class CrosslinksConfig(_Section):
    """[[crosslinks]]: one set of cross-links; the keys name the columns of the file."""

    file: str
    label: str | None = None
    protein1: str = "prot1"
    residue1: str = "res1"
    protein2: str = "prot2"
    residue2: str = "res2"
    id: str | None = None  # rows of one value are readings of one link
    score: str | None = None  # of the identification: shown in the analysis, counts for nothing
    length: Positive = 21.0  # Å
    slope: NotNegative = 0.02  # kT/Å
    resolution: Count = 1
    sigma: Positive = 5.0  # Å, start of the positional uncertainty
    psi: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.05  # start of the share of false links
    sigma_is_sampled: bool = True  # else it stays where it starts
    psi_is_sampled: bool = True
    weight: NotNegative = 1.0


Point = tuple[float, float, float]


class SymmetryConfig(_Section):
    """[symmetry]: copies that move together, in the frame of the map."""

    group: Annotated[str, msgspec.Meta(pattern="^(C([2-9]|[1-9][0-9]+)|D([2-9]|[1-9][0-9]+))$")]
    # names of molecules, each with as many copies as the group has operations (or a multiple);
    # none: all that have
    molecules: tuple[str, ...] = ()
    axis: Point | None = None  # of the n-fold; None: found in the data
    second_axis: Point | None = None  # a two-fold of D_n; None: found in the data
    center: Point | None = None  # Å, on the axis; None: found in the data


class AnnealingConfig(_Section):
    """[sampling.annealing]: the EM weight alternates between low and full."""

    low_weight: NotNegative = 0.1
    # 0: full weight throughout; None: 1000 after a random start, 0 otherwise (time at low weight
    # helps to find a place, and loses one that is known)
    low_steps: Annotated[int, msgspec.Meta(ge=0)] | None = None
    high_steps: Count = 10000


class SamplingConfig(_Section):
    """[sampling]: replica-exchange Monte Carlo; a step moves one body of each replica."""

    replicas: Count = 4
    steps: Count = 100_000
    temperature_min: Positive = 1.0
    temperature_max: Positive = 2.5
    exchange_interval: Count = 100
    frame_interval: Count = 100
    max_translation: NotNegative = 4.0  # Å
    max_rotation: NotNegative = 0.04  # rad
    # share of the moves that swap two rigid bodies or turn one about its own axes
    global_moves: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    # share of the moves by which two rigid bodies change places and each takes the other's
    # principal axes, in one of four flips
    alignment_moves: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    # share of the moves that put a rigid body where the data alone suggest
    independence_moves: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    # share of the moves of all bodies together along the slope of the score (Hamiltonian Monte
    # Carlo), how many steps each makes, and of what size (the native engine's adapt_steps tunes it)
    hamiltonian_moves: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    hamiltonian_steps: Count = 10
    hamiltonian_step: Positive = 0.2  # Å
    # share of the moves of linked rigid bodies as one: pairs that share a cross-link or a bond of
    # the sequence, and all that hang together so
    linked_moves: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    # share of the moves that are chains of large steps on few components, how many steps each has,
    # and how many components of data and model become one; with several levels, ascending, the
    # chains on each contain some on the next
    coarse_moves: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    coarse_steps: Count = 100
    coarse_levels: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=2)], ...], msgspec.Meta(min_length=1)
    ] = (4,)
    # evaluations of score and slope at most, to minimise each start before the first move; 0: none;
    # None: 1000 after a global search, 0 otherwise
    minimize: Annotated[int, msgspec.Meta(ge=0)] | None = None
    annealing: AnnealingConfig = AnnealingConfig()
    # steps of a burn-in that adapts step sizes (and temperatures, native), then freezes them; 0:
    # none; None: 1000 a mover, at most 100,000, after a global search, 0 otherwise
    adapt_steps: Annotated[int, msgspec.Meta(ge=0)] | None = None
    # single: twice as fast, the EM score off by less than 1e-3
    precision: Literal["double", "single"] = "double"
    # placed: global search; random: anywhere in the box; asis: where the input structures are
    start: Literal["placed", "random", "asis"] = "placed"
    searches: Count = 4  # for placed: at most, until two end in the same arrangement
    box: Positive | None = None  # Å, edge of the box of random starts; None: of the data
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    threads: Annotated[int, msgspec.Meta(ge=0)] = 0  # 0: all cores

    @property
    def special_moves(self) -> float:
        """Share of all moves that are none of single bodies, chains or the whole."""
        return (
            self.global_moves
            + self.alignment_moves
            + self.linked_moves
            + self.independence_moves
            + self.hamiltonian_moves
            + self.coarse_moves
        )

    @property
    def low_steps(self) -> int:
        """Steps of each round at low EM weight."""
        if self.annealing.low_steps is not None:
            return self.annealing.low_steps
        return 1000 if self.start == "random" else 0


class AnalysisConfig(_Section):
    """[analysis]."""

    best: Count = 1000  # models that are clustered
    cluster_rmsd80: Positive = 5.0  # Å
    reference: str | None = None


class Config(_Section):
    """A whole ``system.toml``, with absolute paths."""

    system: SystemConfig
    em: EmConfig | None = None
    connectivity: ConnectivityConfig = ConnectivityConfig()
    excluded_volume: ExcludedVolumeConfig = ExcludedVolumeConfig()
    crosslinks: tuple[CrosslinksConfig, ...] = ()
    symmetry: SymmetryConfig | None = None
    sampling: SamplingConfig = SamplingConfig()
    analysis: AnalysisConfig = AnalysisConfig()


# Keys that hold paths of files or folders that must be there.
_PATHS = {
    SystemConfig: {"topology": "file", "pdb_dir": "folder", "fasta_dir": "folder", "gmm_dir": None},
    EmConfig: {"gmm": "file", "map": "file", "errors": "file"},
    CrosslinksConfig: {"file": "file"},
    AnalysisConfig: {"reference": "file"},
}


def load_config(path: str | os.PathLike) -> Config:
    """The settings of a run, with defaults filled in and paths made absolute.

    Raises
    ------
    InputError
        No such file, no TOML, an unknown key, a value of the wrong type or out of range, keys that
        exclude each other, or a file that is not there; the error names the line or the key.
    """
    path = Path(path)
    text = read_text(path, "a TOML file of settings")
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise syntax_error(path, text, error) from error
    refuse_odd_numbers(path, content)
    try:
        config = msgspec.convert(content, Config)
    except msgspec.ValidationError as error:
        raise validation_error(path, str(error), content, Config) from error
    _check(path, config)
    return _absolute(path, _settled(config))


def dump_config(config: Config) -> str:
    """The settings as TOML, every value stated; keys that are None are left out."""
    return msgspec.toml.encode(_without_none(msgspec.to_builtins(config))).decode()


def _without_none(value):
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def _check(path: Path, config: Config) -> None:
    """What the types cannot say."""
    em, sampling = config.em, config.sampling
    if em is not None:
        if (em.gmm is None) == (em.map is None):
            found = "neither" if em.gmm is None else "both"
            raise InputError(path, f"{found} of gmm and map", "exactly one of them", "em")
        fit_keys = [k for k in ("components", "target_cc") if getattr(em, k) is not None]
        if em.gmm is not None:
            fit_keys += ["threshold"] if em.threshold is not None else []
            if fit_keys:
                raise InputError(
                    path, "gmm as well", "map (the key is of its fit)", f"em.{fit_keys[0]}"
                )
        elif em.errors is not None:
            raise InputError(path, "map", "gmm, whose components they are of", "em.errors")
        elif len(fit_keys) == 2:
            raise InputError(path, "both of components and target_cc", "one of them, or none", "em")
    symmetry = config.symmetry
    for key in ("axis", "second_axis") if symmetry is not None else ():
        value = getattr(symmetry, key)
        if value is not None and not any(value):
            raise InputError(path, "0, 0, 0", "a direction", f"symmetry.{key}")
        if key == "second_axis" and value is not None and symmetry.group[0] == "C":
            raise InputError(path, f"one for {symmetry.group}", "none", "symmetry.second_axis")
    if sampling.temperature_max < sampling.temperature_min:
        raise InputError(
            path,
            f"{sampling.temperature_max:g}",
            f"at least temperature_min ({sampling.temperature_min:g})",
            "sampling.temperature_max",
        )
    if sampling.special_moves >= 1:
        found = f"{sampling.special_moves:g} with the shares of all other special moves"
        raise InputError(path, found, "less than 1", "sampling.global_moves")
    levels = sampling.coarse_levels
    if any(a >= b for a, b in pairwise(levels)):
        raise InputError(path, str(list(levels)), "ascending numbers", "sampling.coarse_levels")
    for key in ("independence_moves", "coarse_moves"):
        if getattr(sampling, key) and em is None:
            raise InputError(path, "no [em]", "data for them", f"sampling.{key}")
    if len(set(config.system.resolutions)) != len(config.system.resolutions):
        found = str(list(config.system.resolutions))
        raise InputError(path, found, "each resolution once", "system.resolutions")


def _settled(config: Config) -> Config:
    """Defaults that depend on other settings, stated."""
    sampling = config.sampling
    annealing = msgspec.structs.replace(sampling.annealing, low_steps=sampling.low_steps)
    minimize = sampling.minimize
    if minimize is None:
        minimize = 1000 if sampling.start == "placed" and config.em is not None else 0
    sampling = msgspec.structs.replace(sampling, annealing=annealing, minimize=minimize)
    em = config.em
    if em is not None and em.model.dalton_per_component is None:
        mass = DALTON_PER_COMPONENT
        if em.map is not None and em.resolution is not None:
            cube = em.resolution**3 / PROTEIN_VOLUME
            mass = min(mass, max(_SHARE_OF_CUBE * cube, _LEAST_DALTON))
        model = msgspec.structs.replace(em.model, dalton_per_component=mass)
        em = msgspec.structs.replace(em, model=model)
    return msgspec.structs.replace(config, em=em, sampling=sampling)


def _absolute(path: Path, config: Config) -> Config:
    """Resolves the paths and makes sure that something is there."""
    base = path.resolve().parent

    def resolved(section, where: str):
        if section is None:
            return None
        changes = {}
        for key, kind in _PATHS[type(section)].items():
            value = getattr(section, key)
            if value is None:
                continue
            if "\0" in value or not value.strip():
                raise InputError(path, repr(value), f"the path of a {kind}", f"{where}.{key}")
            target = (base / value).resolve()
            there = {"file": target.is_file(), "folder": target.is_dir()}.get(kind, True)
            if not there:
                raise InputError(
                    path, f"no {kind} {value}", f"the path of a {kind}", f"{where}.{key}"
                )
            changes[key] = str(target)
        return msgspec.structs.replace(section, **changes)

    return msgspec.structs.replace(
        config,
        system=resolved(config.system, "system"),
        em=resolved(config.em, "em"),
        crosslinks=tuple(resolved(c, f"crosslinks[{i}]") for i, c in enumerate(config.crosslinks)),
        analysis=resolved(config.analysis, "analysis"),
    )
