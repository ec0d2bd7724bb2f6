"""One model against a data mixture: a structure or a mixture, blurred where that is asked for."""

from __future__ import annotations

from ..config import DALTON_PER_COMPONENT
from ..forward.structure import chain_mixture
from ..io.structures import Structure
from ..mixture import Mixture
from .mixture_score import ScoreOptions, ScoreResult, score_mixture

_DEFAULT = ScoreOptions()


def score(
    data: Mixture,
    model: Mixture | Structure,
    options: ScoreOptions = _DEFAULT,
    *,
    resolution: float | None = None,
    dalton_per_component: float = DALTON_PER_COMPONENT,
) -> ScoreResult:
    """Score of a model against a data mixture, both in one frame.

    The data get the mass of the model.

    Parameters
    ----------
    model
        A mixture as it stands, or a structure, which becomes one Gaussian for so many Da of each
        chain.
    resolution
        Å: the model is blurred to it, as in a run (`emgmm.mixture.Mixture.blurred`). None: it stays
        as sharp as it is.
    dalton_per_component
        Da, of a structure.

    Raises
    ------
    ValueError
        Options that make no sense together, a resolution that is not positive, or a structure
        without atoms.

    Examples
    --------
    >>> import emgmm
    >>> structure = emgmm.read_structure("complex.pdb.gz")
    >>> data = emgmm.structure_mixture(structure, components=80)
    >>> emgmm.score(data, structure).cc > 0.9
    True
    """
    if isinstance(model, Structure):
        model = chain_mixture(model, dalton_per_component, threads=options.threads)
    if resolution is not None:
        model = model.blurred(resolution)
    return score_mixture(data.scaled_to(model.mass), model, options)
