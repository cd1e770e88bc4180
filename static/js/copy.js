/* A button that copies the text of a box. Without this script, people select the text in the box themselves. */
(() => {
  "use strict";
  for (const button of document.querySelectorAll("[data-copies]")) {
    const box = document.getElementById(button.dataset.copies);
    const status = button.parentElement.querySelector("[role=status]");
    const say = (words) => {
      // Screen readers would not read the same words again.
      status.textContent = "";
      window.setTimeout(() => {
        status.textContent = words;
      }, 50);
    };
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(box.value);
        say("Copied");
      } catch {
        // No clipboard here, or the browser does not allow it.
        box.focus();
        box.select();
        say("The text is selected. Copy it with your keyboard or the menu.");
      }
    });
  }
})();
