"""The sections of ``system.toml``: every key with its type, default and meaning."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ..moves.registry import KINDS
from ..noise_models import NoiseModel

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
    components: Count | Literal["map", "paper"] | None = None
    """Number of Gaussians for the map. "paper": mass of what has a structure /
    model.dalton_per_component. "map", the default: as many, from that number on, as leave nothing
    but the noise outside the contour and a tenth of the variance within it; at most one for 0.1
    resolution³ or eight voxels."""
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
    noise_model: NoiseModel = "lognormal"
    """How the noise is inferred. Take outliers or correlated where map and model do not hold the
    same parts."""
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
        """Share of moves that are no steps."""
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
