"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real maps, structures and mixtures; tests that need it skip without it."""
    folder = Path(os.environ.get("EMGMM_SHARED_DATA", _REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            f"needs the shared data folder ({folder.name}), which is not beside the checkout"
        )
    return folder


@pytest.fixture(scope="session")
def native_gmm(tmp_path_factory) -> Path:
    """Data GMM of the example's complex as it is in the crystal."""
    from emgmm.forward.structure import chain_mixture
    from emgmm.io.gmm import write_gmm
    from emgmm.io.structures import read_structure

    path = tmp_path_factory.mktemp("data") / "native.txt"
    structure = read_structure(_REPOSITORY / "examples" / "1bd2" / "complex.pdb.gz")
    write_gmm(path, chain_mixture(structure))
    return path


@pytest.fixture
def load_sampling(tmp_path):
    """Loads settings of which only [sampling] is of interest."""
    from emgmm.config import load_config

    (tmp_path / "t.txt").write_text("")
    path = tmp_path / "system.toml"

    def load(text):
        path.write_text("[system]\ntopology = 't.txt'\n[sampling]\n" + text)
        return load_config(path)

    return load
