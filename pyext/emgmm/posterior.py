"""The problem of a run: what is modelled, the data, and the score that compares them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import _core
from .config.settings import Config
from .maps.contour import data_mass, structured_mass
from .mixture import Mixture
from .representation.system import System
from .scoring.crosslinks import CrossLinks, read_crosslinks
from .scoring.mixture_score import ScoreOptions, make_score
from .scoring.terms import TermSpec, build_terms, score_options
from .symmetry import Symmetry, find_symmetry


@dataclass(frozen=True, eq=False)
class Posterior:
    """Everything that a run scores, made once and handed on.

    What costs time or reads a file is made when it is first asked for, and kept.

    Attributes
    ----------
    config
        The settings.
    system
        What moves, with its beads and Gaussians.
    data
        Data GMM as it is scored (Å, Å², Da); None for a run without density. `of_run` scales it.
    """

    config: Config
    system: System
    data: Mixture | None

    @classmethod
    def of_run(cls, config: Config, system: System, data: Mixture | None) -> Posterior:
        """The problem of these settings.

        Parameters
        ----------
        data
            Data GMM as it was fitted or read; it gets the mass of what it is to show where the
            settings say so (`emgmm.maps.contour.data_mass`).
        """
        em = config.em
        if data is not None and em is not None and em.scale_to_mass:
            data = data.scaled_to(data_mass(system, em))
        return cls(config, system, data)

    @cached_property
    def options(self) -> ScoreOptions:
        """How the noise of the map is inferred; without [em] as by default.

        Raises
        ------
        InputError
            In the file of the components' errors.
        """
        return ScoreOptions() if self.config.em is None else score_options(self.config)

    @cached_property
    def score(self) -> _core.MixtureScore | None:
        """The EM score of a mixture; None without density.

        Raises
        ------
        InputError
            As `options`.
        ValueError
            Options that make no sense together.
        """
        if self.data is None or self.config.em is None:
            return None
        return make_score(self.data, self.options)

    @cached_property
    def links(self) -> tuple[CrossLinks, ...]:
        """The sets of cross-links.

        Raises
        ------
        InputError
            In a file of cross-links.
        """
        return tuple(read_crosslinks(self.system, section) for section in self.config.crosslinks)

    @cached_property
    def terms(self) -> tuple[TermSpec, ...]:
        """The terms of the score, in the order of the output (`emgmm.scoring.terms.build_terms`).

        Raises
        ------
        InputError
            As `score` and `links`.
        ValueError
            Nothing to score.
        """
        return build_terms(self)

    def weighted_terms(self, poses: np.ndarray) -> dict[str, float]:
        """kT: each term at poses (bodies, 7), its weight included; the run's score is their sum."""
        return {s.term.name: s.weight * s.term.evaluate(poses) for s in self.terms}

    @cached_property
    def symmetry(self) -> Symmetry | None:
        """The symmetry of the settings; its axes may be found in the data, which takes time.

        Raises
        ------
        InputError
            As `emgmm.symmetry.find_symmetry`.
        """
        return find_symmetry(self.system, self.data, self.config)

    def search_data(self) -> Mixture | None:
        """Data GMM with the mass of what a global search places: what has a structure."""
        em = self.config.em
        if self.data is None or em is None or not em.scale_to_mass:
            return self.data
        return self.data.scaled_to(em.map_mass or structured_mass(self.system))
