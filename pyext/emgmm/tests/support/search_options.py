"""Options of a global search for tests."""

from emgmm import _core


def search_options(**given) -> _core.SearchOptions:
    """Options of a short search, but for what is given."""
    options = _core.SearchOptions()
    options.seed = 2
    options.tempering.steps_a_body = 1000
    for name, value in given.items():
        setattr(options, name, value)
    return options
