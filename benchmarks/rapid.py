"""RapidOCR's own loop in a separate process, with the same weights and pictures and two threads.

`python -m benchmarks.rapid onnxruntime|openvino PASSES FILE…` prints the seconds of each pass and the texts.
"""

import json
import sys
import time
from pathlib import Path

from rapidocr import EngineType, RapidOCR


def reader(engine: str) -> RapidOCR:
    """Returns RapidOCR with its default settings, except for the engine and its number of threads."""
    params = {f"{step}.engine_type": EngineType(engine) for step in ("Det", "Cls", "Rec")}
    threads = {
        "EngineConfig.onnxruntime.intra_op_num_threads": 2,
        "EngineConfig.openvino.inference_num_threads": 2,
    }
    return RapidOCR(params={**params, **threads, "Global.log_level": "error"})


def main() -> None:
    engine, passes, *files = sys.argv[1:]
    read = reader(engine)
    pictures = [Path(file).read_bytes() for file in files]
    texts = [list(getattr(read(picture), "txts") or ()) for picture in pictures]  # warm-up  # noqa: B009
    seconds = []
    for _ in range(int(passes)):
        start = time.perf_counter()
        for picture in pictures:
            read(picture)
        seconds.append(time.perf_counter() - start)
    sys.stdout.write(json.dumps({"seconds": seconds, "texts": texts}))


if __name__ == "__main__":
    main()
