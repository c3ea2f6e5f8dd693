// Says what is wrong with a field: when it is left, then on every key. The server checks again and has the last word.
function problem(input) {
  const is = input.validity;
  const name = input.labels?.[0]?.firstChild?.textContent.trim() ?? "this";
  if (is.valueMissing) return input.tagName === "SELECT" ? `Choose ${name.toLowerCase()}.` : `Fill in ${name}.`;
  if (is.badInput) return "Use a number.";
  if (is.rangeUnderflow) return `Use at least ${input.min}.`;
  if (is.rangeOverflow) return `Use at most ${input.max}.`;
  if (is.stepMismatch) return input.step === "1" ? "Use a whole number." : `Use steps of ${input.step}.`;
  if (is.tooLong) return `Use at most ${input.maxLength} characters.`;
  if (is.patternMismatch) return input.title || "Use another form.";
  if (is.typeMismatch) return input.type === "email" ? "Use an address like mira@example.org." : "Use a full address.";
  return "";
}

function show(input) {
  const field = input.closest(".field");
  const text = problem(input);
  let note = field.querySelector(".field-error");
  if (text && !note) {
    note = document.createElement("p");
    note.className = "field-error";
    note.id = `${input.id}_error`;
    note.append(document.createElement("span"));
    field.append(note);
  }
  if (text) {
    note.querySelector("span").textContent = text;
    input.setAttribute("aria-invalid", "true");
  } else {
    note?.remove();
    input.removeAttribute("aria-invalid");
  }
  const described = new Set((input.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  if (text) described.add(note.id);
  else described.delete(`${input.id}_error`);
  if (described.size) input.setAttribute("aria-describedby", [...described].join(" "));
  else input.removeAttribute("aria-describedby");
}

const left = (event) => {
  if (!event.target.matches?.(".control > [data-field]")) return;
  if (event.target.value !== event.target.defaultValue || event.target.dataset.checked) {
    event.target.dataset.checked = "1";
    show(event.target);
  }
};
document.addEventListener("focusout", left);
document.addEventListener("input", (event) => {
  if (event.target.dataset.checked || event.target.getAttribute("aria-invalid")) left(event);
});
