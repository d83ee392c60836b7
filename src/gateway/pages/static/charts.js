// Draws each chart from its table, which is all that the page holds.
"use strict";

const isReport = document.body.classList.contains("report");
const PAPER = { "--ink": "#111", "--quiet": "#333", "--line": "#ccc", "--paper": "#fff" };
let isPaper = isReport;
const ink = (name) =>
  isPaper ? PAPER[name] : getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isDark = () => !isPaper && matchMedia("(prefers-color-scheme: dark)").matches;
const language = document.documentElement.lang;
// Told apart without colour vision, too (after Okabe and Ito), by dashes and by points.
const PALETTES = {
  light: ["#0b5d4e", "#b45309", "#5b4bb5", "#8a1c5c", "#777f7c", "#b9c0bd"],
  dark: ["#7fd6c2", "#f0b35e", "#b3a6ff", "#f08fc4", "#98a39f", "#57625f"],
};
const POINTS = ["circle", "rectRot", "triangle", "rect", "crossRot", "star"];
const NAME_WIDTH = 18;
const PAPER_WIDTH = 680;
const PAPER_HEIGHT = 220;
const DASHES = { line: [], dashed: [7, 4], dotted: [2, 3], band: [2, 3] };

function columnsOf(table) {
  const heads = [...table.tHead.rows[0].cells].slice(1);
  const rows = [...table.tBodies[0].rows];
  const labels = rows.map((row) => row.cells[0].textContent);
  const columns = heads.map((head, place) => ({
    label: head.textContent,
    mark: head.dataset.mark,
    data: rows.map((row) => {
      const value = row.cells[place + 1].dataset.value;
      return value === undefined ? null : Number(value);
    }),
  }));
  return { labels, columns: columns.filter((column) => column.mark !== "untold") };
}

function lineOf(column, place, colour) {
  const isBand = column.mark === "band";
  return {
    label: column.label,
    data: column.data,
    borderColor: colour,
    backgroundColor: `${colour}${isBand ? "26" : ""}`,
    borderDash: DASHES[column.mark],
    borderWidth: column.mark === "line" ? 3 : 2,
    pointStyle: POINTS[place % POINTS.length],
    pointRadius: column.mark === "line" ? 3 : 0,
    pointHitRadius: 12,
    fill: isBand ? "-1" : false,
    tension: 0,
  };
}

function barOf(column, place, colour) {
  return {
    label: column.label,
    data: column.data,
    backgroundColor: colour,
    borderColor: ink("--paper"),
    borderWidth: 1,
  };
}

// A name that lies beside its bar is broken into lines, for nothing of it may be cut off.
function lines(text) {
  return text.split(" ").reduce((made, part) => {
    const longer = `${made.at(-1)} ${part}`;
    return made.length && longer.length <= NAME_WIDTH
      ? [...made.slice(0, -1), longer]
      : [...made, part];
  }, []);
}

function scalesOf(kind, isPercent, labels) {
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const values = {
    beginAtZero: true,
    stacked: kind === "stack",
    grid: { color: ink("--line") },
    ticks: {
      color: ink("--quiet"),
      callback: (value) => number.format(value) + (isPercent ? " %" : ""),
    },
  };
  const names = {
    stacked: kind === "stack",
    grid: { display: false },
    ticks: { color: ink("--ink"), maxRotation: 60, autoSkip: kind !== "across" },
  };
  if (kind === "across") names.ticks.callback = (value) => lines(labels[value]);
  return kind === "across" ? { x: values, y: names } : { x: names, y: values };
}

function draw(place) {
  const table = document.getElementById(place.dataset.table);
  const { kind, unit, label } = place.dataset;
  const { labels, columns } = columnsOf(table);
  const palette = PALETTES[isDark() ? "dark" : "light"];
  const isLine = kind === "line";
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  canvas.setAttribute("aria-describedby", table.id);
  place.append(canvas);
  place.hidden = false;
  if (kind === "across") place.style.height = `${Math.max(14, 4 + labels.length * Math.max(2, columns.length) * 1.4)}rem`;
  const isForecast = table.id === "trend-table";
  const colours = isForecast ? [0, 0, 0, 0, 1] : columns.map((_, i) => i);
  const made = isLine ? lineOf : barOf;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  return new Chart(canvas, {
    type: isLine ? "line" : "bar",
    data: {
      labels,
      datasets: columns.map((column, i) => made(column, i, palette[colours[i] % palette.length])),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      indexAxis: kind === "across" ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: kind === "across" ? "y" : "x" },
      scales: scalesOf(kind, unit === "percent", labels),
      plugins: {
        legend: {
          display: columns.length > 1,
          position: "bottom",
          labels: { color: ink("--ink"), usePointStyle: isLine, boxWidth: isLine ? 8 : 14, boxHeight: 8 },
        },
        tooltip: {
          callbacks: {
            label: ({ dataset, parsed }) => {
              const value = kind === "across" ? parsed.x : parsed.y;
              return `${dataset.label}: ${number.format(value)}${unit === "percent" ? " %" : ""}`;
            },
          },
        },
      },
    },
  });
}

const drawn = [];
function drawAll() {
  drawn.splice(0).forEach((chart) => {
    const canvas = chart.canvas;
    chart.destroy();
    canvas.remove();
  });
  document.querySelectorAll(".canvas").forEach((place) => drawn.push(draw(place)));
}

const tables = document.querySelectorAll(".chart details");
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
drawAll();
if (!isReport) {
  document.querySelectorAll(".canvas ~ details").forEach((table) => { table.open = false; });
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
addEventListener("beforeprint", () => {
  tables.forEach((table) => { table.open = true; });
  isPaper = true;
  drawAll();
  drawn.forEach((chart) => chart.resize(PAPER_WIDTH, Math.min(chart.height, PAPER_HEIGHT)));
});
addEventListener("afterprint", () => {
  isPaper = isReport;
  drawAll();
});
document.querySelectorAll("[data-print]").forEach((button) => {
  button.addEventListener("click", () => print());
});
document.documentElement.dataset.charts = "drawn";
