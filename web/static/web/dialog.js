// <a href="/the/page/" data-dialog="id">: opens that <dialog>; without this script the link leads to the page.
// Escape, the inert page behind it and the focus that comes back are the browser's own.
const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled], [type=hidden]), select, textarea, summary";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    dialog.showModal();
    return;
  }
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target.matches("dialog[open]") && isOutside(event)) event.target.close();
});

// The browser lets Tab leave for its own bars; here it goes round.
document.addEventListener("keydown", (event) => {
  const dialog = event.key === "Tab" && event.target.closest?.("dialog[open]");
  if (!dialog) return;
  const fields = [...dialog.querySelectorAll(FOCUSABLE)].filter((field) => field.offsetParent !== null);
  const end = event.shiftKey ? fields[0] : fields.at(-1);
  if (document.activeElement !== end) return;
  event.preventDefault();
  (event.shiftKey ? fields.at(-1) : fields[0]).focus();
});

function isOutside(event) {
  const box = event.target.getBoundingClientRect();
  const { clientX: x, clientY: y } = event;
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}
