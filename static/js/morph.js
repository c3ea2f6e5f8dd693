// Brings one tree of elements to the state of another without replacing what is the same, so that focus, selection,
// open menus and the reader's place stay. Children with an id are known by it, the others by their place.
const BUSY = 'details[open].menu, dialog[open], .cell-editing';
const key = (node) => (node.nodeType === Node.ELEMENT_NODE && node.id ? node.id : null);

function alike(now, next) {
  return now.nodeType === next.nodeType && now.nodeName === next.nodeName && key(now) === key(next);
}

function attributes(now, next) {
  const kept = (now.dataset?.keep ?? "").split(" ");
  for (const { name } of [...now.attributes]) {
    if (!next.hasAttribute(name) && !kept.includes(name)) now.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (now.getAttribute(name) !== value && !kept.includes(name)) now.setAttribute(name, value);
  }
}

function text(now, next) {
  if (now.nodeValue === next.nodeValue) return;
  now.nodeValue = next.nodeValue;
  const number = now.parentElement?.closest(".num, .figure");
  if (!number || number.closest("tr:hover, tr:focus-within")) return;
  number.classList.add("changed");
  number.addEventListener("animationend", () => number.classList.remove("changed"), { once: true });
}

/** `held`: rows keep their order and none come or go, because pointer or focus is among them. */
function children(now, next, held) {
  const known = new Map([...now.children].filter(key).map((child) => [child.id, child]));
  const wanted = new Set([...next.children].map(key));
  const frozen = held && known.size > 0 && now.matches("tbody:hover, tbody:focus-within, .rows:hover, .rows:focus-within");
  let at = now.firstChild;
  for (const child of [...next.childNodes]) {
    const id = key(child);
    if (frozen && id) {
      if (known.has(id)) morph(known.get(id), child, held);
      continue;
    }
    while (at && key(at) && !wanted.has(at.id) && !frozen) at = remove(at);
    if (!id) at = behindDropped(at, child);
    const same = id ? known.get(id) : at && !key(at) && alike(at, child) ? at : null;
    if (!same) {
      now.insertBefore(child, at);
    } else if (same === at) {
      at = at.nextSibling;
      morph(same, child, held);
    } else {
      now.insertBefore(same, at);
      morph(same, child, held);
    }
  }
  if (frozen) {
    for (const [id, child] of known) child.classList.toggle("gone", !wanted.has(id));
    return;
  }
  while (at) at = remove(at);
}

/** Where `child` has no counterpart at `at` but has one right behind it, what is at `at` is no longer wanted: without this,
 * everything after it would be made anew, and what is open or typed there lost. */
function behindDropped(at, child) {
  const after = at?.nodeType === Node.ELEMENT_NODE && !key(at) && !alike(at, child) ? at.nextElementSibling : null;
  const isChild = after && !key(after) && alike(after, child);
  if (!isChild || (child.nextElementSibling && alike(at, child.nextElementSibling))) return at;
  while (at !== after) at = remove(at);
  return at;
}

function remove(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

export function morph(now, next, held = true) {
  if (!alike(now, next)) {
    now.replaceWith(next);
  } else if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.nodeType === Node.TEXT_NODE || now.nodeType === Node.COMMENT_NODE) text(now, next);
  } else if (now.dataset.morph !== "skip" && !now.matches(BUSY)) {
    attributes(now, next);
    if (now.matches("script")) now.textContent = next.textContent;
    else if (!now.matches("input, textarea")) children(now, next, held);
  }
}

/** Brings what `now` holds to what `next` (an element or a fragment) holds. */
export function morphInner(now, next, held = true) {
  children(now, next, held);
}
