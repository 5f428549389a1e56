"""How long a site takes, and how large it gets: time, memory and sizes for a made-up table.

The table has 40 components, 780 pairs and 200 advisories. The site is written by a process of its own.

    python benchmarks/site.py [--cells 500 5000]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from stackcompat.core.text import size_words
from stackcompat.report.site.model import Published
from stackcompat.report.site.write import write_site
from support.large_table import large_advisories, large_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[500, 5000], help="Numbers of cells.")
    print("cells  pages   files   size        CPU time   memory")
    for cells in parser.parse_args().cells:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        worker = multiprocessing.get_context("spawn").Process(target=measure, args=(cells, sender))
        worker.start()
        print(receiver.recv())
        worker.join()


def measure(cells: int, answer: Connection) -> None:
    """Write a site and send a line of the table."""
    summary = large_table(cells=cells)
    published = Published("Made up", summary, large_advisories(summary))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        written = write_site(Path(folder), published)
        seconds = time.process_time() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    columns = f"{cells:<6} {written.pages:<7} {written.files:<7} {size_words(written.size):<11}"
    answer.send(f"{columns} {seconds:6.1f} s   {size_words(memory)}")


if __name__ == "__main__":
    main()
