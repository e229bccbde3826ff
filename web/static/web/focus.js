// After a form came back with errors, the first field that has one is where to go on.
const invalid = (root) => root.querySelector?.('[aria-invalid="true"]');

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.requestConfig?.verb === "post") invalid(event.detail.elt)?.focus();
});
invalid(document)?.focus();
