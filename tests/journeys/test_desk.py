"""An officer searches what was shared, downloads some of it, opens it, and reads the insights."""

import json
from zipfile import ZipFile

from playwright.sync_api import expect

from tests.cast import account_of, attested, shared
from tests.journeys.test_accessibility import assert_accessible
from tests.journeys.walking import WITH_AND_WITHOUT_SCRIPTS, follow, press, titled


@WITH_AND_WITHOUT_SCRIPTS
def test_shares_are_searched_ticked_prepared_downloaded_and_counted(
    visitors, cast, unprinted, downloads, scripts
):
    account = account_of(cast.office, handle="@journey")
    attestation = attested(account, {"conduct.abuse": "yes"}, notes={"conduct.abuse": "At the rally."})
    share = shared(
        attestation, rules={"17a"}, questions={"conduct.abuse"}, notes={"conduct.abuse"}, ask="May I?"
    )
    shared(attestation, nonce="b" * 64)
    address = visitors.address

    officer = visitors.come(cast.officer, java_script_enabled=scripts)
    officer.goto(f"{address}/desk/")
    if scripts:
        assert_accessible(officer)
    officer.get_by_label("Search").fill("RALLY https://twitter.com/Journey?s=20")
    press(officer, "Search")
    expect(officer.get_by_role("heading", name="1 shared self-check found")).to_be_visible()
    assert "rally" not in officer.url.lower()
    officer.get_by_label("Select Ward 10: X @journey").check()
    officer.get_by_label("PDFs in the ZIP file").select_option("both")
    press(officer, "Prepare download")
    titled(officer, "Export shared self-checks")
    while officer.get_by_role("link", name="Continue").count():
        follow(officer, "Continue")
    expect(officer.get_by_text("Everything is ready.")).to_be_visible()
    if scripts:
        assert_accessible(officer)
    with officer.expect_download() as waiting:
        press(officer, "Download")
    target = downloads / waiting.value.suggested_filename
    waiting.value.save_as(target)
    with ZipFile(target) as archive:
        assert archive.testzip() is None
        (row,) = json.loads(archive.read("index.json"))
        assert row["code"] == share.code
        assert archive.read(row["summary"]).startswith(b"%PDF")

    follow(officer, "Back to shared self-checks")
    officer.get_by_role("link", name="X @journey, shared on").click()
    press(officer, "Assign")
    expect(officer.get_by_text("Assigned to you.").last).to_be_visible()
    officer.get_by_text("Mark as dealt with", exact=True).click()
    press(officer, "Yes, without a reply")
    expect(officer.get_by_text("Dealt with, no reply by Robin Ng on")).to_be_visible()
    if scripts:
        assert_accessible(officer)
    officer.goto(f"{address}/desk/?assigned=me")
    expect(officer.get_by_role("row").last).to_contain_text("Dealt with")

    follow(officer, "Insights")
    titled(officer, "Insights")
    expect(officer.get_by_role("table").first).to_contain_text("Contact the Integrity Commissioner")
    if scripts:
        assert_accessible(officer)
