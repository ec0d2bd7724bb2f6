"""The global search: where the bodies of a complex are, from nothing."""

from ..search.place import Placement, SearchProgress, place_system

__all__ = ["Placement", "SearchProgress", "place_system"]
