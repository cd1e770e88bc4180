"""Every form with text comes back when its page was open for too long, and no stale page keeps anyone in."""

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.cast import PASSWORD, Cast, attested, client_of, shared
from tests.test_permissions import (
    PEOPLE,
    ROW,
    address_of,
    browser,  # noqa: F401  # fixtures
    expected,
    module_pks,  # noqa: F401
    pks,  # noqa: F401
)

pytestmark = pytest.mark.django_db
STALE = "f" * 64
"""The token of a page that was opened before someone signed in again."""
TYPED = {"text", "email", "number", "date", "url", "search", "tel", ""}
"""The types of inputs that people type into."""


def main_of(page: str) -> str:
    """A page without its head and foot, which have forms of their own."""
    return page[page.index("<main") : page.index("</main")]


class Forms(HTMLParser):
    """The forms of a page that are sent by POST: where to, with which values, and which of them people type."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = of.get("method", "").lower() == "post"
            if self.open:
                self.forms.append({"action": of.get("action", ""), "hidden": {}, "typed": {}, "area": False})
        elif self.open and (name := of.get("name")) and "disabled" not in of:
            form = self.forms[-1]
            if tag == "textarea" or (tag == "input" and of.get("type", "") in TYPED):
                form["typed"][name] = f"typed into {name}"
                form["area"] |= tag == "textarea"
                # A code of the second step works once, and is shown nowhere again.
                form["typed"].pop("code", None)
            elif tag == "input" and of.get("type") == "hidden" and name != "csrfmiddlewaretoken":
                form["hidden"][name] = of.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = False


def pages(cast: Cast, pks: Any, browser: Any) -> Iterator[tuple[str, str, Client]]:  # noqa: F811
    """Each page of the portal as each person sees it: its address, its HTML and the person's browser."""
    share = shared(attested(cast.account), ask="May I?")
    more = [f"/assessments/{share.attestation.assessment_id}/share", f"/shares/{share.pk}"]
    for person in PEOPLE:
        client = browser(person, fresh=True, enforce_csrf_checks=True)
        rows = [address_of(row, pks) for row in ROW.values() if expected(row, person)["GET"] in (200, 302)]
        for address in [*rows, *more]:
            answer = client.get(address)
            if answer.status_code == 200 and answer.get("Content-Type", "").startswith("text/html"):
                yield address, answer.content.decode(), client


def given_back(page: str) -> str:
    """What a page shows as typed."""
    (shown,) = re.findall(r'<dl class="summary">.*?</dl>', page, re.DOTALL) or [""]
    return html.unescape(shown)


@pytest.mark.slow
def test_every_form_with_text_comes_back_and_can_be_sent_again(cast, pks, browser):  # noqa: F811
    walked, lost = set(), []
    for address, page, client in pages(cast, pks, browser):
        for form in Forms(page).forms:
            if not form["typed"]:
                continue
            action = html.unescape(form["action"]) or address
            walked.add(re.sub(r"\d+", "#", action).partition("?")[0])
            sent = form["hidden"] | form["typed"] | {"csrfmiddlewaretoken": STALE}
            answer = client.post(action, sent)
            text = answer.content.decode()
            shown, (again, *_) = given_back(text), [*Forms(text[text.find("<main") :]).forms, {"hidden": {}}]
            for name, value in form["typed"].items():
                if answer.status_code != 403 or value not in shown or again["hidden"].get(name) != value:
                    lost.append((action, name, answer.status_code))
    assert not lost, "\n".join(map(str, sorted(set(lost))))
    # Those with the longest texts; the walk finds the others by itself.
    assert walked >= {
        "/check/section/account",
        "/check/bring-back",
        "/assessments/#/comments",
        "/assessments/#/comments/#/reply",
        "/assessments/#/share",
        "/shares/#/advice",
        "/office/#/people",
        "/office/#/erase",
        "/people/",
    }


@pytest.mark.slow
def test_no_field_has_a_browser_cut_what_is_pasted(cast, pks, browser):  # noqa: F811
    for address, page, _ in pages(cast, pks, browser):
        # The code of an app has six digits, and is typed.
        for field in re.findall(r"<(?:input|textarea)[^>]*maxlength[^>]*>", page):
            assert 'autocomplete="one-time-code"' in field, (address, field)


@pytest.mark.slow
def test_a_form_names_the_person_that_it_was_made_for(cast, pks, browser):  # noqa: F811
    for address, page, _ in pages(cast, pks, browser):
        for form in Forms(page).forms:
            # A mail program presses the button of the second without a token or a person.
            if "as" not in form["hidden"] and not address.startswith("/notices/stop/"):
                assert "Sign out" not in page, address


def test_what_someone_typed_is_not_sent_under_the_name_of_who_signed_in_since(cast, attestation):
    share = shared(attestation, ask="May I?")
    sent = {"text": "You may.", "as": cast.officer.pk}
    answer = cast.client("member").post(f"/shares/{share.pk}/advice", sent)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "someone else opened this page" in page
    assert "You may." in given_back(page)
    assert "Save now" not in page
    assert cast.client("officer").post(f"/shares/{share.pk}/advice", sent).status_code == 302


def test_a_file_is_asked_for_again_with_what_was_typed_beside_it_or_without():
    for typed in ("", '{"typed": 1}'):
        file = SimpleUploadedFile("answers-mine.json", b"{}")
        sent = {"file": file, "answers": typed, "csrfmiddlewaretoken": STALE}
        answer = Client(enforce_csrf_checks=True).post("/check/bring-back", sent)
        page = answer.content.decode()
        assert answer.status_code == 403
        main = " ".join(html.unescape(re.sub("<[^>]*>", "", main_of(page))).split())
        assert "Choose answers-mine.json again in the form." in main
        assert 'href="/check/bring-back"' in page
        assert ("Save now" in main, "nothing is lost" in main) == (bool(typed), bool(typed))


def test_the_page_never_advises_to_reload(cast):
    client = cast.client("member", enforce_csrf_checks=True)
    for sent in ({}, {"text": "A text."}):
        page = client.post("/office/waiting/seen", {**sent, "csrfmiddlewaretoken": STALE}).content.decode()
        assert "reload" not in main_of(page).lower()


# --- Buttons without text, signing out and signing in ----------------------------------------------------


def test_signing_out_works_from_a_tab_that_is_older_than_the_sign_in(cast):
    client = cast.client("member", enforce_csrf_checks=True)
    answer = client.post("/account/logout/", {"csrfmiddlewaretoken": STALE})
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "The form was not sent" not in page
    assert f"You are signed in as {cast.member}" in page
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', main_of(page))
    assert client.post("/account/logout/", {"csrfmiddlewaretoken": token, "as": "0"}).status_code == 302
    assert client.get("/office/").status_code == 302


def test_signing_in_on_an_older_tab_leads_on_for_who_has_signed_in(cast):
    client = cast.client("member", enforce_csrf_checks=True)
    sent = {"login": " Member@example.ca ", "password": PASSWORD, "csrfmiddlewaretoken": STALE}
    assert client.post("/account/login/", sent)["Location"] == "/office/"
    answer = client.post("/account/login/?next=/office/waiting", sent)
    assert answer["Location"] == "/office/waiting"
    answer = client.post("/account/login/?next=https://elsewhere.example", sent)
    assert answer["Location"] == "/office/"


@pytest.mark.parametrize("name", ["account_login", "mfa_login_webauthn"])
def test_signing_in_on_an_older_tab_never_leads_on_as_someone_else(cast, name):
    client = cast.client("member", enforce_csrf_checks=True)
    sent = {"login": "staff@example.ca", "password": PASSWORD, "csrfmiddlewaretoken": STALE}
    answer = client.post(f"{reverse(name)}?next=/office/waiting", sent)
    assert answer.status_code == 403
    page = answer.content.decode()
    main = main_of(page)
    assert f"You are already signed in as {cast.member}" in main
    assert PASSWORD not in page
    assert 'href="/office/waiting"' in main
    (form,) = Forms(main).forms
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', main)
    answer = client.post(form["action"], form["hidden"] | {"csrfmiddlewaretoken": token})
    assert answer["Location"] == "/account/login/?next=%2Foffice%2Fwaiting"
    assert client.get("/office/").status_code == 302


@pytest.mark.parametrize("name", ["password", "new_password1", "oldpassword"])
def test_a_stale_form_with_a_password_comes_back_without_it_and_without_a_button(cast, name):
    sent = {"login": "member@example.ca", name: PASSWORD, "csrfmiddlewaretoken": STALE}
    answer = Client(enforce_csrf_checks=True).post("/account/login/", sent)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "member@example.ca" in given_back(page)
    assert PASSWORD not in page
    main = main_of(page)
    assert "enter the password again" in main
    assert 'href="/account/login/"' in main
    assert "Save now" not in main
    assert "nothing is lost" not in main


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/office/waiting?x=1", "http://testserver/office/waiting?x=1"),
        ("https://elsewhere.example/", ""),
        ("", ""),
    ],
)
def test_a_button_without_text_leads_back_to_its_page(cast, referer, back):
    client = cast.client("member", enforce_csrf_checks=True)
    answer = client.post("/office/waiting/seen", {"csrfmiddlewaretoken": STALE}, headers={"Referer": referer})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert ("Open the page again" in page) is bool(back)
    assert not back or f'href="{html.escape(back)}"' in page
    assert "elsewhere.example" not in page


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}]
)
def test_what_another_site_sends_comes_back_with_no_button(cast, share_, headers):
    client = client_of(cast.officer, enforce_csrf_checks=True)
    sent = {"text": "Planted.", "csrfmiddlewaretoken": STALE}
    page = client.post(f"/shares/{share_.pk}/advice", sent, headers=headers).content.decode()
    assert "Planted." not in page
    page = client.post("/account/logout/", sent, headers=headers).content.decode()
    assert "The form was not sent" in page
