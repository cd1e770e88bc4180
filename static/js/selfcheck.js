/* The section pages with scripts: they show whether answers are saved, and leave a page only once everything is saved.
   htmx saves answers and inserts follow-up questions. Without this script, every page still works with its buttons. */
(() => {
  "use strict";
  const form = document.getElementById("section-form");
  const state = document.getElementById("save-state");
  const saving = document.getElementById("saving");
  if (!form || !state || !saving) return;

  let unsaved = false;
  let sending = false;
  let retry = 0;
  let onwards = ""; // the link that someone followed before all was saved
  let focusedSlot = null; // the question that had the focus before a save

  const text = (input) => input.matches("textarea, input:not([type=radio], [type=checkbox], [type=hidden], [type=submit])");
  const changed = (input) => (text(input) ? input.value !== input.defaultValue : input.checked !== input.defaultChecked);
  // An answer with an error or a conflict is not saved: only this page has it.
  const hasProblem = () => form.querySelector(".error, .conflict") !== null;
  const show = (words) => {
    saving.hidden = !words;
    saving.textContent = words;
  };
  const say = (words) => {
    show("");
    // Screen readers would read the same words out again.
    if (state.textContent !== words) state.textContent = words;
  };
  const submitted = (request) => request.triggeringEvent?.type === "submit";
  const save = () => form.dispatchEvent(new Event("retry"));
  const tryAgain = () => {
    if (unsaved && !sending) save();
  };
  const notSaved = (why) => {
    unsaved = true;
    onwards = "";
    say(`Not saved: ${why} Your answers are still on this page.`);
    window.clearTimeout(retry);
    retry = window.setTimeout(tryAgain, 10000);
  };

  // --- What is typed ---

  form.addEventListener("input", (event) => {
    unsaved = true;
    if (!text(event.target)) return;
    // It may still say "Saved".
    state.textContent = "";
    show("Not saved yet");
  });
  // A date changes with every digit, and a half-typed amount is another amount: save them once they lose the focus.
  const typing = () => {
    const input = document.activeElement;
    return input && input.form === form && input.matches("input.short") && input.value !== input.dataset.was ? input : null;
  };
  form.addEventListener("focusin", ({ target }) => {
    if (target.matches("input.short")) target.dataset.was = target.value;
  });
  form.addEventListener("change", (event) => {
    if (event.target.type === "date" && event.target === document.activeElement) event.stopPropagation();
  }, true);
  form.addEventListener("focusout", ({ target }) => {
    const left = target.matches("input[type=date]") && (target.value !== target.dataset.was || target.validity.badInput);
    if (left) target.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // --- Saving ---

  form.addEventListener("htmx:configRequest", (event) => {
    const parameters = event.detail.parameters;
    const input = typing();
    if (submitted(event.detail)) return;
    if (input) parameters.typing = input.name;
    // htmx also sends the button that was pressed last.
    for (const button of ["go", "list", "choose", "still", "unchanged"]) delete parameters[button];
  });
  form.addEventListener("htmx:beforeRequest", () => {
    window.clearTimeout(retry);
    unsaved = typing() !== null;
    sending = true;
    focusedSlot = document.activeElement?.closest(".slot");
    show("Saving…");
  });
  // The response may lead to the next page, which must not ask whether to leave.
  form.addEventListener("htmx:beforeOnLoad", () => {
    sending = false;
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    sending = false;
    // Where something is not saved, the page itself says why. Do not repeat it here.
    show(unsaved && event.detail.successful ? "Not saved yet" : "");
    unsaved ||= hasProblem();
    const summary = document.querySelector("#summary .error-summary");
    if (submitted(event.detail.requestConfig) && summary) summary.focus();
    else if (submitted(event.detail.requestConfig) && missed()) stopAt(missed());
    else if (document.activeElement === document.body && focusedSlot) refocus(focusedSlot);
    if (!onwards || !event.detail.successful) return;
    if (unsaved && !hasProblem()) save();
    // If something could not be saved, the browser asks before it leaves.
    else window.location.assign(onwards);
  });
  // A question that was replaced or removed has lost the focus: move it to the nearest question.
  const refocus = (slot) => {
    const now = document.getElementById(slot.id);
    const all = [...form.querySelectorAll(".slot")];
    const near = all.slice(0, all.indexOf(now) + 1).reverse().find((other) => other.querySelector("input"));
    near?.querySelector("input").focus({ preventScroll: true });
  };
  // Do not replace what has not changed: it would lose the focus, and be read out again.
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (!target.matches(".told, .panel, .bar, .unchanged")) return;
    const same = fragment.firstElementChild?.innerHTML.trim() === target.innerHTML.trim();
    if (same && fragment.firstElementChild.className === target.className) event.detail.shouldSwap = false;
  });
  form.addEventListener("htmx:sendError", () => notSaved("there is no connection. We’ll try again soon."));
  form.addEventListener("htmx:timeout", () => notSaved("the portal did not respond in time. We’ll try again soon."));
  form.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    unsaved = true;
    onwards = "";
    // These statuses have a message of their own, and the person has to act: after a press of a button, submit the form
    // without htmx, so that they get a page with what they typed. Other faults may pass: try again later.
    if (![403, 404, 409].includes(status)) notSaved("the portal has a problem. We’ll try again soon.");
    else if (submitted(event.detail.requestConfig)) {
      unsaved = false;
      HTMLFormElement.prototype.submit.call(form);
    }
  });
  window.addEventListener("online", tryAgain);

  // --- On to another page ---

  // Before somebody continues, show them once that a question has just been added below.
  const missed = () => [...form.querySelectorAll(".arrived")].find((slot) => {
    const inputs = [...slot.querySelectorAll("input:not([type=hidden])")];
    return inputs.length > 0 && !inputs.some((input) => (text(input) ? input.value : input.checked));
  });
  const stopAt = (slot) => {
    for (const other of form.querySelectorAll(".arrived")) other.classList.remove("arrived");
    say("Your last answer added a question. Answer it, or select Save and continue again to skip it.");
    slot.querySelector("input").focus();
  };
  form.addEventListener("submit", (event) => {
    if (!missed() || ["choose", "still"].includes(event.submitter?.name)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    stopAt(missed());
  }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.target || link.origin !== window.location.origin || link.getAttribute("href").startsWith("#")) return;
    if (!(unsaved || sending) || hasProblem()) return;
    event.preventDefault();
    onwards = link.href;
    tryAgain();
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved || sending || typing()) event.preventDefault();
  });

  // --- Before this script ran ---

  // Nothing has saved what was answered by then. At this event htmx is ready: it listens to the same event, and was
  // loaded first.
  document.addEventListener("DOMContentLoaded", () => {
    unsaved = [...form.elements].some((input) => input.matches("input:not([type=hidden], [type=submit]), textarea") && changed(input));
    tryAgain();
    unsaved ||= hasProblem();
  });
})();
