"""Specifications of the processes that s2kit has: the allow-list, and the official descriptions. Touches files.

The folder `specs` holds the descriptions as the openEO consortium publishes them (Apache-2.0).
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from s2kit.errors import NotFoundError

Spec = Mapping[str, Any]

AVAILABLE = """
absolute add add_dimension aggregate_spatial aggregate_temporal aggregate_temporal_period all and any apply
apply_dimension apply_kernel apply_neighborhood apply_polygon arccos arcosh arcsin arctan arctan2 array_append
array_apply array_concat array_contains array_create array_create_labeled array_element array_filter
array_find array_find_label array_interpolate_linear array_labels array_modify arsinh artanh between ceil clip
constant cos cosh count create_data_cube cummax cummin cumproduct cumsum date_between date_difference
date_shift dimension_labels divide drop_dimension e eq exp extrema filter_bands filter_bbox filter_labels
filter_spatial filter_temporal first flatten_dimensions floor gt gte if inspect int is_infinite is_nan
is_nodata is_valid last linear_scale_range ln load_collection load_geojson load_stac log lt lte mask
mask_polygon max mean median merge_cubes min mod multiply nan ndvi neq normalized_difference not or order pi
power product quantiles rearrange reduce_dimension reduce_spatial rename_dimension rename_labels
resample_cube_spatial resample_cube_temporal resample_spatial round save_result sd sgn sin sinh sort sqrt
subtract sum tan tanh text_begins text_concat text_contains text_ends text_find trim_cube variance
vector_buffer vector_reproject xor
""".split()  # noqa: SIM905 - 130 quoted words would be no easier to read
"""Ids of all processes. What runs code or opens addresses of the graph (`run_udf`, `load_url`) is not among them."""


@cache
def specs() -> Mapping[str, Spec]:
    """All descriptions by id."""
    folder = Path(__file__).with_name("specs")
    return MappingProxyType(
        {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in AVAILABLE}
    )


def spec_of(name: str) -> Spec:
    """Description of one process.

    Raises:
        NotFoundError: There is no such process.
    """
    if name not in specs():
        import difflib

        near = difflib.get_close_matches(name, specs(), 1)
        hint = f"did you mean {near[0]}?" if near else "s2kit processes lists all"
        raise NotFoundError(f"there is no process {name!r}", hint)
    return specs()[name]


def parameters_of(spec: Spec) -> Mapping[str, Mapping[str, Any]]:
    """Parameters of a process (or of a callback) by name."""
    return {one["name"]: one for one in spec.get("parameters", ())}
