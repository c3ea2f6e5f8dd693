// Parts that renew themselves ({% live %}): morphed in place; a lost connection is said after 10 s.
import { morphInner } from "./morph.js";
import { toast } from "./toasts.js";

const PATIENCE = 10_000;
const SAY_EVERY = 30_000;
const parts = () => document.querySelectorAll("[data-live]");
const banner = document.getElementById("connection");
const mark = document.getElementById("live-mark");
let answered = Date.now();
let saidAt = Date.now();
let said = "";

globalThis.htmx?.defineExtension("live", {
  // "live" leaves rows alone while pointer or focus is among them; "live-all" is for what the reader asked for there.
  isInlineSwap: (style) => style === "live" || style === "live-all",
  handleSwap(style, target, fragment) {
    if (style !== "live" && style !== "live-all") return false;
    document.dispatchEvent(new CustomEvent("renewing"));
    morphInner(target, fragment, style === "live");
    document.dispatchEvent(new CustomEvent("renewed"));
    return [target];
  },
});

document.addEventListener("htmx:configRequest", (event) => {
  // The page's part follows the address, which filters may have changed since the page was written.
  if (event.target.dataset?.live === "page") event.detail.path = location.pathname + location.search;
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.dataset?.live && document.hidden) event.preventDefault();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.target.dataset?.live || !event.detail.successful) return;
  answered = Date.now();
  show();
  announce();
});

document.addEventListener("htmx:responseError", (event) => {
  if (event.target.dataset?.live) return;
  const status = event.detail.xhr.status;
  toast(status === 403 || status === 404 ? "You may not do this." : `The server answered ${status}. Nothing was changed.`);
});

/** Says the new answer to screen readers, at most every 30 s. */
function announce() {
  const answer = document.querySelector("h1")?.textContent.trim() ?? "";
  if (answer === said || Date.now() - saidAt < SAY_EVERY) return;
  document.getElementById("said").textContent = answer;
  said = answer;
  saidAt = Date.now();
}

function show() {
  const lost = parts().length > 0 && Date.now() - answered > PATIENCE && !document.hidden;
  mark.hidden = parts().length === 0;
  mark.classList.toggle("lost", lost);
  document.getElementById("live-word").textContent = lost ? "Not live" : "Live";
  if (lost) {
    banner.querySelector("[data-since]").textContent = `${Math.round((Date.now() - answered) / 1000)} s`;
    banner.querySelector("[data-from]").textContent = new Date(answered).toTimeString().slice(0, 8);
  }
  if (banner.hidden === lost) banner.hidden = !lost;
}

if (mark) {
  said = document.querySelector("h1")?.textContent.trim() ?? "";
  show();
  setInterval(show, 1000);
  banner.querySelector("[data-try]").addEventListener("click", renew);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    answered = Date.now();
    renew();
  });
}

function renew() {
  for (const part of parts()) htmx.trigger(part, "refresh");
}
