/* The forms with questions, by section and one screen at a time. "I'm not sure" is one answer among others: choosing it
   clears the others, and choosing one of them clears it. */
(() => {
  "use strict";
  const form = document.querySelector("#section-form, #ask-form");
  if (!form) return;

  // On the way Back, a browser restores what a form had before. It would show an answer that a colleague has changed
  // since, and the next save would overwrite that change unseen.
  form.autocomplete = "off";
  // The portal has its own messages for all errors, such as an incomplete date.
  form.noValidate = true;

  form.addEventListener("formdata", ({ formData }) => {
    for (const input of form.querySelectorAll("input[type=date]")) {
      // The browser would send an incomplete date as an empty one.
      if (input.validity.badInput) formData.set(input.name, "incomplete");
    }
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
