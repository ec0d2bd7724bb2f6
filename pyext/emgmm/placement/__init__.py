"""The global search: where the bodies of a complex are, from nothing."""

from .place import place_system
from .search import Placement

__all__ = ["Placement", "place_system"]
