"""Images rendered per core-second, by kind of text and difficulty, and by look.

    python -m benchmarks.rendering [--fonts=bundled] [--json=rendering.json]

Counts the processor time of one thread, so that other work on the machine matters little.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from attention_ocr.synthesis.looks import LOOKS
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from benchmarks.looks import KINDS


def measure_speed(config: SynthesisConfig, num_images: int, num_rounds: int) -> dict[str, Any]:
    """Measure the speed of a renderer.

    Args:
        config: Settings of the renderer.
        num_images: Images per round; each round renders new ones.
        num_rounds: Number of rounds, for the median.

    Returns:
        The figures by name, as JSON values.
    """
    start = time.process_time()
    renderer = Renderer(config)
    start_s = time.process_time() - start
    for index in range(num_images):
        renderer.render(index)
    speeds = []
    num_pixels = 0
    for number in range(1, num_rounds + 1):
        start = time.process_time()
        for image, _ in renderer.generate(number * num_images, (number + 1) * num_images):
            num_pixels += image.shape[0] * image.shape[1]
        speeds.append(num_images / (time.process_time() - start))
    return {
        "look": config.look,
        "kinds": "+".join(config.kinds),
        "difficulty": config.difficulty,
        "height": config.height,
        "num_faces": len(renderer.faces),
        "start_s": round(start_s, 2),
        "pixels_per_image": num_pixels // (num_rounds * num_images),
        "images_per_core_s": round(statistics.median(speeds)),
        "slowest_round": round(min(speeds)),
        "fastest_round": round(max(speeds)),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table and write JSON."""
    defaults = SynthesisConfig()
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--fonts", default=defaults.fonts, help="as in SynthesisConfig")
    parser.add_argument("--num_images", type=int, default=500, help="images per round")
    parser.add_argument("--num_rounds", type=int, default=5, help="number of rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    args = parser.parse_args(arguments)
    cv2.setNumThreads(1)

    print(
        f"{'look':<12}{'kinds':<24}{'difficulty':>10}{'images/core-s':>15}{'CPU ms':>8}"
        f"{'rounds':>16}{'pixels':>8}"
    )
    results = []
    kinds_of_text = (defaults.kinds, *((kind,) for kind in defaults.kinds))
    trials = [
        SynthesisConfig(kinds=kinds, difficulty=difficulty, fonts=args.fonts)
        for kinds in kinds_of_text
        for difficulty in (0.0, defaults.difficulty, 1.0)
    ]
    trials += [
        SynthesisConfig(
            kinds=KINDS.get(look, ("words",)), difficulty=0.9, fonts=args.fonts, look=look
        )
        for look in LOOKS
    ]
    for config in trials:
        result = measure_speed(config, args.num_images, args.num_rounds)
        results.append(result)
        rounds = f"{result['slowest_round']}–{result['fastest_round']}"
        print(
            f"{config.look:<12}{result['kinds']:<24}{config.difficulty:>10}"
            f"{result['images_per_core_s']:>15}{1000 / result['images_per_core_s']:>8.2f}"
            f"{rounds:>16}{result['pixels_per_image']:>8}"
        )
    print(f"{results[0]['num_faces']} faces, height {defaults.height}, fonts={args.fonts}")
    if args.json is not None:
        machine = {
            "processor": platform.processor() or platform.machine(),
            "num_cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        }
        content = {"benchmark": "rendering", "machine": machine, "results": results}
        args.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
