// <button data-print>: what Ctrl+P does.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
