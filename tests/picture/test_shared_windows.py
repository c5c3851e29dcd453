"""Windows that are read together."""

from hypothesis import given
from hypothesis import strategies as st

from s2kit.grid import Window
from s2kit.picture.shared_windows import share_windows

windows = st.builds(Window, st.integers(-50, 9000), st.integers(-50, 9000), st.integers(1, 400), st.integers(1, 400))


@given(st.lists(windows, max_size=40))
def test_every_window_is_in_exactly_one_shared_read(pieces):
    shared = share_windows(pieces)
    assert sorted(member for read in shared for member in read.members) == list(range(len(pieces)))
    for read in shared:
        assert all(read.window.contains(pieces[member]) for member in read.members)


def test_neighbours_are_read_together_and_strangers_are_not():
    near = [Window(0, 0, 100, 100), Window(90, 0, 100, 100), Window(5000, 5000, 10, 10)]
    assert [read.members for read in share_windows(near)] == [(0, 1), (2,)]
