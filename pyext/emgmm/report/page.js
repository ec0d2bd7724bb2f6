// Draws every figure, in the colours of the reader's theme, and again when the theme changes.
const dark = matchMedia("(prefers-color-scheme: dark)");
function themed(layout) {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: color("--line"), linecolor: color("--line"), zerolinecolor: color("--line") };
  const out = structuredClone(layout);
  Object.assign(out, {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: color("--soft") },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: color("--soft"), activecolor: color("--accent") },
    hoverlabel: { bgcolor: color("--card"), font: { color: color("--ink") } },
  });
  for (const name of ["xaxis", "xaxis2", "yaxis", "yaxis2"]) {
    if (out[name]) out[name] = { ...axis, ...out[name] };
  }
  return out;
}
function draw() {
  for (const node of document.querySelectorAll("[data-figure]")) {
    const figure = JSON.parse(document.getElementById(node.dataset.figure).textContent);
    Plotly.react(node, figure.data, themed(figure.layout), {
      responsive: true, displaylogo: false, displayModeBar: figure.layout.scene ? "hover" : false,
      modeBarButtonsToRemove: ["resetCameraLastSave3d", "hoverClosest3d", "tableRotation"],
    });
  }
}
dark.addEventListener("change", draw);
draw();
