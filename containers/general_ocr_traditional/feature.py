"""General OCR for traditional Chinese: its own endpoint with the same networks, which read both scripts."""

from containers.general_ocr.feature import PROFILES, OCRRequest, TextLines
from containers.general_ocr.feature import feature as simplified
from serving.feature import Feature, Measured, Measurements

feature = Feature(
    module=__name__,
    feature_id="GeneralOCRTraditional",
    title="General OCR (Traditional Chinese)",
    title_zh="通用文字识别（繁体中文）",
    summary="Recognises traditional Chinese, English, numbers and symbols in photographs and documents.",
    request=OCRRequest,
    response=TextLines,
    profiles=PROFILES,
    requires=simplified.requires,
    aliases=("general-ocr-traditional-chinese", "lite-ocr-traditional-chinese"),
    batching=simplified.batching,
    resources=simplified.resources,
    measured=Measurements(
        cpu=Measured(
            seconds=0.54,
            input="measured on general_ocr, which has the same networks",
            machine="2 vCPU Intel Xeon 2.5 GHz (Cascade Lake)",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
