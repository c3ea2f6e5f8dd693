// One message at a time, for 10 s, longer while pointer or focus is on it.
const SECONDS = 10;

function start(toast) {
  let left = SECONDS;
  const counter = toast.querySelector(".toast-left");
  const timer = setInterval(() => {
    if (toast.matches(":hover, :focus-within")) return;
    left -= 1;
    if (counter) counter.textContent = `${left} s`;
    if (left <= 0) dismiss();
  }, 1000);
  function dismiss() {
    clearInterval(timer);
    toast.remove();
  }
  toast.querySelector("[data-dismiss]").addEventListener("click", dismiss);
  toast.querySelector(".toast-undo")?.addEventListener("click", dismiss);
}

/** Shows `text`; `undo` is called when Undo is pressed. */
export function toast(text, undo) {
  const place = document.getElementById("toasts");
  const made = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  made.querySelector("span").textContent = text;
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "toast-undo", textContent: "Undo" });
    const counter = Object.assign(document.createElement("span"), { className: "toast-left", textContent: `${SECONDS} s` });
    button.addEventListener("click", undo);
    made.querySelector("[data-dismiss]").before(button, counter);
  }
  place.replaceChildren(made);
  start(made);
}

document.querySelectorAll("[data-toast]").forEach(start);
document.addEventListener("toast", (event) => toast(event.detail.value ?? event.detail.text));
