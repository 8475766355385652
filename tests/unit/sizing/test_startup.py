"""How long a model takes to start."""

import pytest

from catalog.models import model
from sizing.memory import weights_bytes
from sizing.startup import ENGINE_START_SECONDS, STARTUP_MARGIN, shm_bytes, startup_seconds


def test_reading_the_weights_comes_on_top_of_starting_the_engine() -> None:
    weights = weights_bytes(model("llama-3.3-70b"), "bf16")
    assert startup_seconds(weights, 1_000_000_000) == ENGINE_START_SECONDS + 142


def test_a_70b_over_a_slow_disk_gets_more_than_the_ten_minutes_that_others_give() -> None:
    weights = weights_bytes(model("llama-3.3-70b"), "bf16")
    patience = startup_seconds(weights, 200_000_000) * STARTUP_MARGIN
    assert patience > 60 * 10
    assert patience == 1509  # 1.5 x (300 + 706) s


def test_a_bandwidth_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="bandwidth must be positive, got 0"):
        startup_seconds(1, 0)


def test_shared_memory_grows_with_the_gpus_of_a_pod() -> None:
    assert [shm_bytes(gpus) // 1024**3 for gpus in (0, 1, 8)] == [2, 2, 16]
