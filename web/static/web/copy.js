// <button class="copy" data-copy="text" data-copied="Copied">: the text to the clipboard, said aloud and shown.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  if (!(await copy(button.dataset.copy))) return;
  const before = button.textContent;
  if (button.dataset.done) return;
  button.dataset.done = "yes";
  button.textContent = button.dataset.copied;
  say(button.dataset.copied);
  setTimeout(() => {
    delete button.dataset.done;
    button.textContent = before;
  }, 2000);
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain http, or where the browser says no: the old way.
    const field = document.createElement("textarea");
    field.value = text;
    field.setAttribute("readonly", "");
    field.className = "hidden-text";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

function say(words) {
  const region = document.getElementById("said");
  if (region) region.textContent = words;
}
