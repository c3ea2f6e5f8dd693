// Draws figures with Plotly in the colours of the tokens, again when the theme, the data or the width change.
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);
const drawn = new WeakMap();
const phone = matchMedia("(max-width: 599px)");

/** Every "token:name" in a figure as the colour that the theme gives the token. */
function coloured(value) {
  if (typeof value === "string" && value.startsWith("token:")) {
    probe.style.color = `var(--${value.slice(6)})`;
    return getComputedStyle(probe).color;
  }
  if (Array.isArray(value)) return value.map(coloured);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, coloured(part)]));
  return value;
}

function draw(chart, again) {
  const canvas = chart.querySelector(".chart-canvas");
  const text = document.getElementById(chart.dataset.chart).textContent;
  if (!again && drawn.get(canvas) === text) return;
  drawn.set(canvas, text);
  const { data, layout } = coloured(JSON.parse(text));
  layout.font.family = getComputedStyle(document.body).fontFamily;
  const config = { displayModeBar: false, scrollZoom: false, doubleClick: false, responsive: true, staticPlot: phone.matches };
  Plotly.react(canvas, data, layout, config);
}

const drawAll = (again) => document.querySelectorAll("[data-chart]").forEach((chart) => draw(chart, again));

drawAll(false);
document.addEventListener("renewed", () => drawAll(false));
document.addEventListener("themechange", () => drawAll(true));
phone.addEventListener("change", () => drawAll(true));
