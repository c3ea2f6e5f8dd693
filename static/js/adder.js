// A field that finds one of many and adds it as a line to the text area beside it: `data-adds-to` names that.

function add(input) {
  const name = input.value.trim();
  const area = document.getElementById(input.dataset.addsTo);
  const lines = area.value.split("\n").filter((line) => line.trim());
  if (name && !lines.includes(name)) area.value = [...lines, name].join("\n") + "\n";
  input.value = "";
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-adds-to]")) add(event.target);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[data-adds-to]")) return;
  event.preventDefault();
  add(event.target);
});
