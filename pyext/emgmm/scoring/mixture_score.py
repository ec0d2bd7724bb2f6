"""The Bayesian score of a model mixture against a data mixture.

Which noise model: ``lognormal`` is eq. 13 of the paper and the default. Where map and model do not
hold the same parts it squares what nothing explains; there use ``outliers``, whose price of such a
component is bounded. benchmark/native/noise_models.py on 1z5s and 3sfd (data GMM of the native
structure at its true mass), global search:

- one chain missing from the model, each in turn: eq. 13 places 6 of the 24 others right,
  ``lognormal_local`` with a background of 0.1 and ``outliers`` all 24;
- a stranger too many, or nothing missing: all 8 with each of them.

Minimised from the native pose with a chain missing, the others move by (median) 8 Å, 0.8 Å and
0.7 Å; all twelve subunits of RNA polymerase II in EMD-1883 by 21, 10 and 9 Å. The pull of the
robust models ends outside the map: random starts want eq. 13. A profiled scale, or a map scaled to
the mass of an incomplete model, costs 2 to 5 Å in all of them: say what the map weighs
(``map_mass``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .. import _core
from ..mixture import Mixture

# Of the log ratios, where nothing is known about the error of the data GMM: what is left between
# data and model mixtures of one structure, both at 1.09 kDa a component, at the native pose
# (benchmark/native/noise_models.py, table 1). Half of the components of 1z5s, 3sfd and the GroEL
# ring are within 0.07 of the median, which is sigma = 0.1; the rest, at surfaces and between
# subunits, bring the rms to 0.23.
SIGMA_MIN = 0.1


@dataclass(frozen=True)
class ScoreOptions:
    """How the noise of the map is inferred (doc/method.md, eq. 13 and b to d).

    Attributes
    ----------
    noise_model
        ``lognormal`` (eq. 13), ``lognormal_local``, ``gaussian``, ``gaussian_local``,
        ``outliers`` (these three weigh differences of overlaps, as EMMI's GAUSS, MARGINAL and
        OUTLIERS) or ``correlated`` (differences, of which neighbouring components share the noise;
        the scale is always the one that fits best).
    sigma_min
        Lower bound of sigma, in units of the log ratio; 0 for eq. 13 as it stands, -inf at a
        perfect fit. ``correlated``: a share of the data's rms. ``gaussian`` and ``outliers``:
        sigma_k itself, in units of ov_DD,k.
    component_sigma
        One positive value a data component instead of the last line: Da²/Å³, for
        ``lognormal_local`` in log ratio units.
    component_error
        Error of each data component in log ratio units (`emgmm.fitting.fit_error`), added in
        squares to ``sigma_min``: what the data GMM itself gets wrong of the map no model can
        explain. The one sigma of ``lognormal`` takes their mean square.
    background
        Share b of each data component that no model need explain (lognormal models, fixed scale):
        l_k = log[(ov_MD,k + b ov_DD,k) / (1 + b) ov_DD,k].
    scale
        ``fixed`` (the masses of map and model are comparable) or ``profiled`` (the factor on
        ov_MD that fits best). With parts missing or surplus give the data GMM the mass of what
        the map holds, and keep the scale fixed: a free one lets the model swell.
    floor
        Added to every overlap, Da²/Å³; only for comparison with IMP.bayesianem (1e-10).
    threads
        0 for all cores; the result does not depend on it.
    single_precision
        Rows of moved scoring (the sampler) in single precision: about twice as fast, the score off
        by less than 1e-3.
    cutoff
        For models of isotropic Gaussians (atoms, residues, beads): pairs that cannot reach this
        share of the largest overlap that they could have at any distance are left out when the
        score or its derivatives are computed from scratch, the others summed in single precision.
        0 for all pairs in double precision. 1e-4: benchmark/native/emmi.py.

    Examples
    --------
    >>> import emgmm
    >>> emgmm.ScoreOptions(noise_model="outliers").sigma_min
    0.1
    """

    noise_model: str = "lognormal"
    sigma_min: float = SIGMA_MIN
    component_sigma: tuple[float, ...] = ()
    component_error: tuple[float, ...] = ()
    background: float = 0.0
    scale: str = "fixed"
    floor: float = 0.0
    threads: int = 1
    single_precision: bool = False
    cutoff: float = 0.0


class ScoreResult(NamedTuple):
    """Score of a model and what it is made of, as `score_mixture` returns it."""

    score: float  # kT
    cc: float  # ov_MD / sqrt(ov_MM ov_DD)
    sigma: float  # most probable sigma of the whole map, log ratio units
    log_ratios: np.ndarray  # (N_D,) log(ov_MD,k / ov_DD,k)
    # (N_D,) most probable sigma of each component: log ratio units in the lognormal models, Da²/Å³
    # in the others (outliers: of the Gaussian that pulls as hard)
    component_sigma: np.ndarray


def make_score(data: Mixture, options: ScoreOptions = ScoreOptions()) -> _core.MixtureScore:
    """The core's score for a data mixture.

    Raises
    ------
    ValueError
        Options that make no sense together; the message names the option and its value.
    """
    if options.scale not in ("fixed", "profiled"):
        raise ValueError(f"scale must be 'fixed' or 'profiled', got {options.scale!r}")
    options = with_sigma(data, options)
    return _core.MixtureScore(
        data,
        noise_model=options.noise_model,
        sigma_min=options.sigma_min,
        component_sigma=list(options.component_sigma),
        profile_scale=options.scale == "profiled",
        background=options.background,
        floor=options.floor,
        threads=options.threads,
        single_precision=options.single_precision,
        cutoff=options.cutoff,
    )


def with_sigma(data: Mixture, options: ScoreOptions) -> ScoreOptions:
    """``component_error`` as the ``sigma_min`` or ``component_sigma`` that it is for ``data``.

    Raises
    ------
    ValueError
        Another number of errors than of components, a negative one, ``component_sigma`` as well.
    """
    if not options.component_error:
        return options
    errors = np.asarray(options.component_error, dtype=np.float64)
    if options.component_sigma:
        raise ValueError("give component_sigma or component_error, not both")
    if errors.shape != (len(data),) or not (errors >= 0).all():
        raise ValueError(
            f"component_error must be {len(data)} values of at least 0, one a data component, "
            f"got {errors.size} from {errors.min():g}"
        )
    if options.noise_model in ("lognormal", "correlated"):
        sigma = float(np.hypot(options.sigma_min, np.sqrt(np.mean(errors**2))))
        return replace(options, sigma_min=sigma, component_error=())
    sigma = np.hypot(options.sigma_min, errors)
    if options.noise_model != "lognormal_local":
        sigma *= self_overlaps(data, options.threads)
    return replace(options, component_sigma=tuple(sigma.tolist()), component_error=())


def self_overlaps(data: Mixture, threads: int = 1) -> np.ndarray:
    """ov_DD,k (N_D,) of a mixture, Da²/Å³."""
    # sigma_k of this model is sigma_min ov_DD,k, whatever the model.
    core = _core.MixtureScore(data, noise_model="gaussian", sigma_min=1.0, threads=threads)
    return np.asarray(core.component_sigma_estimates(np.zeros(len(data))))


def score_mixture(
    data: Mixture, model: Mixture, options: ScoreOptions = ScoreOptions()
) -> ScoreResult:
    """Score a model mixture against a data mixture, both in the same frame.

    The data mixture is used with the weights it has: scale it to the mass of the model first
    (``data.scaled_to(model.mass)``) unless the masses are known to agree.
    """
    core = make_score(data, options)
    log_ratios = core.log_ratios(model)
    return ScoreResult(
        score=core.evaluate(model),
        cc=core.cross_correlation(model),
        sigma=core.sigma_estimate(log_ratios),
        log_ratios=log_ratios,
        component_sigma=core.component_sigma_estimates(log_ratios),
    )
