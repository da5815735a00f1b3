"""Time and memory of inspecting many records, and a hundredth of them.

python -m benchmarks.inspection [--records 1000000] [--json FILE]
"""

import argparse
import tempfile
import time
from pathlib import Path

from attention_ocr.data.inspection import Inspection, inspect_source
from attention_ocr.data.sources import open_source
from attention_ocr.settings.image import ImageConfig
from benchmarks import measure
from benchmarks.input_pipeline import write_many
from benchmarks.words import serialized_words


def inspect(pattern: str) -> dict[str, object]:
    """Inspect records and return time and memory."""
    before, start, cpu = measure.resident_mb(), time.perf_counter(), time.process_time()
    inspection = inspect_source(open_source(pattern), Inspection(ImageConfig()))
    wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    return {
        "records": inspection.num_examples,
        "seconds": wall_s,
        "CPU seconds": cpu_s,
        "records a second": inspection.num_examples / wall_s,
        "resident MB before": before,
        "resident MB": measure.resident_mb(),
        "peak MB": measure.peak_mb(),
    }


def main(arguments: argparse.Namespace) -> None:
    """Print a row for few records and one for many."""
    examples = serialized_words(64)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for num_records in (max(arguments.records // 100, 1), arguments.records):
            pattern = write_many(Path(folder) / str(num_records), examples, num_records)
            with measure.fresh_process() as process:
                rows.append(process.submit(inspect, pattern).result())
    measure.report(rows, arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="how many to inspect")
    main(parser.parse_args())
