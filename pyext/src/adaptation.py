"""@namespace IMP.emgmm.adaptation
A burn-in that adapts how far IMP's movers go, and then leaves them as they are.
"""

import IMP.core
import IMP.emgmm
import IMP.pmi

_PIECES = 50


class Adaptation:
    """Factors on the largest steps of movers: of rigid bodies, super rigid bodies, beads and
    nuisances. All other movers stay as they are."""

    def __init__(self, movers):
        self._sizes = [_Sizes(mover) for mover in movers]
        self._sizes = [sizes for sizes in self._sizes if sizes.names]
        self.scales = [1.0] * len(self._sizes)

    def run(self, make_moves, steps):
        """Adapt the steps while moves are made. What the movers counted last is left in them.
        @param make_moves called with a number of moves to make
        @param steps number of all moves
        """
        for piece in range(_PIECES):
            make_moves((piece + 1) * steps // _PIECES - piece * steps // _PIECES)
            for k, sizes in enumerate(self._sizes):
                mover = sizes.mover
                scale = IMP.emgmm.get_adapted_scale(
                    self.scales[k],
                    mover.get_number_of_proposed(),
                    mover.get_number_of_accepted(),
                )
                if scale != self.scales[k]:
                    self._set(k, scale)
                    mover.reset_statistics()

    def set_scales(self, scales):
        """Give the movers the factors of an earlier burn-in of the same system."""
        if len(scales) != len(self._sizes):
            raise ValueError(
                "%d factors on steps, expected %d, one a mover" % (len(scales), len(self._sizes))
            )
        for k, scale in enumerate(scales):
            self._set(k, float(scale))

    def _set(self, k, scale):
        self.scales[k] = scale
        self._sizes[k].scale(scale)


class _Sizes:
    """A mover and its largest steps as they were."""

    def __init__(self, mover):
        self.mover = mover
        if isinstance(mover, (IMP.core.RigidBodyMover, IMP.pmi.TransformMover)):
            self.names = ("maximum_translation", "maximum_rotation")
        elif isinstance(mover, IMP.core.BallMover):
            self.names = ("radius",)
        elif isinstance(mover, IMP.core.NormalMover):
            self.names = ("sigma",)
        else:
            self.names = ()
        self.given = [getattr(mover, "get_" + name)() for name in self.names]

    def scale(self, factor):
        for name, given in zip(self.names, self.given, strict=True):
            getattr(self.mover, "set_" + name)(factor * given)
