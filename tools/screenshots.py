"""Takes pictures of every page, at both widths and in both colour schemes: `make screenshots`.

Serves the portal from a temporary database with the demonstration, always on the same day, and opens its pages in
Chromium. Writes the pictures, and all of them on `sheet.png`, to var/screenshots/, and the pictures of the README to
static/images/. Exits with status 1 and a list of faults if a page could not be reached, is wider than its window, or
is neither pictured nor in NOT_PICTURED.
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
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, sync_playwright
from playwright.sync_api import Error as BrowserError

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "assessments" / "samples"
OUT = ROOT / "var" / "screenshots"
README_PICTURES = ROOT / "static" / "images"

DAY = datetime(2026, 11, 30, 10, tzinfo=ZoneInfo("America/Toronto"))
"""When all pictures are taken, whenever they are taken: the questions asked and the days shown depend on it."""
SIZES = ({"width": 1280, "height": 900}, {"width": 360, "height": 740})
SCHEMES = ("light", "dark")
LARGEST = 120_000
"""The most bytes of a picture in the README."""
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

# --- The pages -------------------------------------------------------------------------

PUBLIC = {
    "home": "/",
    "bring-back": "/check/bring-back",
    "example": "/examples/nothing-flagged",
    "help": "/help",
    "privacy": "/privacy",
    "accessibility": "/accessibility",
    "deleted": "/deleted",
    "sign-in": "/account/login/",
    "password-forgotten": "/account/password/reset/",
    "password-link-sent": "/account/password/reset/done/",
    "password-link-used": "/account/password/reset/key/1-used/",
    "password-is-set": "/account/password/reset/key/done/",
    "sign-in-suspended": "/account/inactive/",
    "verify": "/verify/",
    "verify-unknown": "/verify/AAAA-BBBB-CCCC-DDDD",
    "style": "/style/",
}
CHECK = {
    "home-with-check": "/",
    "tasks": "/check/",
    "ask": "/check/next/account.stage",
    "ask-group": "/check/next/signs",
    "ask-guard": "/check/next/election.use",
    "settled": "/check/settled",
    "details": "/check/details",
    "which-election": "/check/election",
    "section-resources": "/check/section/resources",
    "section-gifts": "/check/section/gifts",
    "section-moderation": "/check/section/moderation",
    "answers": "/check/answers",
    "advisory": "/check/advisory",
    "copies": "/check/copies",
}
MEMBERS = {
    "register": "/office/",
    "new-account": "/office/accounts/new",
    "account": "/office/accounts/2",
    "edit-account": "/office/accounts/2/edit",
    "waiting": "/office/waiting",
    "assessment": "/assessments/2/",
    "assessment-ask": "/assessments/2/next/gifts.value",
    "assessment-section": "/assessments/2/section/gifts",
    "assessment-settled": "/assessments/1/settled",
    "assessment-details": "/assessments/2/details",
    "assessment-answers": "/assessments/2/answers",
    "assessment-advisory": "/assessments/2/advisory",
    "assessment-copies": "/assessments/2/copies",
    "review": "/assessments/2/review",
    "review-everything": "/assessments/2/review?show=all",
    "review-filtered": "/assessments/2/review?section=conduct&show=open",
    "review-nothing-new": "/assessments/1/review",
    "attest": "/assessments/1/attest",
    "attest-incomplete": "/assessments/2/attest",
    "attested": "/assessments/4/",
    "attested-advisory": "/assessments/4/advisory",
    "attested-review": "/assessments/4/review",
    "share-pick": "/assessments/4/share",
    "shared": "/shares/1",
    "office-settings": "/office/1/settings",
    "office-people": "/office/1/people",
    "review-staff": "/office/1/people/review",
    "trail": "/office/1/trail",
    "retention": "/office/1/keeping",
    "office-copy": "/office/1/export",
    "erase": "/office/1/erase",
    "sign-in-settings": "/account/security/",
    "your-details": "/your-details/",
    "change-password": "/account/password/change/",
    "sessions": "/account/sessions/",
    "authenticator-app-offered": "/account/app/",
    "passkeys": "/account/passkeys/",
    "passkey": "/account/passkeys/add/",
    "confirm-password": "/account/reauthenticate/",
    "sign-out": "/account/logout/",
}
OFFICERS = {
    "desk": "/desk/",
    "desk-nothing-found": "/desk/?state=withdrawn",
    "desk-with-fault": "/desk/?since=yesterday&state=standing",
    "insights": "/desk/insights",
    "officer-shared": "/shares/1",
    "confirm-code": "/account/second-step/again/",
    "recovery-codes-left": "/account/codes/",
    "recovery-codes-new": "/account/codes/new/",
    "remove-app": "/account/app/remove/",
}
ADMINISTRATORS = {
    "people": "/people/",
    "portal-trail": "/people/trail",
    "invite-list": "/people/invite",
    "review-access": "/people/review",
    "rename-person": "/people/1/name",
    "rename-office": "/people/offices/1/name",
    "end-term": "/people/offices/1/end",
}
ERRORS = ("400", "403", "403_csrf", "404", "429", "500", "account/too_busy", "pages/no_pdf")
NOT_PICTURED = {
    "An action: its form is on another page, and it leads to one.": (
        "start restart check:move check:delete assessment:move assessment:delete assessment:restore assessment:done"
        " assessment:confirm assessment:look assessment:ready assessment:reply assessment:settle assessment:reassess"
        " assess_account seen mail check:stay remove_staff revoke_invitation resend_invitation set_active hold"
        " choose_export advise end_session change_email cancel_email assign_share mark_dealt"
    ),
    "A file, or a probe for monitoring.": (
        "check:pdf check:json check:file check:dates check:staff_page assessment:pdf assessment:json assessment:file"
        " assessment:dates assessment:staff_page example_pdf questionnaire insights_pdf share_pdf share_summary"
        " share_json share_exchange mfa_download_recovery_codes invitation_template live ready metrics"
        " security_txt robots_txt"
    ),
    "It leads to the next question.": "check:next assessment:next",
    "A script calls it to keep a session open.": "check:extend stay",
    "It needs the link in an email.": "confirm_email",
    "Only those whose password was removed can open it.": "account_set_password",
    "Nobody can sign up.": "account_signup",
    "It needs a security key.": "mfa_remove_webauthn mfa_reauthenticate_webauthn mfa_login_webauthn",
    "It needs a single sign-on provider.": (
        "single_sign_on confirm_by_single_sign_on single_sign_on_callback join_by_single_sign_on link_single_sign_on"
        " unlink_single_sign_on"
    ),
}
"""The names of the URLs that no picture shows, by the reason."""
KEY = "the-key-of-a-pictured-invitation"


# --- Serving ---------------------------------------------------------------------------


def chromium() -> str:
    """The path of Chromium."""
    for name in CHROMIUM:
        if path := shutil.which(name):
            return path
    sys.exit("There is no Chromium on this machine.")


@contextmanager
def served(scratch: Path, day: datetime | None = None) -> Iterator[str]:
    """Serve the portal on a free port with a database of its own; yield its URL.

    With `day`, its clock starts then, and the demonstration is an hour older.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    os.environ.update(DEBUG="true", DATABASE_URL=f"sqlite:///{scratch / 'db.sqlite3'}", EMAIL_URL="dummy:")
    os.environ["MEDIA_ROOT"] = str(scratch / "media")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    manage = serve = [sys.executable, str(ROOT / "manage.py")]
    if day:
        # The clock stands still until the server starts, so that a slow machine writes the same times.
        manage = at_another_time(f"{day.timestamp() - 3600}, tick=False")
        serve = at_another_time(f"time.time() + {ahead(day)}")
    # How a second step is set up is pictured too.
    forget = [["forget_second_step", f"{name}@demo.example"] for name in ("officer", "admin")]
    for command in (
        ["migrate", "--verbosity", "0"],
        ["createcachetable"],
        ["load_editions"],
        ["demo_data"],
        *forget,
    ):
        subprocess.run([*manage, *command], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)  # noqa: S603
    with (scratch / "log").open("w") as log:
        server = subprocess.Popen(  # noqa: S603
            [*serve, "runserver", "--noreload", address], stdout=log, stderr=log, cwd=ROOT
        )
        try:
            wait_for(f"http://{address}/", (scratch / "log"))
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait()


def at_another_time(clock: str) -> list[str]:
    """The start of a command line of manage.py with another clock. `clock`: the arguments of time_machine.travel."""
    start = (
        f"import time, sys, time_machine; time_machine.travel({clock}).start();"
        "from django.core.management import execute_from_command_line as run; run(['manage.py', *sys.argv[1:]])"
    )
    return [sys.executable, "-c", start]


def ahead(day: datetime) -> float:
    """How many seconds after now `day` is."""
    return day.timestamp() - time.time()


def wait_for(address: str, log: Path) -> None:
    """Wait until the server answers."""
    for _ in range(300):
        with suppress(OSError):
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
            return
        time.sleep(0.1)
    sys.exit(log.read_text())


def set_up(day: datetime) -> str:
    """Add what the demonstration lacks: an open invitation, and a draft that changed since staff looked at it.

    Returns the token of a link that turns off emails.
    """
    import django  # noqa: PLC0415  # its settings need the environment, which is set by now
    import time_machine  # noqa: PLC0415

    django.setup()
    from django.utils import timezone  # noqa: PLC0415

    from assessments.models import Assessment, Invitation, User  # noqa: PLC0415
    from assessments.models.invitations import key_hash  # noqa: PLC0415
    from assessments.services import notices, people, reviewing  # noqa: PLC0415

    with time_machine.travel(day.timestamp() - 1800, tick=False):
        member, staff = (User.objects.get(email=f"{name}@demo.example") for name in ("member", "staff"))
        draft = Assessment.objects.select_related("edition", "account__office__member").get(pk=2)
        invitation = people.invite(
            email="invited@demo.example", role="staff", office=draft.account.office, by=member
        )
        Invitation.objects.filter(pk=invitation.pk).update(key_hash=key_hash(KEY))
        reviewing.look(assessment=draft, by=staff)
        changed = draft.answers.filter(question__in=("gifts.value", "conduct.abuse"))
        changed.update(answered_by=member, answered_at=timezone.now())
        thread = draft.threads.get(about="question", subject="gifts.value")
        text = "No, only these two. I have the invoices."
        reviewing.reply(thread=thread, text=text, by=member, seen=thread.version)
        return notices.stop_token(member)


# --- Taking pictures -------------------------------------------------------------------


class Camera:
    """A browser on the portal. It keeps the names of the URLs that were pictured, and every fault.

    `clock` is how many seconds the server's clock is ahead of this machine's.
    """

    def __init__(self, browser: Browser, address: str, clock: float) -> None:
        self.browser, self.address, self.clock = browser, address, clock
        self.pictured: set[str] = set()
        self.faults: list[str] = []

    def open(self, **how: Any) -> BrowserContext:
        """A browser window of its own."""
        how = {"viewport": SIZES[0], "color_scheme": "light"} | how
        return self.browser.new_context(
            reduced_motion="reduce", timezone_id="America/Toronto", locale="en-CA", **how
        )

    @contextmanager
    def scene(self, name: str) -> Iterator[None]:
        """Note a fault of this scene and go on with the next one."""
        try:
            yield
        except BrowserError as error:
            self.faults.append(f"{name}: {str(error).splitlines()[0]}")

    def pictures(self, context: BrowserContext, pages: dict[str, str]) -> None:
        """Open each page and take its pictures."""
        page = context.new_page()
        for name, path in pages.items():
            with self.scene(name):
                response = page.goto(self.address + path)
                if (
                    response is None
                    or response.status >= 500
                    or (response.status >= 400 and "/verify/" not in path)
                ):
                    self.faults.append(f"{name}: {path} answers {response and response.status}.")
                elif urlsplit(page.url).path != urlsplit(path).path:
                    self.faults.append(f"{name}: {path} leads to {urlsplit(page.url).path}.")
                else:
                    self.picture(page, name)
        page.close()

    def picture(self, page: Page, name: str) -> None:
        """Take a picture of the whole page for each width and colour scheme."""
        from django.urls import Resolver404, resolve  # noqa: PLC0415  # needs settings

        page.wait_for_load_state()
        with suppress(Resolver404):
            self.pictured.add(resolve(urlsplit(page.url).path).view_name)
        for size in SIZES:
            page.set_viewport_size(size)  # type: ignore[arg-type]
            if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
                self.faults.append(f"{name}: the page is wider than {size['width']} pixels.")
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.screenshot(path=OUT / f"{name}-{size['width']}-{scheme}.png", full_page=True)
        page.set_viewport_size(SIZES[0])  # type: ignore[arg-type]
        page.emulate_media(color_scheme="light")

    def sign_in(self, page: Page, role: str) -> None:
        """Sign in as someone of the demonstration, up to the second step."""
        from assessments.management.commands import demo_data  # noqa: PLC0415  # needs settings

        person = getattr(demo_data, role)
        page.goto(f"{self.address}/account/login/")
        page.locator("[name=login]").fill(person.email)
        page.locator("[name=password]").fill(person.password)
        send(page.locator("[name=password]"))
        page.wait_for_url(lambda url: "/login/" not in url)

    def bring_back(self, page: Page, sample: str) -> None:
        """Start a self-check with the answers of a sample."""
        page.goto(f"{self.address}/check/bring-back")
        page.locator("#id_answers").fill((SAMPLES / f"{sample}.json").read_text())
        send(page.locator("#id_answers"))
        page.wait_for_url(lambda url: "/bring-back" not in url)

    def not_pictured(self) -> list[str]:
        """The URLs that no picture shows and NOT_PICTURED lacks, and what is listed there for nothing."""
        from django.urls import get_resolver  # noqa: PLC0415  # needs settings

        from tests.test_permissions import addresses  # noqa: PLC0415

        names = addresses(get_resolver().url_patterns)
        listed = {name for names_of in NOT_PICTURED.values() for name in names_of.split()}
        return [
            *(
                f"{name}: no picture shows it, and no reason is given."
                for name in names - self.pictured - listed
            ),
            *(f"{name}: NOT_PICTURED lists it, and there is no such URL." for name in listed - names),
            *(f"{name}: NOT_PICTURED lists it, and a picture shows it." for name in listed & self.pictured),
        ]


def send(field: Locator) -> None:
    """Send the form of a field, or the form itself, as its first button does."""
    field.evaluate(
        "at => { const form = at.closest('form'); form.requestSubmit(form.querySelector('[type=submit]')) }"
    )


# --- Scenes ----------------------------------------------------------------------------


def as_anyone(camera: Camera, token: str) -> None:
    """The public pages, and a self-check with its faults."""
    context = camera.open()
    camera.pictures(
        context, PUBLIC | {"invitation": f"/invitation/{KEY}", "emails-off": f"/notices/stop/{token}"}
    )
    page = context.new_page()
    with camera.scene("no-invitation"):
        page.goto(f"{camera.address}/invitation/of-no-use")
        camera.picture(page, "no-invitation")
    with camera.scene("start"):
        page.goto(f"{camera.address}/")
        send(page.locator("form[action='/check/start']").first)
        page.wait_for_url("**/check/**")
        camera.pictures(context, {"tasks-at-first": "/check/", "guard": "/check/section/election"})
    with camera.scene("bring-back-with-faults"):
        page.goto(f"{camera.address}/check/bring-back")
        page.locator("#id_answers").fill('{"edition": "none", "answers": []}')
        send(page.locator("#id_answers"))
        page.wait_for_selector(".error-summary")
        camera.picture(page, "bring-back-with-faults")
    with camera.scene("conversion"):
        camera.bring_back(page, "conversion")
    camera.pictures(context, CHECK)
    with camera.scene("section-with-a-fault"):
        page.goto(f"{camera.address}/check/section/gifts")
        page.locator("#q-gifts-value-input").fill("about five hundred")
        page.locator("#q-gifts-value-input").press("Enter")
        page.wait_for_selector(".error-summary")
        camera.picture(page, "section-with-a-fault")
    with camera.scene("not-saved"):
        page.goto(f"{camera.address}/check/section/conduct")
        page.evaluate("document.querySelector('#section-form [name=csrfmiddlewaretoken]').value = 'stale'")
        page.locator("#section-form").evaluate("form => HTMLFormElement.prototype.submit.call(form)")
        page.wait_for_selector(".error-summary")
        camera.picture(page, "not-saved")
    with camera.scene("errors"):
        errors(camera, page)
    with camera.scene("keep"):
        camera.sign_in(page, "MEMBER")
        camera.pictures(context, {"keep": "/check/keep"})
    context.close()


def errors(camera: Camera, page: Page) -> None:
    """The error pages. In DEBUG no URL leads to them, so they are rendered here."""
    from django.template.loader import render_to_string  # noqa: PLC0415  # needs settings

    problem = {"problem": "Too many documents are being made. Try again in a minute.", "back": "/"}
    for template in ERRORS:
        body = render_to_string(f"{template}.html", problem)
        path = f"{camera.address}/pictured/{template}"
        page.route(path, partial(Route.fulfill, body=body, content_type="text/html"))
        page.goto(path)
        camera.picture(page, f"error-{template.rpartition('/')[2]}")


def as_member(camera: Camera) -> None:
    """The pages of an office, a share before it is given, and the self-check after an attested one."""
    context = camera.open()
    page = context.new_page()
    camera.sign_in(page, "MEMBER")
    camera.pictures(context, {name: path for name, path in MEMBERS.items() if name != "sign-out"})
    with camera.scene("share-preview"):
        page.goto(f"{camera.address}/assessments/4/share")
        page.locator("[name=preview]").first.click()
        page.wait_for_selector("#consent")
        camera.picture(page, "share-preview")
        page.locator("[name=give]").first.click()
        page.wait_for_selector(".error-summary")
        camera.picture(page, "share-without-consent")
    with camera.scene("review-with-a-fault"):
        page.goto(f"{camera.address}/assessments/2/review")
        send(page.locator("form[action='/assessments/2/comments']").first)
        page.wait_for_selector(".error-summary")
        camera.picture(page, "review-with-a-fault")
    with camera.scene("reassessment"):
        page.goto(f"{camera.address}/assessments/4/")
        send(page.locator("form[action='/assessments/4/reassess']").first)
        page.wait_for_url(lambda url: "/assessments/4/" not in url)
        camera.picture(page, "reassessment")
        draft = page.url.removeprefix(camera.address)
        camera.pictures(context, {"to-confirm": f"{draft}section/gifts", "compare": "/assessments/4/compare"})
    camera.pictures(context, {"sign-out": MEMBERS["sign-out"]})
    context.close()


def with_second_step(camera: Camera, page: Page, role: str) -> None:
    """Sign in someone whose role needs a second step, and set it up. For an officer, picture how."""
    from tests.cast import code_at  # noqa: PLC0415  # needs settings

    is_first = role == "OFFICER"
    camera.sign_in(page, role)
    if is_first:
        camera.picture(page, "second-step-needed")
    page.goto(f"{camera.address}/account/app/")
    if is_first:
        camera.picture(page, "authenticator-app")
    code = code_at(time.time() + camera.clock, page.locator("strong.note").inner_text())
    page.locator("[name=code]").fill(code)
    send(page.locator("[name=code]"))
    page.wait_for_url(lambda url: "/app/" not in url)
    if not is_first:
        return
    camera.picture(page, "recovery-codes")
    recovery_code = page.locator(".codes li").first.inner_text().strip()
    again = camera.open()
    second = again.new_page()
    camera.sign_in(second, role)
    camera.picture(second, "second-step")
    second.locator("[name=code]").fill(recovery_code)
    send(second.locator("[name=code]"))
    second.wait_for_url(lambda url: "/second-step/" not in url)
    again.close()


def as_officer(camera: Camera) -> None:
    """The Commissioner's desk, and the pages of a second step."""
    context = camera.open()
    page = context.new_page()
    with_second_step(camera, page, "OFFICER")
    with camera.scene("readme-desk"):
        page.goto(f"{camera.address}/desk/")
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")  # to the rows
        for_readme(page, "readme-desk")
    camera.pictures(context, OFFICERS)
    with camera.scene("desk-export"):
        page.goto(f"{camera.address}/desk/")
        page.locator("[name=share]").first.check()
        send(page.locator("form[action='/desk/export']").first)
        page.wait_for_url("**/desk/export/**")
        camera.picture(page, "desk-export")
    context.close()


def as_administrator(camera: Camera) -> None:
    """People and offices."""
    context = camera.open()
    with_second_step(camera, context.new_page(), "ADMINISTRATOR")
    camera.pictures(context, ADMINISTRATORS)
    with camera.scene("people-found"):
        page = context.new_page()
        page.goto(f"{camera.address}/people/")
        page.locator("form[action^='/people/search'] input:not([type=hidden])").first.fill("Lee")
        with page.expect_navigation():
            send(page.locator("form[action^='/people/search']"))
        camera.picture(page, "people-found")
    context.close()


def withdrawn(camera: Camera) -> None:
    """A share that its member withdrew."""
    context = camera.open()
    page = context.new_page()
    camera.sign_in(page, "MEMBER")
    page.goto(f"{camera.address}/shares/1")
    # Withdrawing has an address of its own, and the page of the share has its form.
    form = page.locator("form[action='/shares/1/withdraw']")
    camera.pictured.add("withdraw")
    with page.expect_navigation():
        send(form)
    camera.pictures(context, {"share-withdrawn": "/shares/1"})
    context.close()


# --- The README ------------------------------------------------------------------------


def readme_phone(camera: Camera) -> None:
    """The answer of an advisory, on a member's phone."""
    context = camera.open(viewport=SIZES[1], device_scale_factor=2)
    page = context.new_page()
    camera.bring_back(page, "conversion")
    page.goto(f"{camera.address}/check/advisory")
    for_readme(page, "readme-phone")
    context.close()


def readme_review(camera: Camera) -> None:
    """An answer that the member changed, with what they wrote to staff about it, and what comes next."""
    context = camera.open()
    page = context.new_page()
    camera.sign_in(page, "STAFF")
    page.goto(f"{camera.address}/assessments/2/review#q-gifts-value")
    for_readme(page, "readme-review")
    context.close()


def for_readme(page: Page, name: str) -> None:
    """Take a picture of the window for the README, in few colours."""
    page.wait_for_load_state()
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    for colours in (64, 32, 16):
        packed = BytesIO()
        in_most_frequent_colours(picture, colours).save(packed, "PNG", optimize=True)
        if packed.tell() <= LARGEST:
            (README_PICTURES / f"{name}.png").write_bytes(packed.getvalue())
            return
    sys.exit(f"{name}.png would have more than {LARGEST} bytes.")


def in_most_frequent_colours(picture: Image.Image, colours: int) -> Image.Image:
    """Reduce a picture to its most frequent colours: Pillow's own choice would mix tints with the background."""
    counted = picture.getcolors(picture.width * picture.height) or []
    most = [colour for _, colour in sorted(counted, reverse=True)[:colours]]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in most for part in colour])  # type: ignore[attr-defined]
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


# --- All together ----------------------------------------------------------------------


def contact_sheet() -> None:
    """Put all pictures on one sheet: the four of a page side by side, with tall ones cut off."""
    label, gap, tallest, across = 28, 12, 560, 2
    font = ImageFont.load_default(18)
    # Wide and narrow pictures keep the proportion of the screens, so that type sizes can be compared.
    shrunk = {1280: 360, 360: 140}
    names = sorted({path.stem.rsplit("-", 2)[0] for path in OUT.glob("*-*.png")})
    tile = sum(len(SCHEMES) * (shrunk[size["width"]] + gap) for size in SIZES) + gap
    rows = -(-len(names) // across)
    sheet = Image.new("RGB", (tile * across, rows * (tallest + label + 2 * gap)), "#8c8c8c")
    draw = ImageDraw.Draw(sheet)
    for at, name in enumerate(names):
        x, y = (at % across) * tile + gap, (at // across) * (tallest + label + 2 * gap) + gap
        draw.text((x, y), name, fill="#000000", font=font)
        for width, thumb in shrunk.items():
            for scheme in SCHEMES:
                full = Image.open(OUT / f"{name}-{width}-{scheme}.png").convert("RGB")
                height = min(round(full.height * thumb / width), tallest)
                part = full.crop((0, 0, width, min(full.height, round(height * width / thumb))))
                sheet.paste(part.resize((thumb, height), Image.Resampling.LANCZOS), (x, y + label))
                x += thumb + gap
    sheet.quantize(128, dither=Image.Dither.NONE).save(OUT / "sheet.png", optimize=True)


def main() -> None:
    """Delete the old pictures and take all of them."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    clock = ahead(DAY)
    with tempfile.TemporaryDirectory() as scratch, served(Path(scratch), DAY) as address:
        token = set_up(DAY)
        with sync_playwright() as tools:
            browser = tools.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            camera = Camera(browser, address, clock)
            scenes = (
                readme_phone,
                readme_review,
                partial(as_anyone, token=token),
                as_member,
                as_officer,
                as_administrator,
                withdrawn,
            )
            for scene in scenes:
                with camera.scene(getattr(scene, "__name__", "as_anyone")):
                    scene(camera)
            browser.close()
    contact_sheet()
    sys.stderr.write(f"{len(list(OUT.glob('*-*.png')))} pictures, and all of them on {OUT / 'sheet.png'}\n")
    if faults := camera.faults + sorted(camera.not_pictured()):
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
