"""`POST /api/jp2`: the JPEG 2000 web service, which the verb `pixels` comes from.

Every answer has status 200; what failed is one of four texts under `Error`, with the reason behind it.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from s2kit.errors import InputError, NotFoundError, S2KitError
from s2kit.pixels.dump import PixelFormat, PixelRequestError, legacy_error
from s2kit.pixels.request import LEGACY_ARCHIVE, PixelWish, parse_requests
from s2kit.pixels.run import PixelTask, dump_one, plan
from s2kit.serve.answers import told
from s2kit.serve.login import BASIC_LOGIN, basic_user
from s2kit.serve.names import checked_path, contained
from s2kit.serve.state import state_of
from s2kit.settings import Settings

router = APIRouter(tags=["JPEG 2000"], dependencies=BASIC_LOGIN)

_PIECE = 1 << 16


@router.post("/api/jp2")
async def jp2(request: Request) -> Response:
    """Pixels of a file of the configured archive: `{"Path": "tiles/…jp2", "rlevel": -1}`."""
    state = state_of(request)
    settings = state.loaded_for(basic_user(request)).settings
    body = await request.body()
    folder = TemporaryDirectory(prefix="s2kit-")
    try:
        most_px = state.options.limits.answer_px
        path = await state.work.run(request, lambda _: _dumped(body, settings, Path(folder.name), most_px))
    except S2KitError as error:
        folder.cleanup()
        return JSONResponse({"Error": f"{legacy_error(error)}: {told(error)}"})
    except BaseException:
        folder.cleanup()
        raise
    return StreamingResponse(_pieces(path, folder), media_type="application/json")


def _dumped(body: bytes, settings: Settings, folder: Path, most_px: int) -> Path:
    """The answer as a file, made like `s2kit pixels --request`."""
    wish = _wish(body, settings)
    planned = plan(wish, PixelFormat.JSON, settings)
    if planned.rows * planned.cols > most_px:
        raise InputError(
            f"{planned.rows} x {planned.cols} pixels are more than the {most_px} of one answer",
            f"ask for {_fitting(wish, settings, most_px)}",
        )
    path = folder / "answer.json"
    return dump_one(PixelTask(wish=wish, path=path, form=PixelFormat.JSON, settings=settings.access)).path


def _wish(body: bytes, settings: Settings) -> PixelWish:
    try:
        wishes = parse_requests(body.decode(), LEGACY_ARCHIVE)
    except UnicodeDecodeError as error:
        raise PixelRequestError("the request is not UTF-8") from error
    if len(wishes) != 1:
        raise PixelRequestError("one image at a time")
    wish = wishes[0]
    key = checked_path(wish.source.lstrip("/"))
    archive = settings.archives.get(LEGACY_ARCHIVE)
    if archive is not None and "://" not in archive.address:
        contained(Path(archive.address), key)
    return replace(wish, source=key, archive=LEGACY_ARCHIVE)


def _fitting(wish: PixelWish, settings: Settings, most_px: int) -> str:
    """The levels that are small enough for an answer."""
    levels = []
    for rlevel in range(1, 16):
        try:
            planned = plan(replace(wish, rlevel=rlevel), PixelFormat.JSON, settings)
        except NotFoundError:
            break
        if planned.rows * planned.cols <= most_px:
            levels.append(str(rlevel))
    return f"rlevel {' or '.join([*levels, '-1'])}"


def _pieces(path: Path, folder: "TemporaryDirectory[str]") -> Iterator[bytes]:
    with folder, path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
