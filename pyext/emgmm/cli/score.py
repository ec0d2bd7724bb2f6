"""``emgmm score``: one model against a data mixture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from ..errors import InputError
from ..noise_models import NOISE_MODELS
from .options import (
    bad_values,
    check_files,
    force_option,
    keep_option,
    report_option,
    say,
    tell_notes,
    threads_option,
    write_report,
)

if TYPE_CHECKING:
    from ..mixture import Mixture

ORDER = 80


@click.command()
@click.argument("gmm")
@click.argument("model")
@click.option(
    "--noise-model", type=click.Choice(NOISE_MODELS), default="lognormal", show_default=True
)
@click.option("--sigma-min", type=float, default=0.1, show_default=True, help="Log ratio units.")
@click.option("--errors", metavar="FILE.csv", help="Of fit --errors; adds to --sigma-min.")
@click.option(
    "--background",
    type=float,
    default=0.0,
    show_default=True,
    help="Share of each component that no model need explain; lognormal models, fixed scale.",
)
@click.option("--scale", type=click.Choice(("fixed", "profiled")), default="fixed")
@click.option("--resolution", type=float, help="Å: blurs the model, as in a run.")
@click.option(
    "--fit-resolution", is_flag=True, help="Blurs it to the resolution that explains the data best."
)
@click.option("--dalton-per-component", type=float, default=1090.0, show_default=True)
@keep_option
@threads_option
@report_option
@force_option
def score(
    gmm,
    model,
    noise_model,
    sigma_min,
    errors,
    background,
    scale,
    resolution,
    fit_resolution,
    dalton_per_component,
    keep,
    threads,
    report,
    force,
) -> None:
    """One MODEL (a structure, or a mixture) against the data mixture GMM.

    The report has log ratio and sigma of each component: sigma in log ratio units for the lognormal
    models, in Da²/Å³ for the others.
    """
    check_files(report, force, (gmm, model, errors))
    from ..fitting.fit_error import read_component_errors
    from ..io.gmm import read_gmm
    from ..scoring.mixture_score import ScoreOptions, score_mixture
    from ..scoring.resolution import fitted_resolution

    if fit_resolution and resolution is not None:
        raise click.UsageError("give --resolution or --fit-resolution, not both")
    data = read_gmm(gmm)
    placed, account = _model_mixture(model, resolution, dalton_per_component, threads or 0, keep)
    error = () if errors is None else tuple(read_component_errors(errors, len(data)).tolist())
    options = ScoreOptions(
        noise_model=noise_model,
        sigma_min=sigma_min,
        component_error=error,
        background=background,
        scale=scale,
        threads=threads or 0,
    )
    resolution_error = None
    with bad_values("emgmm score"):
        data = data.scaled_to(placed.mass)
        if fit_resolution:
            fitted = fitted_resolution(data, placed, options)
            resolution = fitted.value
            resolution_error = fitted.error if math.isfinite(fitted.error) else None
            placed = placed.blurred(resolution)
        found = score_mixture(data, placed, options)
    result = {
        "score": found.score,
        "cc": found.cc,
        "sigma": found.sigma,  # the most probable one of the whole map
        "component_sigma": found.component_sigma.tolist(),
        "noise_model": noise_model,
        "resolution": resolution,
        "resolution_error": resolution_error,  # of one that was fitted
        "model_components": len(placed),
        "mass": placed.mass,
        "components": [
            {"log_ratio": float(x), "sigma": float(sigma)}
            for x, sigma in zip(found.log_ratios, found.component_sigma, strict=True)
        ],
        **account,
    }
    write_report(report, result, force)
    say(
        report,
        f"{model}: score {found.score:.3f} kT ({noise_model}), CC {found.cc:.4f}, "
        f"sigma {found.sigma:.3f}, {len(result['components'])} data components"
        + (f", resolution {resolution:.1f} Å" if fit_resolution else ""),
    )
    tell_notes(result["notes"])


def _model_mixture(
    path: str,
    resolution: float | None,
    dalton_per_component: float,
    threads: int,
    keep: tuple[str, ...],
) -> tuple[Mixture, dict]:
    """A model as Gaussians, and what became of its atoms.

    A mixture stays as it stands, a structure is fitted chain by chain; both are blurred to the
    resolution, if there is one.
    """
    from ..forward.structure import chain_mixture
    from ..io.gmm import read_gmm
    from ..io.structures import read_structure
    from .files.structures import is_structure, structure_account

    if is_structure(path):
        structure = read_structure(path, keep=keep)
        if not dalton_per_component > 0:
            raise InputError("--dalton-per-component", f"{dalton_per_component:g}", "more than 0")
        with bad_values(path):
            mixture = chain_mixture(structure, dalton_per_component, threads=threads)
        account = structure_account(structure)
    else:
        mixture, account = read_gmm(path), {"notes": []}
    if resolution is not None:
        with bad_values("--resolution"):
            mixture = mixture.blurred(resolution)
    return mixture, account
