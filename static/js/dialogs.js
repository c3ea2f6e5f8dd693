// Native dialogs: opened by [data-dialog=id], or by being put into #dialog-slot; closed by [data-close] and Esc.
let opener = null;

function open(dialog) {
  if (!dialog || dialog.open) return;
  // A dialog that comes back with errors takes the place of an open one; focus still returns to where it all began.
  if (document.activeElement !== document.body) opener = document.activeElement;
  dialog.showModal();
  (dialog.querySelector('[aria-invalid="true"]') ?? dialog.querySelector("[data-first]"))?.focus();
  dialog.addEventListener("close", () => {
    if (opener?.isConnected) opener.focus();
    if (dialog.parentElement?.id === "dialog-slot") dialog.remove();
  }, { once: true });
}

function nameTyped(form) {
  return form.elements.confirm_name.value.trim() === form.dataset.confirmName;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) open(document.getElementById(opener.dataset.dialog));
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "dialog-slot") open(event.target.querySelector("dialog"));
});

// What the page itself has to ask first.
open(document.querySelector("dialog[data-opened]"));

document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-confirm-name]");
  if (form) form.querySelector('[type="submit"]').setAttribute("aria-disabled", String(!nameTyped(form)));
});

// A disabled button stays focusable and does nothing.
document.addEventListener("click", (event) => {
  if (event.target.closest('[aria-disabled="true"]')) event.preventDefault();
}, true);

document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-confirm-name]") && !nameTyped(event.target)) event.preventDefault();
}, true);
