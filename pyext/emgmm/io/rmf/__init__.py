"""RMF3 trajectories without IMP: trees of nodes, written and read.

`RmfWriter` writes frames of a tree, `read_rmf` reads files of any writer (RMF 1.3 and later, that
is `.rmf3`). How a modelled system becomes such a tree stands in `rmf_system`.
"""

from .leaves import Leaves
from .node import Node, number_nodes
from .read import RmfFile, read_rmf
from .schema import GAUSSIAN_PARTICLE, PARTICLE
from .write import RmfWriter, copy_frames

__all__ = [
    "GAUSSIAN_PARTICLE",
    "PARTICLE",
    "Leaves",
    "Node",
    "RmfFile",
    "RmfWriter",
    "copy_frames",
    "number_nodes",
    "read_rmf",
]
