"""`manage.py render_missing`: print the PDFs that are missing, over several processes."""

from __future__ import annotations

import multiprocessing
import os
from argparse import ArgumentParser
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assessments.management.printers import deaf_to_ctrl_c, set_up
from assessments.management.progress import bar
from assessments.management.stopping import stoppable
from assessments.models import StoredPdf
from assessments.services.printing import print_missing, without_pdf


class Command(BaseCommand):
    """Prints what has no PDF yet. It can be stopped at any time: the next run continues from there."""

    help = "Print the PDFs of attestations and shares that are missing. Stop it at any time; the next run goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at once")
        parser.add_argument("--dry-run", action="store_true", help="say how many are missing, and print none")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = without_pdf()
        if options["dry_run"] or not wanted:
            self.stdout.write(f"PDFs that are missing: {len(wanted)}.")
            return
        try:
            with stoppable("Stopped. What is printed is kept: run it again, and it goes on from there."):
                failed = self._print(wanted, max(1, min(options["processes"], len(wanted))))
        except BrokenProcessPool as error:
            raise CommandError(
                "One of the processes was ended from outside, for want of memory perhaps. What is printed is kept: "
                "run it again, with fewer --processes."
            ) from error
        self.stdout.write(f"PDFs printed: {len(wanted) - failed}.")
        if failed:
            raise CommandError(f"PDFs that could not be printed: {failed}. The log says why; run it again.")

    def _print(self, wanted: list[tuple[str, int, StoredPdf.Kind]], processes: int) -> int:
        """Print these PDFs; return how many could not be printed."""
        failed = 0
        spawn = multiprocessing.get_context("spawn")
        with (
            bar() as progress,
            ProcessPoolExecutor(processes, mp_context=spawn, initializer=set_up) as pool,
        ):
            task = progress.add_task("PDFs", total=len(wanted))
            try:
                with deaf_to_ctrl_c():
                    printed = pool.map(print_missing, wanted)
                for is_there in printed:
                    failed += not is_there
                    progress.advance(task)
            except KeyboardInterrupt:
                pool.shutdown(cancel_futures=True)
                raise
        return failed
