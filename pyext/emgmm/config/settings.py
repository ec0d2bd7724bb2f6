"""``system.toml``: one run, described in one file.

Paths in the file are relative to the file. Every key is checked once, here; an error names the key.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ..errors import InputError
from ..io.files import read_text
from ..moves.registry import KINDS
from .earlier import with_keys_of_now
from .messages import refuse_long_keys, refuse_odd_numbers, syntax_error, validation_error

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Fraction = Annotated[float, msgspec.Meta(gt=0, le=1)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class SystemConfig(_Section):
    """[system]: what is modelled."""

    topology: str
    """PMI topology table."""
    pdb_dir: str | None = None
    """Folder of the structures. Default: as the table's own |directories| say, else beside it."""
    fasta_dir: str | None = None
    """Folder of the sequences. Default: as for pdb_dir."""
    gmm_dir: str | None = None
    """Folder of mixtures of bodies to use again. Default: gmm/ in the output folder."""
    resolutions: Annotated[tuple[Count, ...], msgspec.Meta(min_length=1)] = (
        1,
        10,
    )
    """[residues] Sizes of the beads that stand for residues with a structure."""
    fasta_names: dict[str, str] = {}
    """Names that differ: name in the FASTA file = name in the table."""
    check_residues: bool = True
    """Whether a structure is refused where more than a tenth of its residues are not those of the
    sequence. Without, as for the structure of a homologue, it is a note."""


PROTEIN_VOLUME = 1.21  # Å³ per Da
DALTON_PER_COMPONENT = 1090.0  # ~10 residues, the paper's choice
# Of a map of better resolution R a component stands for so much of R³, but not for less mass. 1Z5S
# comes out right with 0.55 and 0.75 kDa at 11 Å, at 15 Å with 1.09 but not 0.55 (noise), and with
# 0.42 at 8 Å.
_SHARE_OF_CUBE, _LEAST_DALTON = 0.7, 400.0


class ModelConfig(_Section):
    """[em.model]: how bodies become Gaussians."""

    forward: Literal["mixture", "residue"] = "mixture"
    """A mixture fitted to the residues of each body, or one Gaussian for each residue."""
    dalton_per_component: Positive | None = None
    """[Da] Mass that one Gaussian of a body stands for. Default: 1090 (ten residues); with em.map
    and a resolution R better than about 12.3 Å, 0.7 R³ / 1.21 Å³, but at least 400."""
    min_variance: Positive = 4.0
    """[Å²] Least variance of a fitted Gaussian along any axis."""

    @property
    def component_mass(self) -> float:
        """Da."""
        return self.dalton_per_component or DALTON_PER_COMPONENT


class EmConfig(_Section):
    """[em]: the density map and how it is weighed. Without it a run has no density."""

    gmm: str | None = None
    """Mixture of the map, as emgmm fit writes it. Give either this or map."""
    map: str | None = None
    """Density map, fitted at the start of the run."""
    components: Count | None = None
    """Number of Gaussians for the map. Default: mass of what has a structure /
    model.dalton_per_component."""
    target_cc: Fraction | None = None
    """Fit the least number of Gaussians that reaches this correlation, instead of components."""
    threshold: float | None = None
    """[map units] Contour level. Default: the level that encloses the volume of map_mass, or else
    of all that has a structure (1.21 Å³ per Da)."""
    dust: NotNegative | None = None
    """[Å³] Islands of density smaller than this are noise. Default: resolution³, but at least the
    volume of one Gaussian of the model."""
    resolution: Positive | None = None
    """[Å] Resolution of the map. The Gaussians of the model are blurred to it; without it they stay
    as sharp as the structures."""
    noise_model: Literal[
        "lognormal", "lognormal_local", "gaussian", "gaussian_local", "outliers"
    ] = "lognormal"
    """How the noise is inferred. Take outliers where map and model do not hold the same parts."""
    sigma_min: NotNegative = 0.1
    """[log ratio] Lower bound of the noise."""
    errors: str | None = None
    """CSV of emgmm fit --errors for gmm: errors of its Gaussians, added in squares to sigma_min."""
    background: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    """Share of each Gaussian of the map that no model need explain; for the lognormal models with
    a fixed scale."""
    scale: Literal["fixed", "profiled"] = "fixed"
    """Whether the factor between the masses of model and map is 1, or the one that fits best."""
    scale_to_mass: bool = True
    """Scale the mixture of the map to map_mass."""
    map_mass: Positive | None = None
    """[Da] Mass of all that the map holds. Default: with gmm that of the model, with map that of
    what has a structure."""
    weight: NotNegative = 1.0
    """Weight of the density in the score."""
    model: ModelConfig = ModelConfig()


class ConnectivityConfig(_Section):
    """[connectivity]: bonds along the sequence."""

    scale: Positive = 1.0
    """Factor on the allowed gap between neighbours of 3.6 Å a residue."""
    force_constant: NotNegative = 10.0
    """[kT/Å²] Price of a gap that is too long; PMI's value."""
    disordered_length: bool = False
    """Allow the end-to-end distance of a random coil across more than 20 residues."""


class ExcludedVolumeConfig(_Section):
    """[excluded_volume]: beads that do not interpenetrate."""

    kappa: NotNegative = 1.0
    """[kT/Å²] Price of an overlap; 0 for none."""
    resolution: Count = 1
    """[residues] Size of the beads. PMI's, of ten, are faster and overlap in native structures."""


class CrosslinksConfig(_Section):
    """[[crosslinks]]: one set of cross-links."""

    file: str
    """CSV file with a header."""
    label: str | None = None
    """Name of the set in the output. Default: name of the file."""
    protein1: str = "prot1"
    """Column of the first molecule; a name without a copy number stands for any copy."""
    residue1: str = "res1"
    """Column of the first residue."""
    protein2: str = "prot2"
    """Column of the second molecule."""
    residue2: str = "res2"
    """Column of the second residue."""
    id: str | None = None
    """Column whose equal values mark readings of one link. Default: each row is a link."""
    score: str | None = None
    """Column of identification scores. They are shown in the analysis and count for nothing."""
    length: Positive = 21.0
    """[Å] Length of the linker with its side chains."""
    slope: NotNegative = 0.02
    """[kT/Å] Pull on links that are far from satisfied."""
    resolution: Count = 1
    """[residues] Size of the beads that are linked."""
    sigma: Positive = 5.0
    """[Å] Start of the positional uncertainty."""
    psi: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.05
    """Start of the share of false links."""
    sigma_is_sampled: bool = True
    """Whether sigma is sampled or stays where it starts."""
    psi_is_sampled: bool = True
    """Whether psi is sampled or stays where it starts."""
    weight: NotNegative = 1.0
    """Weight of the set in the score."""


Point = tuple[float, float, float]


class SymmetryConfig(_Section):
    """[symmetry]: copies that move together, in the frame of the map."""

    group: Annotated[str, msgspec.Meta(pattern="^(C([2-9]|[1-9][0-9]+)|D([2-9]|[1-9][0-9]+))$")]
    """Point group: C2, C3, ... or D2, D3, ..."""
    molecules: tuple[str, ...] = ()
    """Molecules with as many copies as the group has operations, or a multiple. Default: all that
    have."""
    axis: Point | None = None
    """Direction of the n-fold axis. Default: found in the map."""
    second_axis: Point | None = None
    """Direction of a two-fold axis of D_n. Default: found in the map."""
    center: Point | None = None
    """[Å] Point on the axis. Default: found in the map."""


class AnnealingConfig(_Section):
    """[sampling.annealing]: the weight of the density alternates between low and full."""

    low_weight: NotNegative = 0.1
    """Factor on the weight in the low phase."""
    low_steps: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """[steps] Length of the low phase; 0: full weight throughout. Default: 1000 after a random
    start, else 0."""
    high_steps: Count = 10000
    """[steps] Length of the phase at full weight."""


class _Moves(_Section):
    @property
    def share(self) -> float:
        """Of all moves those that are no steps."""
        return sum(getattr(self, kind.name) for kind in KINDS)


MovesConfig = msgspec.defstruct(
    "MovesConfig",
    [(kind.name, Annotated[float, msgspec.Meta(ge=0, lt=1)], 0.0) for kind in KINDS],
    bases=(_Moves,),
    module=__name__,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
)
MovesConfig.__doc__ = (
    "[sampling.moves]: kinds of moves beside the steps, each with its share of all moves."
)


class SamplingConfig(_Section):
    """[sampling]: replica-exchange Monte Carlo; a step moves one body of each replica."""

    replicas: Count = 4
    """Number of replicas."""
    steps: Count = 100_000
    """[steps] Of each replica at full weight of the density."""
    temperature_min: Positive = 1.0
    """[kT] Of the coldest replica, whose frames are written."""
    temperature_max: Positive = 2.5
    """[kT] Of the hottest replica; the others lie in geometric progression."""
    exchange_interval: Count = 100
    """[steps] Between attempts to exchange replicas."""
    frame_interval: Count = 100
    """[steps] Between frames."""
    max_translation: NotNegative = 4.0
    """[Å] Largest step of a body, before the burn-in adapts it."""
    max_rotation: NotNegative = 0.04
    """[rad] Largest turn of a rigid body, likewise."""
    minimize: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """[evaluations] At most so many to minimise each start; 0: none. Default: 1000 after a global
    search, else 0."""
    annealing: AnnealingConfig = AnnealingConfig()
    moves: MovesConfig = MovesConfig()
    adapt_steps: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """[steps] Burn-in that adapts the size of the steps, and the temperatures with the native
    engine, and then freezes them; 0: none. Default: 1000 a mover, at most 100,000, after a global
    search, else 0."""
    precision: Literal["double", "single"] = "double"
    """single is about twice as fast, with the density score off by less than 1e-3 kT."""
    start: Literal["placed", "random", "asis"] = "placed"
    """placed: by a global search; random: anywhere in the box; asis: where the structures are."""
    searches: Count = 4
    """Global searches at most, until two end in the same arrangement."""
    box: Positive | None = None
    """[Å] Edge of the box of random starts. Default: that of the data."""
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    """Seed of all random numbers."""
    threads: Annotated[int, msgspec.Meta(ge=0)] = 0
    """0: all cores. Results do not depend on it."""

    @property
    def low_steps(self) -> int:
        """Steps of each round at low EM weight."""
        if self.annealing.low_steps is not None:
            return self.annealing.low_steps
        return 1000 if self.start == "random" else 0


class AnalysisConfig(_Section):
    """[analysis]: what emgmm analyze does by default."""

    best: Count = 1000
    """Number of models, best first, that are clustered."""
    cluster_rmsd80: Positive = 5.0
    """[Å] Models closer than this rmsd(80) to the centre of a cluster belong to it."""
    reference: str | None = None
    """Structure in the frame of the map to measure accuracy against."""


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
    "system": {"topology": "file", "pdb_dir": "folder", "fasta_dir": "folder", "gmm_dir": None},
    "em": {"gmm": "file", "map": "file", "errors": "file"},
    "crosslinks": {"file": "file"},
    "analysis": {"reference": "file"},
}


def with_paths(config: Config, change: Callable[[str, str], str | None]) -> Config:
    """The settings with each path as ``change`` makes it of its key (``crosslinks[0].file``) and
    its value."""

    def changed(section, where: str):
        if section is None:
            return None
        keys = _PATHS[where.partition("[")[0]]
        given = {key: getattr(section, key) for key in keys}
        return msgspec.structs.replace(
            section, **{k: change(f"{where}.{k}", v) for k, v in given.items() if v is not None}
        )

    return msgspec.structs.replace(
        config,
        system=changed(config.system, "system"),
        em=changed(config.em, "em"),
        crosslinks=tuple(changed(c, f"crosslinks[{i}]") for i, c in enumerate(config.crosslinks)),
        analysis=changed(config.analysis, "analysis"),
    )


def load_config(path: str | os.PathLike, absent: Collection[str] = ()) -> Config:
    """The settings of a run, with defaults filled in and paths made absolute.

    Parameters
    ----------
    absent
        Keys of files that need not be there: a finished run can be read without its map.

    Raises
    ------
    InputError
        No such file, no TOML, an unknown key, a value of the wrong type or out of range, keys that
        exclude each other, or a file that is not there; the error names the line or the key.
    """
    path = Path(path)
    text = read_text(path, "a TOML file of settings")
    refuse_long_keys(path, text)
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise syntax_error(path, text, error) from error
    refuse_odd_numbers(path, content)
    content = with_keys_of_now(path, content)
    try:
        config = msgspec.convert(content, Config)
    except msgspec.ValidationError as error:
        raise validation_error(path, str(error), content, Config) from error
    _check(path, config)
    return _absolute(path, _settled(config), absent)


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
    if sampling.moves.share >= 1:
        found = f"shares of {sampling.moves.share:g} together"
        raise InputError(path, found, "less than 1", "sampling.moves")
    for kind in KINDS:
        if kind.needs_density and getattr(sampling.moves, kind.name) and em is None:
            raise InputError(path, "no [em]", "data for them", f"sampling.moves.{kind.name}")
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


def _absolute(path: Path, config: Config, absent: Collection[str]) -> Config:
    """Resolves the paths and makes sure that something is there."""
    base = path.resolve().parent

    def resolved(key: str, value: str) -> str:
        section, _, name = key.partition(".")
        kind = _PATHS[section.partition("[")[0]][name]
        if "\0" in value or not value.strip():
            raise InputError(path, repr(value), f"the path of a {kind}", key)
        try:
            target = (base / value).resolve()
            there = {"file": target.is_file(), "folder": target.is_dir()}.get(kind, True)
        except (OSError, RuntimeError) as error:  # a name too long, links in a circle
            found = f"{value} ({getattr(error, 'strerror', None) or error})"
            raise InputError(path, found, f"the path of a {kind}", key) from None
        if not there and key not in absent:
            raise InputError(path, f"no {kind} {value}", f"the path of a {kind}", key)
        return str(target)

    return with_paths(config, resolved)
