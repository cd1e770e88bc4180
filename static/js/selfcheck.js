/* What the section pages add where scripts run: words for the state of saving, and "I'm not sure" as one answer among
   others. htmx saves and brings follow-up questions; without this file every page still works by its buttons. */
(() => {
  "use strict";
  const form = document.getElementById("section-form");
  const state = document.getElementById("save-state");
  const saving = document.getElementById("saving");
  if (!form || !state || !saving) return;

  let unsaved = false;
  let retry = 0;

  const notSaved = (why) => {
    unsaved = true;
    state.textContent = `Not saved: ${why} Your answers are still on this page.`;
    window.clearTimeout(retry);
    retry = window.setTimeout(tryAgain, 10000);
  };
  const tryAgain = () => {
    if (unsaved) form.dispatchEvent(new Event("retry"));
  };

  form.addEventListener("input", () => { unsaved = true; });
  form.addEventListener("submit", () => { unsaved = false; });
  form.addEventListener("htmx:beforeRequest", () => {
    window.clearTimeout(retry);
    unsaved = false;
    saving.hidden = false;
  });
  form.addEventListener("htmx:afterRequest", () => { saving.hidden = true; });
  form.addEventListener("htmx:sendError", () => notSaved("there is no connection. We try again by ourselves."));
  form.addEventListener("htmx:timeout", () => notSaved("the portal did not answer in time. We try again by ourselves."));
  form.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    unsaved = true;
    // 403 and 409 bring their own words and need the person; anything else may pass by itself.
    if (status !== 403 && status !== 409) notSaved("the portal has a fault. We try again by ourselves.");
  });
  window.addEventListener("online", tryAgain);
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });

  // "I'm not sure" stands alone: to choose it takes the other answers back, and the other way round.
  form.addEventListener("input", (event) => {
    const input = event.target;
    const question = input.dataset.unsureOf || input.name;
    const box = form.querySelector(`[data-unsure-of="${question}"]`);
    if (!box) return;
    if (input === box && box.checked) {
      for (const other of form.querySelectorAll(`[name="${question}"]`)) {
        if (other.type === "checkbox") other.checked = false;
        else other.value = "";
      }
    } else if (input !== box && (input.checked || (input.type !== "checkbox" && input.value))) {
      box.checked = false;
    }
  });
})();
