"""Requests that carry one image, or two images to compare."""

from typing import TYPE_CHECKING, NamedTuple

from serving.errors import InvalidRequest

from .intake import ImageBase64, ImageRequest, ImageUrl, Media

if TYPE_CHECKING:
    from serving.arrays import Pixels


class ImagePairRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The request carries one image (`url` or `img`), or two (`url_1` or `img_1`, and `url_2` or `img_2`)."""

    url_1: ImageUrl = None
    img_1: ImageBase64 = None
    url_2: ImageUrl = None
    img_2: ImageBase64 = None


class NamedImage(NamedTuple):
    """An image, (H, W, 3) uint8 RGB, upright, and the field of the request that it came from."""

    image: "Pixels"
    field: str


def images_of(media: Media, request: ImagePairRequest) -> tuple[NamedImage, ...]:
    """Returns the one image of a request, or its two. Raises the same errors as `Media.image`."""
    absent = (None, None)
    pair = (request.url_1, request.img_1), (request.url_2, request.img_2)
    if pair == (absent, absent):
        return (_image_of(media, request.url, request.img, ""),)
    if (request.url, request.img) != absent:
        raise InvalidRequest("url, img: not together with url_1, img_1, url_2, img_2")
    return tuple(_image_of(media, *one, suffix) for one, suffix in zip(pair, ("_1", "_2"), strict=True))


def _image_of(media: Media, url: str | None, img: bytes | None, suffix: str) -> NamedImage:
    image = media.image(url=url, img=img, field=f"img{suffix}")
    return NamedImage(image, f"url{suffix}" if url else f"img{suffix}")
