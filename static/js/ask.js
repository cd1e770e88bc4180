/* One screen at a time. Each button sends the form as it does without this script. The script keeps a form from being
   sent twice, and makes "I'm not sure" one answer among others. */
(() => {
  "use strict";
  const form = document.getElementById("ask-form");
  if (!form) return;

  // On the way Back, a browser restores what a form had before, which may be older than what is saved.
  form.autocomplete = "off";
  // The portal has its own messages for all errors, such as an incomplete date.
  form.noValidate = true;

  form.addEventListener("formdata", ({ formData }) => {
    for (const input of form.querySelectorAll("input[type=date]")) {
      // The browser would send an incomplete date as an empty one.
      if (input.validity.badInput) formData.set(input.name, "incomplete");
    }
  });

  // A second press would cancel the page that the first one leads to, and what is typed after a press would be lost.
  form.addEventListener("submit", (event) => {
    if (form.inert) event.preventDefault();
    form.inert = true;
  });
  // On the way Back, a browser may show the page as it was left.
  window.addEventListener("pageshow", () => {
    form.inert = false;
  });

  form.addEventListener("input", ({ target }) => {
    const question = target.dataset.unsureOf || target.name;
    const box = form.querySelector(`[data-unsure-of="${question}"]`);
    if (!box) return;
    if (target === box && box.checked) {
      for (const other of form.querySelectorAll(`[name="${question}"]`)) {
        if (other.type === "checkbox") other.checked = false;
        else other.value = "";
      }
    } else if (target !== box && (target.checked || (target.type !== "checkbox" && target.value))) {
      box.checked = false;
    }
  });
})();
