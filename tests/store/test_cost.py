import pytest

from s2kit.errors import UsageError
from s2kit.store.archive import ARCHIVES
from s2kit.store.cost import estimate, parse_size, size_text


def test_a_product_of_800_megabytes_costs_about_seven_cents_outside_the_region():
    cost = estimate(ARCHIVES["aws-l1c"], 800_000_000, 60, 2)
    assert 0.07 < cost.usd < 0.08
    assert cost.usd_in_region == pytest.approx(60 * 0.00043 / 1000 + 2 * 0.0054 / 1000, abs=1e-6)


def test_a_free_archive_costs_nothing():
    assert estimate(ARCHIVES["gcp"], 10**12, 10**6, 10**3).usd == 0


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [("20GB", 20 * 10**9), ("1.5 GiB", 1_610_612_736), ("7", 7), ("3k", 3000), ("", None), ("1tb", 10**12)],
)
def test_sizes_are_read(text, nbytes):
    assert parse_size(text) == nbytes


@pytest.mark.parametrize("text", ["20 apples", "-1", "GB", "1e9", "1_000"])
def test_what_is_no_size_is_a_usage_error(text):
    with pytest.raises(UsageError):
        parse_size(text)


def test_sizes_are_written():
    assert [size_text(n) for n in (0, 999, 1000, 812_400_000, 2_100_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "812.4 MB",
        "2.1 GB",
    ]
