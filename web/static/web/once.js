// A form is sent once, however often the button is pressed. The server keeps the same promise by itself.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    // Not form.method: that is the field called "method", where a form has one.
    if (form.getAttribute("method") !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.sent = "yes";
    // After the browser has read the form: a disabled button would not be in it.
    setTimeout(() => setBusy(form, true));
  },
  true,
);

// An answer that stayed on the page, an error of the network, or a page taken from the browser's own cache. Not an
// answer that leads to another page, which this one waits for, and not that of a mere change in the form.
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, xhr, requestConfig } = event.detail;
  if (requestConfig?.triggeringEvent?.type !== "submit" || xhr?.getResponseHeader("HX-Redirect")) return;
  release(elt?.closest?.("form"));
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(release));

function release(form) {
  if (!form) return;
  delete form.dataset.sent;
  setBusy(form, false);
}

function setBusy(form, isBusy) {
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    button.disabled = isBusy;
    if (isBusy) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }
}
