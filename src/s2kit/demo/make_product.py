"""One product of an invented scene: its pixels in all bands, layers and masks, and its SAFE folder."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.demo import package
from s2kit.demo import writer as out
from s2kit.demo.landscape import Landscape
from s2kit.demo.metadata import product_metadata, tile_metadata
from s2kit.demo.noise import block_mean, fractal
from s2kit.demo.scene_product import NATIVE_M, SceneProduct
from s2kit.demo.spectra import BAND_NAMES, Palette
from s2kit.demo.weather import SWATH_SLANT, Sky, at_ground
from s2kit.grid import Grid

Floats = NDArray[np.float32]
Images = dict[tuple[str, int], NDArray[Any]]
"""`(band or layer, resolution in m)` → `[component, row, col]`."""

_TCI_BANDS = ("B04", "B03", "B02")
_TCI_WHITE = {"L1C": 0.3558, "L2A": 0.2}
"""Reflectance that the true-colour image shows as 255 (PSD, section on the True Colour Image)."""
_QUANTIFICATION = 10000
_MAX_DN = 32767
_PVI_M = 320
_NOISE = 0.0007
_DETECTOR_M = 25000.0
_CLOUDS, _CIRRUS = (8, 9), (10,)


def seen_reflectance(land: Landscape, colours: Palette, sky: Sky, band: int, *, seed: tuple[int, int, int]) -> Floats:
    """Reflectance at the ground at 10 m with the instrument's noise at the band's own resolution."""
    rng = np.random.default_rng(seed)
    rho = at_ground(land, colours, sky, band)
    noise = rng.standard_normal(rho.shape, dtype=np.float32) * np.float32(_NOISE * NATIVE_M[band] / 10)
    return rho + noise


def band_images(product: SceneProduct, band: str, rho: Floats, sky: Sky) -> Images:
    """A band's digital numbers at every resolution that the product has it at.

    Args:
        product: Level and baseline.
        band: Its name.
        rho: Reflectance at 10 m.
        sky: For the swath.
    """
    made: Images = {}
    for name, res, _ in product.images():
        if name == band:
            dn = np.rint(block_mean(rho, res // 10) * _QUANTIFICATION) - product.offset
            made[name, res] = _coded(dn, _seen(sky, res // 10))
    return made


def layer_images(
    product: SceneProduct, bands: Images, scl: NDArray[np.uint8], sky: Sky, *, seed: tuple[int, int]
) -> Images:
    """TCI, and for L2A the SCL, aerosol and water vapour maps, at the resolutions that the product has."""
    side = product.grid.width
    air = fractal(side // 6, 3.6, np.random.default_rng((*seed, 99)))
    made: Images = {}
    for name, res, _ in product.images():
        if name == "TCI":
            made[name, res] = _true_colour(product, [bands[band, res] for band in _TCI_BANDS])
        elif name == "SCL":
            made[name, res] = (scl if res == 20 else scl[1::3, 1::3])[None]
        elif name in ("AOT", "WVP"):
            value = 132 + 9 * air if name == "AOT" else 1840 + 140 * air
            made[name, res] = _coded(np.rint(np.kron(value, np.ones((60 // res,) * 2))), _seen(sky, res // 10))
    return made


def _coded(dn: NDArray[Any], seen: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Digital numbers `[1, row, col]`: 1 to 32767, 0 outside the swath."""
    return np.where(seen, np.clip(dn, 1, _MAX_DN), 0).astype(np.uint16)[None]


def _seen(sky: Sky, factor: int) -> NDArray[np.bool_]:
    """True where all pixels of a square are inside the swath."""
    rows, cols = (size // factor for size in sky.seen.shape)
    if sky.seen.all():
        return np.ones((rows, cols), np.bool_)
    columns = np.logical_and.reduce([sky.seen[:, at::factor] for at in range(factor)])
    return np.asarray(np.logical_and.reduce([columns[at::factor] for at in range(factor)]), np.bool_)


def _true_colour(product: SceneProduct, bands: list[NDArray[Any]]) -> NDArray[np.uint8]:
    """`[3, row, col]`: 1 to 255, linear in reflectance, 0 for no data."""
    dn = np.concatenate(bands).astype(np.float32)
    share = (dn + product.offset) / np.float32(_QUANTIFICATION * _TCI_WHITE[product.level])
    picture: NDArray[np.uint8] = np.where(dn == 0, 0, np.clip(np.rint(share * 254 + 1), 1, 255)).astype(np.uint8)
    return picture


def write_product(
    folder: Path, product: SceneProduct, images: Images, scl: NDArray[np.uint8], sky: Sky, *, tlm: bool
) -> Path:
    """Write a product as a SAFE folder; it appears under its name when it is complete.

    Args:
        folder: Where the SAFE folder goes.
        product: Names and dates.
        images: All bands and layers that the product lists.
        scl: Scene classification at 20 m.
        sky: Clouds, sun and swath.
        tlm: True for tables of tile-part lengths.

    Returns:
        The SAFE folder.
    """
    ring = _footprint(product.grid, sky)
    counts = np.bincount(scl.ravel(), minlength=12) * (100 / scl.size)
    valid = max(100 - counts[0], 1e-9)
    shares = {code: float(counts[code] * 100 / valid if code else counts[0]) for code in range(12)}
    cloud_pct = sum(shares[code] for code in (*_CLOUDS, *_CIRRUS))
    granule = f"GRANULE/{product.granule}"
    with out.new_folder(folder / f"{product.name}.SAFE") as root:
        paths = [product.metadata_name, "INSPIRE.xml", "HTML/UserProduct_index.html", "HTML/UserProduct_index.xsl"]
        paths += _write_strip(root, product)
        paths += _write_auxiliary(root, product)
        for band, res, path in product.images():
            tci = band == "TCI" and (res == 60 or product.level == "L1C")
            coding = out.PICTURE if tci else out.CODINGS[res]
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            out.write_jp2(root / f"{path}.jp2", images[band, res], _grid(product, res), coding, tlm=tlm)
            paths.append(f"{path}.jp2")
        masks = _write_masks(root, product, scl, sky)
        paths += [f"{granule}/MTD_TL.xml", *(path for _, _, path in masks), *_write_quality(root, product)]
        picture = images["TCI", 10 if product.level == "L1C" else 60]
        paths.append(_write_preview(root, product, picture))
        lons, lats = zip(*ring, strict=True)
        listed = [mask for mask in masks if not mask[2].endswith(".gml") or mask[0] != "MSK_CLOUDS"]
        texts = {
            product.metadata_name: product_metadata(product, ring, cloud_pct, shares),
            "INSPIRE.xml": package.inspire(product, (min(lons), min(lats), max(lons), max(lats))),
            "HTML/UserProduct_index.html": package.page(product),
            "HTML/UserProduct_index.xsl": package.stylesheet(),
            f"{granule}/MTD_TL.xml": tile_metadata(product, sky.sun, listed, cloud_pct, shares[0]),
            **_schemas(product),
        }
        for path, text in texts.items():
            out.write_text(root, path, text)
        (root / "AUX_DATA").mkdir()
        entries = out.listed(root, paths, product.checksum_name)
        out.write_text(root, "manifest.safe", package.manifest(product, entries, ring))
    return folder / f"{product.name}.SAFE"


def _grid(product: SceneProduct, resolution_m: int) -> Grid:
    grid = product.grid
    size = grid.width * 10 // resolution_m
    return Grid(grid.epsg, grid.west, grid.north, float(resolution_m), size, size)


def _footprint(grid: Grid, sky: Sky) -> list[tuple[float, float]]:
    """Ring of `(lon, lat)` around the pixels inside the swath."""
    west, south, east, north = grid.bounds
    gap = float(np.argmax(sky.seen[0])) * 10
    foot = gap - (north - south) * SWATH_SLANT
    ring = [(west + gap, north), (east, north), (east, south), (west + max(foot, 0.0), south)]
    if gap and foot < 0:  # the edge of the swath leaves the scene in the west and not in the south
        ring.append((west, north - gap / SWATH_SLANT))
    return out.to_lonlat([*ring, ring[0]], grid.epsg)


def _write_strip(root: Path, product: SceneProduct) -> list[str]:
    folder = f"DATASTRIP/{product.datastrip}"
    out.write_text(root, f"{folder}/MTD_DS.xml", package.datastrip_metadata(product))
    paths = [f"{folder}/MTD_DS.xml"]
    for check in package.STRIP_CHECKS:
        paths.append(f"{folder}/QI_DATA/{check}.xml")
        out.write_text(root, paths[-1], package.report(product, check))
    return paths


def _write_auxiliary(root: Path, product: SceneProduct) -> list[str]:
    """Weather (and from 04.00 on aerosol) forecasts, one GRIB message each; 137 is water vapour, 207 aerosol."""
    files = {"AUX_CAMSFO": 207, "AUX_ECMWFT": 137} if product.has_offset else {"AUX_ECMWFT": 137}
    paths = []
    for name, parameter in files.items():
        paths.append(f"GRANULE/{product.granule}/AUX_DATA/{name}")
        out.write_text(root, paths[-1], package.weather_message(product, parameter))
    return paths


def _write_quality(root: Path, product: SceneProduct) -> list[str]:
    checks = ["FORMAT_CORRECTNESS", "GENERAL_QUALITY", "GEOMETRIC_QUALITY", "SENSOR_QUALITY"]
    if product.level == "L2A":
        checks.append("L2A_QUALITY" if product.has_offset else "RADIOMETRIC_QUALITY")
    paths = []
    for check in sorted(checks):
        paths.append(f"GRANULE/{product.granule}/QI_DATA/{check}.xml")
        out.write_text(root, paths[-1], package.report(product, check))
    return paths


def _schemas(product: SceneProduct) -> dict[str, str]:
    """Schemas in `rep_info/`, which no manifest lists."""
    kind = "Level-2A" if product.level == "L2A" else "Level-1C"
    return {f"rep_info/S2_User_Product_{kind}_Metadata.xsd": package.schema(f"{kind}_User_Product")}


def _write_preview(root: Path, product: SceneProduct, picture: NDArray[Any]) -> str:
    """The small picture at 320 m."""
    metres = product.grid.width * 10
    size = max(1, metres // _PVI_M)
    at = (np.arange(size) * _PVI_M + _PVI_M // 2) * picture.shape[1] // metres
    path = f"GRANULE/{product.granule}/QI_DATA/{product.prefix}_PVI.jp2"
    grid = Grid(product.grid.epsg, product.grid.west, product.grid.north, float(_PVI_M), size, size)
    out.write_jp2(root / path, np.ascontiguousarray(picture[:, at][:, :, at]), grid, out.PREVIEW)
    return path


def _write_masks(
    root: Path, product: SceneProduct, scl: NDArray[np.uint8], sky: Sky
) -> list[tuple[str, int | None, str]]:
    """All masks; `(type, bandId or None, path)`."""
    folder = f"GRANULE/{product.granule}/QI_DATA"
    (root / folder).mkdir(parents=True, exist_ok=True)
    masks: list[tuple[str, int | None, str]] = []
    if product.has_offset:
        masks += _write_raster_masks(root, product, scl, sky)
    else:
        for name, text in package.gml_masks(product, _cloud_rings(product, scl)).items():
            out.write_text(root, f"{folder}/{name}", text)
            band = name[-7:-4]
            number = BAND_NAMES.index(band) if band in BAND_NAMES else None
            masks.append((name.rsplit("_", 1)[0], number, f"{folder}/{name}"))
    if product.level == "L2A":
        for kind, codes in (("CLDPRB", {8: 55, 9: 98, 10: 30}), ("SNWPRB", {11: 95})):
            for res in (20, 60):
                path = f"{folder}/MSK_{kind}_{res}m.jp2"
                table = np.zeros(12, np.uint8)
                table[list(codes)] = list(codes.values())
                share = table[scl if res == 20 else scl[1::3, 1::3]][None]
                out.write_jp2(root / path, share, _grid(product, res), out.CODINGS[res])
                masks.append((f"MSK_{kind}", None, path))
    return masks


def _write_raster_masks(
    root: Path, product: SceneProduct, scl: NDArray[np.uint8], sky: Sky
) -> list[tuple[str, int | None, str]]:
    """Cloud classes at 60 m; detectors and quality flags at every band's resolution."""
    folder = f"GRANULE/{product.granule}/QI_DATA"
    coarse = scl[1::3, 1::3]
    clouds = np.stack([np.isin(coarse, _CLOUDS), np.isin(coarse, _CIRRUS), coarse == 11]).astype(np.uint8)
    out.write_jp2(root / f"{folder}/MSK_CLASSI_B00.jp2", clouds, _grid(product, 60), out.PICTURE)
    masks: list[tuple[str, int | None, str]] = [("MSK_CLASSI", None, f"{folder}/MSK_CLASSI_B00.jp2")]
    codings = {10: out.BANDS_10M, 20: out.MASKS_20M, 60: out.PICTURE}
    encoded: dict[tuple[str, int], bytes] = {}
    for kind in ("DETFOO", "QUALIT"):
        for number, band in enumerate(BAND_NAMES):
            res = NATIVE_M[number]
            path = f"{folder}/MSK_{kind}_{band}.jp2"
            if (kind, res) in encoded:
                (root / path).write_bytes(encoded[kind, res])
            else:
                grid = _grid(product, res)
                pixels = _detectors(grid, sky) if kind == "DETFOO" else np.zeros((8, *grid.shape), np.uint8)
                out.write_jp2(root / path, pixels, grid, codings[res])
                encoded[kind, res] = (root / path).read_bytes()
            masks.append((f"MSK_{kind}", number, path))
    return masks


def _detectors(grid: Grid, sky: Sky) -> NDArray[np.uint8]:
    """Number of the detector that saw each pixel, 0 for none: slanted stripes 25 km wide."""
    x = np.arange(grid.width)[None, :] * grid.resolution_m
    y = np.arange(grid.height)[:, None] * grid.resolution_m
    number = 7 + ((x + y * SWATH_SLANT + _DETECTOR_M * 0.6) // _DETECTOR_M).astype(np.uint8)
    return np.where(_seen(sky, round(grid.resolution_m / 10)), number, 0).astype(np.uint8)[None]


def _cloud_rings(product: SceneProduct, scl: NDArray[np.uint8]) -> list[list[tuple[float, float]]]:
    labels = np.isin(scl[1::3, 1::3], _CLOUDS).astype(np.int32)
    return [ring for _, ring in out.outlines(labels, _grid(product, 60))]
