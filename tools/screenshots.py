"""Takes pictures of every page, at both widths and in both colour schemes: `make screenshots`.

Serves the portal from a temporary database with the demonstration, opens its pages in Chromium, and writes the
pictures, and all of them on `sheet.png`, to var/screenshots/. Also writes the two smaller pictures of the README.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "assessments" / "samples"
OUT = ROOT / "var" / "screenshots"
README_PICTURES = ROOT / "static" / "images"

WIDTHS = (1280, 360)
SCHEMES = ("light", "dark")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# In a container, Chromium has no sandbox, no graphics card and little shared memory, and needs no updates.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PUBLIC = {
    "home": "/",
    "bring-back": "/check/bring-back",
    "example": "/examples/nothing-flagged",
    "help": "/help",
    "privacy": "/privacy",
    "accessibility": "/accessibility",
    "deleted": "/deleted",
    "sign-in": "/account/login/",
    "new-password": "/account/password/reset/",
    "style": "/style/",
}
CHECK = {
    "home-with-check": "/",
    "tasks": "/check/",
    "details": "/check/details",
    "section-resources": "/check/section/resources",
    "section-gifts": "/check/section/gifts",
    "section-moderation": "/check/section/moderation",
    "answers": "/check/answers",
    "advisory": "/check/advisory",
}
SIGNED_IN = {
    "register": "/office/",
    "new-account": "/office/accounts/new",
    "account": "/office/accounts/2",
    "edit-account": "/office/accounts/2/edit",
    "assessment": "/assessments/2/",
    "assessment-section": "/assessments/2/section/gifts",
    "assessment-advisory": "/assessments/2/advisory",
    "change-password": "/account/password/change/",
    "office-people": "/office/1/people",
    "trail": "/office/1/trail",
    "your-sign-in": "/account/security/",
    "sessions": "/account/sessions/",
    "passkey": "/account/passkeys/add/",
    "review": "/assessments/2/review",
    "review-narrow": "/assessments/2/review?section=conduct&show=open",
    "waiting": "/office/waiting",
}
ATTESTED = {
    "attest": "/assessments/1/attest",
    "attest-incomplete": "/assessments/2/attest",
    "attested": "/assessments/4/",
    "attested-advisory": "/assessments/4/advisory",
    "share-pick": "/assessments/4/share",
    "shared": "/shares/1",
}
OFFICERS = {
    "desk": "/desk/",
    "desk-nothing-fits": "/desk/?state=withdrawn",
    "desk-with-fault": "/desk/?since=yesterday&state=standing",
    "officer-shared": "/shares/1",
    "verify": "/verify/",
}
ADMINISTRATORS = {
    "people": "/people/",
    "end-term": "/people/offices/1/end",
}
KEYS: dict[str, dict[str, Any]] = {"ADMINISTRATOR": {}, "OFFICER": {}}
"""For each role with an authenticator app: its secret, and the time step of its last code."""
ERRORS = ("400", "403", "404", "429", "500", "pages/no_pdf")


def main() -> None:
    """Delete the old pictures and take all of them."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        served(Path(scratch)) as address,
        sync_playwright() as tools,
    ):
        browser = tools.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for width in WIDTHS:
            for scheme in SCHEMES:
                walk(browser, address, width, scheme)
        for_readme(browser, address)
        browser.close()
    contact_sheet()
    sys.stderr.write(f"{len(list(OUT.glob('*-*.png')))} pictures, and all of them on {OUT / 'sheet.png'}\n")


def chromium() -> str:
    """The path of Chromium."""
    for name in CHROMIUM:
        if path := shutil.which(name):
            return path
    sys.exit("There is no Chromium on this machine.")


@contextmanager
def served(scratch: Path) -> Iterator[str]:
    """Serve the portal on a free port with a database of its own; yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    os.environ.update(DEBUG="true", DATABASE_URL=f"sqlite:///{scratch / 'db.sqlite3'}", EMAIL_URL="dummy:")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    manage = [sys.executable, str(ROOT / "manage.py")]
    # How a second step is set up is pictured too.
    forget = [["forget_second_step", f"{name}@demo.example"] for name in ("officer", "admin")]
    for command in (
        ["migrate", "--verbosity", "0"],
        ["createcachetable"],
        ["load_editions"],
        ["demo_data"],
        *forget,
    ):
        subprocess.run([*manage, *command], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    with (scratch / "log").open("w") as log:
        server = subprocess.Popen([*manage, "runserver", "--noreload", address], stdout=log, stderr=log)  # noqa: S603
        try:
            wait_for(f"http://{address}/", (scratch / "log"))
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait()


def wait_for(address: str, log: Path) -> None:
    """Wait until the server answers."""
    for _ in range(300):
        with suppress(OSError):
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
            return
        time.sleep(0.1)
    sys.exit(log.read_text())


def walk(browser: Browser, address: str, width: int, scheme: str) -> None:
    """Take pictures of every page: as a stranger, in a self-check, as a member, an administrator and an officer."""
    stranger = opened(browser, width, scheme)
    take_pictures(stranger, address, PUBLIC)
    page = stranger.new_page()
    page.goto(f"{address}/")
    page.get_by_role("button", name="Start a self-check").click()
    take_pictures(stranger, address, {"tasks-at-first": "/check/", "guard": "/check/section/election"})
    page.goto(f"{address}/check/bring-back")
    page.locator("#id_answers").fill('{"edition": "none", "answers": []}')
    page.get_by_role("button", name="Go on with these answers").click()
    page.wait_for_selector(".error-summary")
    picture(page, "bring-back-with-faults")
    bring_back(page, address, "conversion")
    take_pictures(stranger, address, CHECK)
    faulty(page, address)
    left_behind(page, address)
    errors(page, address)
    stranger.close()

    member = opened(browser, width, scheme)
    sign_in(member.new_page(), address)
    take_pictures(member, address, SIGNED_IN | ATTESTED)
    previewed(member, address)
    compared(member, address)
    invited(member, address)
    member.close()

    for role, pages in (("ADMINISTRATOR", ADMINISTRATORS), ("OFFICER", OFFICERS)):
        context = opened(browser, width, scheme)
        page = context.new_page()
        sign_in(page, address, role)
        second_step(page, address, role)
        take_pictures(context, address, pages)
        context.close()


def opened(browser: Browser, width: int, scheme: str) -> BrowserContext:
    """A browser window of this width, and as tall as such screens are."""
    size = {"width": width, "height": 900 if width > 1000 else 740}
    return browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        timezone_id="America/Toronto",
        locale="en-CA",
    )


def take_pictures(context: BrowserContext, address: str, pages: dict[str, str]) -> None:
    """Open each page and take its picture."""
    page = context.new_page()
    for name, path in pages.items():
        response = page.goto(address + path)
        if response is None or not response.ok:
            sys.exit(f"{path} answers {response and response.status}.")
        picture(page, name)
    page.close()


def picture(page: Page, name: str) -> None:
    """Take a picture of the whole page. Exit if the page is wider than its window."""
    page.wait_for_load_state()
    width = page.viewport_size["width"] if page.viewport_size else 0
    if page.evaluate("document.documentElement.scrollWidth") > width:
        sys.exit(f"{page.url} is wider than {width} pixels.")
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.screenshot(path=OUT / f"{name}-{width}-{'dark' if dark else 'light'}.png", full_page=True)


def bring_back(page: Page, address: str, sample: str) -> None:
    """Start a self-check with the answers of a sample."""
    page.goto(f"{address}/check/bring-back")
    page.locator("#id_answers").fill((SAMPLES / f"{sample}.json").read_text())
    page.get_by_role("button", name="Go on with these answers").click()
    page.wait_for_url("**/check/")


def faulty(page: Page, address: str) -> None:
    """Picture a section with an answer that cannot be read."""
    page.goto(f"{address}/check/section/gifts")
    page.locator("#q-gifts-value-input").fill("about five hundred")
    page.get_by_role("button", name="Save and continue").last.click()
    page.wait_for_selector(".error-summary")
    picture(page, "section-with-a-fault")


def left_behind(page: Page, address: str) -> None:
    """Picture the page for a stale form: everything that was typed, and the way to save it."""
    page.goto(f"{address}/check/section/conduct")
    page.evaluate("document.querySelector('#section-form [name=csrfmiddlewaretoken]').value = 'stale'")
    page.locator("#section-form").evaluate("form => HTMLFormElement.prototype.submit.call(form)")
    page.wait_for_selector(".error-summary")
    picture(page, "not-saved")


def errors(page: Page, address: str) -> None:
    """Picture the error pages. In DEBUG no URL leads to them, so they are rendered here."""
    import django  # noqa: PLC0415  # its settings need the environment, which is set by now

    django.setup()
    from django.template.loader import render_to_string  # noqa: PLC0415

    problem = {"problem": "The printer is busy with other documents. Try again in a minute.", "back": "/"}
    for template in ERRORS:
        body = render_to_string(f"{template}.html", problem)
        path = f"{address}/pictured/{template}"
        page.route(path, partial(Route.fulfill, body=body, content_type="text/html"))
        page.goto(path)
        picture(page, f"error-{template.rpartition('/')[2]}")


def sign_in(page: Page, address: str, role: str = "MEMBER") -> None:
    """Sign in as someone of the demonstration."""
    from assessments.management.commands import demo_data  # noqa: PLC0415  # needs settings

    person = getattr(demo_data, role)
    page.goto(f"{address}/account/login/")
    page.locator("[name=login]").fill(person.email)
    page.locator("[name=password]").fill(person.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login/" not in url)


def second_step(page: Page, address: str, role: str) -> None:
    """Picture how a second step is set up, and use it: the role sees nothing without one."""
    from tests.cast import code_at  # noqa: PLC0415  # needs settings

    key = KEYS[role]
    if "/second-step/" not in page.url:
        picture(page, "second-step-needed")
        page.goto(f"{address}/account/app/")
        picture(page, "authenticator-app")
        key["secret"] = page.locator("strong.note").inner_text()
    # A code works once.
    while (counter := int(time.time()) // 30) == key.get("counter"):
        time.sleep(1)
    key["counter"] = counter
    code = code_at(counter * 30, key["secret"])
    if "/second-step/" in page.url:
        picture(page, "second-step")
    page.locator("[name=code]").fill(code)
    page.locator("[name=code]").press("Enter")
    page.wait_for_url(lambda url: "/app/" not in url and "/second-step/" not in url)
    picture(page, "recovery-codes" if "/codes/" in page.url else f"{role.lower()}-at-first")


def previewed(member: BrowserContext, address: str) -> None:
    """Picture the preview of a share, and the error without consent."""
    page = member.new_page()
    page.goto(f"{address}/assessments/4/share")
    page.get_by_role("button", name="See what the office will see").click()
    page.wait_for_selector("#consent")
    picture(page, "share-preview")
    page.get_by_role("button", name="Share this").click()
    page.wait_for_selector(".error-summary")
    picture(page, "share-without-consent")
    page.close()


def compared(member: BrowserContext, address: str) -> None:
    """Picture the next self-check of an account, its answers to confirm, and its comparison with the one before."""
    page = member.new_page()
    page.goto(f"{address}/assessments/4/")
    page.get_by_role("button", name="Start the next self-check").click()
    page.wait_for_url("**/assessments/5/")
    picture(page, "reassessment")
    page.goto(f"{address}/assessments/5/section/gifts")
    picture(page, "to-confirm")
    page.goto(f"{address}/assessments/4/compare")
    picture(page, "compare")
    page.close()


def invited(member: BrowserContext, address: str) -> None:
    """Picture the page of an invitation whose link does not work."""
    page = member.new_page()
    page.goto(f"{address}/invitation/of-no-use")
    picture(page, "no-invitation")
    page.close()


def for_readme(browser: Browser, address: str) -> None:
    """Take the README's pictures: the top of the task list and of the advisory, in few colours."""
    context = browser.new_context(viewport={"width": 1120, "height": 860}, color_scheme="light")
    page = context.new_page()
    for sample, path, name in (
        ("first-ten-minutes", "/check/", "task-list"),
        ("conversion", "/check/advisory", "advisory-page"),
    ):
        bring_back(page, address, sample)
        page.goto(address + path)
        raw = OUT / f"{name}.png"
        page.screenshot(path=raw)
        in_its_own_colours(Image.open(raw).convert("RGB")).save(
            README_PICTURES / f"{name}.png", optimize=True
        )
        raw.unlink()
    context.close()


def in_its_own_colours(picture: Image.Image) -> Image.Image:
    """Reduce a picture to its 64 most frequent colours: Pillow's own choice would mix tints with the background."""
    counted = picture.getcolors(picture.width * picture.height) or []
    most = [colour for _, colour in sorted(counted, reverse=True)[:64]]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in most for part in colour])  # type: ignore[attr-defined]
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def contact_sheet() -> None:
    """Put all pictures on one sheet: the four of a page side by side, with tall ones cut off."""
    label, gap, tallest, across = 28, 12, 560, 2
    font = ImageFont.load_default(18)
    # Wide and narrow pictures keep the proportion of the screens, so that type sizes can be compared.
    shrunk = {1280: 360, 360: 140}
    names = sorted({path.stem.rsplit("-", 2)[0] for path in OUT.glob("*-*.png")})
    tile = sum(len(SCHEMES) * (shrunk[width] + gap) for width in WIDTHS) + gap
    rows = -(-len(names) // across)
    sheet = Image.new("RGB", (tile * across, rows * (tallest + label + 2 * gap)), "#8c8c8c")
    draw = ImageDraw.Draw(sheet)
    for at, name in enumerate(names):
        x, y = (at % across) * tile + gap, (at // across) * (tallest + label + 2 * gap) + gap
        draw.text((x, y), name, fill="#000000", font=font)
        for width in WIDTHS:
            for scheme in SCHEMES:
                picture = OUT / f"{name}-{width}-{scheme}.png"
                if not picture.exists():
                    # What can be set up only once has only one picture.
                    continue
                full = Image.open(picture).convert("RGB")
                height = min(round(full.height * shrunk[width] / width), tallest)
                part = full.crop((0, 0, width, min(full.height, round(height * width / shrunk[width]))))
                sheet.paste(part.resize((shrunk[width], height), Image.Resampling.LANCZOS), (x, y + label))
                x += shrunk[width] + gap
    sheet.quantize(128, dither=Image.Dither.NONE).save(OUT / "sheet.png", optimize=True)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
