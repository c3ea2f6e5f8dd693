// Sends what was typed into a cell, and draws the cells that the answer holds.
import { csrfHeaders } from "./http.js";
import { toast } from "./toasts.js";

/** Ends the edit; the cell shows `shown` until the answer is there. */
export function close(cell, shown) {
  cell.classList.remove("cell-editing");
  cell.querySelector(".cell-value").textContent = shown;
}

/** Puts the answer's elements in the place of those with the same id. */
function place(html) {
  const held = document.createElement("template");
  held.innerHTML = html;
  const focused = document.activeElement?.closest?.(".cell")?.id;
  for (const part of [...held.content.querySelectorAll("[id]")]) {
    const old = part.matches(".cell, [data-part]") && document.getElementById(part.id);
    if (!old || old.matches(".cell-editing")) continue;
    if (part.matches(".cell")) part.tabIndex = old.tabIndex;
    old.replaceWith(part);
  }
  if (focused) document.getElementById(focused)?.focus();
}

/** `change`: what is posted beside the version. A refusal (409, 422) comes back as a cell with its error. */
export async function send(cell, change) {
  cell.classList.add("cell-saving");
  cell.ariaBusy = "true";
  try {
    const body = new URLSearchParams({ ...change, version: cell.dataset.version ?? "" });
    const answer = await fetch(cell.dataset.url, { method: "POST", body, headers: csrfHeaders() });
    if (answer.ok || answer.status === 422 || answer.status === 409) {
      place(await answer.text());
      const now = document.getElementById(cell.id);
      const error = now?.querySelector(".cell-error")?.textContent.trim();
      document.getElementById("said").textContent = error ? `${now.dataset.label}: ${error}` : `${now?.dataset.label} saved`;
      return;
    }
    toast(answer.status === 403 ? "You may not change this." : `The server answered ${answer.status}. Nothing was saved.`);
  } catch {
    toast("No answer from the server. Nothing was saved.");
  }
  cell.classList.remove("cell-saving");
  cell.ariaBusy = null;
  close(cell, cell.dataset.value);
}
