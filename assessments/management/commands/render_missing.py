"""`manage.py render_missing`: print the PDFs that are missing, over several processes."""

from __future__ import annotations

import multiprocessing
import os
from argparse import ArgumentParser
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from django.core.management.base import CommandError

from assessments.management.printers import deaf_to_ctrl_c, set_up
from assessments.management.progress import bar
from assessments.management.scheduled import ScheduledCommand
from assessments.management.stopping import stoppable
from assessments.models import StoredPdf
from assessments.services.printing import print_missing, without_pdf


class Command(ScheduledCommand):
    """Prints what has no PDF yet. It can be stopped at any time: the next run continues from there."""

    help = "Render missing PDFs of attested and shared self-checks. You can stop it; the next run continues."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--processes", type=int, default=os.cpu_count() or 1, help="how many processes to use"
        )
        parser.add_argument("--dry-run", action="store_true", help="only count the missing PDFs")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = without_pdf()
        if options["dry_run"] or not wanted:
            self.stdout.write(f"Missing PDFs: {len(wanted)}.")
            return
        try:
            with stoppable("Stopped. Finished PDFs are kept. To continue, run the command again."):
                failed = self._print(wanted, max(1, min(options["processes"], len(wanted))))
        except BrokenProcessPool as error:
            raise CommandError(
                "Another program ended one of the processes, perhaps because memory ran out. Finished PDFs are kept. "
                "Run the command again with fewer --processes."
            ) from error
        done = len(wanted) - failed
        self.stdout.write(f"Rendered {done:,} PDF{'' if done == 1 else 's'}.")
        if failed:
            raise CommandError(
                f"Could not render: {failed}. The log gives the reasons. Run the command again."
            )

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
