import pytest

from scheduling.quantities import amount, bare


@pytest.mark.parametrize(
    ("resource", "value", "text"),
    [
        ("gpu_milli", 1000, "1 GPU"),
        ("gpu_milli", 500, "0.5 GPUs"),
        ("cpu_millicores", 1000, "1 core"),
        ("cpu_millicores", 32000, "32 cores"),
        ("memory_bytes", 256 * 1024**3, "256 GiB"),
        ("pods", 1, "1 pod"),
    ],
)
def test_amounts_carry_their_unit(resource: str, value: int, text: str) -> None:
    assert amount(resource, value) == text


@pytest.mark.parametrize(
    ("resource", "value", "text"),
    [("gpu_milli", 9250, "9.25"), ("cpu_millicores", 500, "0.5"), ("memory_bytes", 1024**3, "1 GiB"), ("pods", 2, "2")],
)
def test_bare_memory_keeps_its_unit(resource: str, value: int, text: str) -> None:
    assert bare(resource, value) == text
