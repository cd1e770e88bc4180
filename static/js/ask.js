/* One screen at a time. Without this script, every page works with its buttons. */
(() => {
  "use strict";
  const form = document.getElementById("ask-form");
  if (!form) return;

  // On the way Back, a browser restores what a form had before, which may be older than what is saved.
  form.autocomplete = "off";
  form.noValidate = true;

  // A browser would send an incomplete date as an empty one.
  form.addEventListener("formdata", ({ formData }) => {
    for (const input of form.querySelectorAll("input[type=date]")) {
      if (input.validity.badInput) formData.set(input.name, "incomplete");
    }
  });
})();
