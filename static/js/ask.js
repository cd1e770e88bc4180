/* One screen at a time. Without this script, every page works with its buttons. With it, an answer in a group is saved
   without leaving the page, so that nothing moves under the finger; and "I'm not sure" is one answer among others. */
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

  // --- Answers in a group ---

  const status = document.getElementById("ask-state");
  let saving = Promise.resolve();
  let waiting = 0;
  const isRow = (button) => Boolean(button?.closest(".ask-row"));
  // The buttons stay, with the focus and whatever finger is on one; so does what is being typed.
  const update = (shown, row) => {
    shown.className = row.className;
    for (const input of shown.querySelectorAll("input[type=hidden]")) input.remove();
    shown.append(...row.querySelectorAll("input[type=hidden]"));
    const told = shown.querySelector(".told");
    if (told.innerHTML.trim() !== row.querySelector(".told").innerHTML.trim()) told.replaceWith(row.querySelector(".told"));
    for (const button of shown.querySelectorAll(".ask-answer")) {
      const now = row.querySelector(`#${CSS.escape(button.id)}`);
      button.className = now.className;
      if (now.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", now.getAttribute("aria-pressed"));
    }
    const note = shown.querySelector("textarea");
    note.defaultValue = row.querySelector("textarea").defaultValue;
  };
  const save = async (name, value) => {
    const pressed = form.querySelector(`button[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
    if (!pressed) return;
    const body = new FormData(form, pressed);
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(body),
      headers: { "HX-Request": "true" },
    });
    const onwards = answer.headers.get("HX-Redirect");
    if (onwards) {
      window.location.assign(onwards);
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("ask-form");
    // Something needs attention, so the whole page is shown.
    if (!answer.ok || !fresh || page.querySelector(".error-summary")) {
      const hidden = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      form.append(hidden);
      HTMLFormElement.prototype.submit.call(form);
      return;
    }
    for (const id of ["bar", "panel", "clear", "ask-end", "how-far"]) {
      const now = page.getElementById(id);
      if (now) document.getElementById(id)?.replaceWith(now);
    }
    const rows = [...fresh.querySelectorAll(".asked")];
    for (const row of form.querySelectorAll(".asked")) if (!rows.some(({ id }) => id === row.id)) row.remove();
    rows.forEach((row, at) => {
      const shown = document.getElementById(row.id);
      if (shown) update(shown, row);
      else if (at) document.getElementById(rows[at - 1].id).after(row);
      else form.querySelector(".hint").after(row);
    });
    status.textContent = "Saved.";
  };
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!isRow(button) || !status) return;
    event.preventDefault();
    const { name, value } = button;
    waiting += 1;
    status.textContent = "";
    for (const other of button.parentElement.querySelectorAll(".ask-answer")) other.classList.toggle("is-chosen", other === button);
    saving = saving
      .then(() => save(name, value))
      .catch(() => {
        button.classList.remove("is-chosen");
        status.textContent = "Your answer wasn’t saved because there is no connection. Choose your answer again.";
      })
      .finally(() => {
        waiting -= 1;
      });
  });
  window.addEventListener("beforeunload", (event) => {
    if (waiting > 1) event.preventDefault();
  });

  // --- "I'm not sure" excludes the other answers ---

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
