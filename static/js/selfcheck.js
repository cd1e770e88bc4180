/* What the section pages add where scripts run: words for the state of saving, a way out only once all is saved, and
   "I'm not sure" as one answer among others. htmx saves and brings follow-up questions; without this file every page
   still works by its buttons. */
(() => {
  "use strict";
  const form = document.getElementById("section-form");
  const state = document.getElementById("save-state");
  const saving = document.getElementById("saving");
  if (!form || !state || !saving) return;

  // What stands in a form is the page's to say. A browser that put back what stood there once, on the way Back, would
  // show an answer that a colleague has changed since, and the next save would overwrite theirs unseen.
  form.autocomplete = "off";
  // A half-typed date is told of in our own words, as is everything else.
  form.noValidate = true;

  let unsaved = false;
  let sending = false;
  let retry = 0;
  let onwards = ""; // the link that someone followed before all was saved
  let lastIn = null; // the question that had the focus before a save

  const text = (input) => input.matches("textarea, input:not([type=radio], [type=checkbox], [type=hidden], [type=submit])");
  const changed = (input) => (text(input) ? input.value !== input.defaultValue : input.checked !== input.defaultChecked);
  // An answer that cannot be read, or that meets another, is on this page alone.
  const troubled = () => form.querySelector(".error, .conflict") !== null;
  const show = (words) => {
    saving.hidden = !words;
    saving.textContent = words;
  };
  const say = (words) => {
    show("");
    // The same words twice would be read out twice.
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
    // "Saved" would no longer be true.
    state.textContent = "";
    show("Not saved yet");
  });
  // A date changes with every digit, and an amount is half an amount while it is typed: both wait until one leaves them.
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
  form.addEventListener("formdata", ({ formData }) => {
    for (const input of form.querySelectorAll("input[type=date]")) {
      // The browser would send nothing, as if no date had been begun.
      if (input.validity.badInput) formData.set(input.name, "incomplete");
    }
  });

  // --- Saving ---

  form.addEventListener("htmx:configRequest", (event) => {
    const parameters = event.detail.parameters;
    const input = typing();
    if (submitted(event.detail)) return;
    if (input) parameters.typing = input.name;
    // htmx remembers the button that was pressed last.
    for (const button of ["go", "list", "choose"]) delete parameters[button];
  });
  form.addEventListener("htmx:beforeRequest", () => {
    window.clearTimeout(retry);
    unsaved = typing() !== null;
    sending = true;
    lastIn = document.activeElement?.closest(".slot");
    show("Saving…");
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    sending = false;
    // The page's own words say why something is not saved; to say it twice helps nobody.
    show(unsaved && event.detail.successful ? "Not saved yet" : "");
    unsaved ||= troubled();
    const summary = document.querySelector("#summary .error-summary");
    if (submitted(event.detail.requestConfig) && summary) summary.focus();
    else if (submitted(event.detail.requestConfig) && missed()) stopAt(missed());
    else if (document.activeElement === document.body && lastIn) refocus(lastIn);
    if (!onwards || !event.detail.successful) return;
    if (unsaved && !troubled()) save();
    // Where something could not be saved, the browser asks before it goes.
    else window.location.assign(onwards);
  });
  // A question that was replaced, or went, took the focus along.
  const refocus = (slot) => {
    const now = document.getElementById(slot.id);
    const all = [...form.querySelectorAll(".slot")];
    const near = all.slice(0, all.indexOf(now) + 1).reverse().find((it) => it.querySelector("input"));
    near?.querySelector("input").focus({ preventScroll: true });
  };
  // To replace what is the same would take the focus from what is in it, and have it read out again.
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (!target.matches(".told, .panel")) return;
    const same = fragment.firstElementChild?.innerHTML.trim() === target.innerHTML.trim();
    if (same && fragment.firstElementChild.className === target.className) event.detail.shouldSwap = false;
  });
  form.addEventListener("htmx:sendError", () => notSaved("there is no connection. We try again by ourselves."));
  form.addEventListener("htmx:timeout", () => notSaved("the portal did not answer in time. We try again by ourselves."));
  form.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    unsaved = true;
    onwards = "";
    // These bring their own words and need the person, who gets a whole page with what was typed when asking to go on.
    // Anything else may pass by itself.
    if (![403, 404, 409].includes(status)) notSaved("the portal has a fault. We try again by ourselves.");
    else if (submitted(event.detail.requestConfig)) {
      unsaved = false;
      HTMLFormElement.prototype.submit.call(form);
    }
  });
  window.addEventListener("online", tryAgain);

  // --- On to another page ---

  // A question that has just come up below is shown once before one goes on.
  const missed = () => [...form.querySelectorAll(".arrived")].find((slot) => {
    const inputs = [...slot.querySelectorAll("input:not([type=hidden])")];
    return inputs.length > 0 && !inputs.some((it) => (text(it) ? it.value : it.checked));
  });
  const stopAt = (slot) => {
    for (const other of form.querySelectorAll(".arrived")) other.classList.remove("arrived");
    say("This question came up just now. Answer it, or press the button again to go on.");
    slot.querySelector("input").focus();
  };
  form.addEventListener("submit", (event) => {
    if (!missed() || event.submitter?.name === "choose") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    stopAt(missed());
  }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.target || link.origin !== window.location.origin || link.getAttribute("href").startsWith("#")) return;
    if (!(unsaved || sending) || troubled()) return;
    event.preventDefault();
    onwards = link.href;
    tryAgain();
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved || typing()) event.preventDefault();
  });

  // --- Before this file came ---

  // What someone answered by then has been saved by nobody. htmx is ready at this event: it waits for it, too, and was
  // there first.
  document.addEventListener("DOMContentLoaded", () => {
    unsaved = [...form.elements].some((it) => it.matches("input:not([type=hidden], [type=submit]), textarea") && changed(it));
    tryAgain();
    unsaved ||= troubled();
  });

  // --- "I'm not sure" stands alone: to choose it takes the other answers back, and the other way round. ---

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
