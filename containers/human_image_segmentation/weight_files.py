"""The pinned files of trained parameters, importable without torch."""

from serving.feature import Url, WeightFile

_SINET_COMMIT = "9bc1bada1cb7bd17a3a80a2964980f4b4befef5b"
_MODNET_REVISION = "fa2fa546052fba4c08921230a26cc69a333fca12"

SINET = WeightFile(
    name="sinet_portrait.pth",
    source=Url(
        address="https://raw.githubusercontent.com/clovaai/ext_portrait_segmentation/"
        f"{_SINET_COMMIT}/result/SINet/SINet.pth"
    ),
    sha256="d164a9643c6e6765fc6dd4ec73f6018ad2526c21336911b4484715f33e6981a4",
    size=444787,
    license="MIT",
    origin="SINet by NAVER Clova, trained on portraits",
)
MODNET = WeightFile(
    name="modnet.onnx",
    source=Url(address=f"https://huggingface.co/Xenova/modnet/resolve/{_MODNET_REVISION}/onnx/model.onnx"),
    sha256="07c308cf0fc7e6e8b2065a12ed7fc07e1de8febb7dc7839d7b7f15dd66584df9",
    size=25888640,
    license="Apache-2.0",
    origin="MODNet by Zhanghan Ke et al., as ONNX by Xenova; its training portraits are not described",
)
