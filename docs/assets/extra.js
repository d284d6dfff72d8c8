// Formulas and diagrams, drawn with libraries that the site serves itself.
"use strict";

const beside = document.currentScript.src;
const load = (path) => new Promise((loaded) => {
  const script = document.createElement("script");
  document.head.append(Object.assign(script, { src: new URL(path, beside).href, onload: loaded }));
});

// Each is drawn as it comes near the window: many a reader does not scroll that far.
const whenNear = (elements, margin, draw) => {
  const watch = new IntersectionObserver((entries) => {
    const near = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
    near.forEach((element) => watch.unobserve(element));
    if (near.length > 0) draw(near);
  }, { rootMargin: margin });
  elements.forEach((element) => watch.observe(element));
};

// 78 KB compressed, loaded once the page is there, on those that have formulas.
const formulas = new Set(document.querySelectorAll(".arithmatex"));
const delimiters = [
  { left: "\\(", right: "\\)", display: false },
  { left: "\\[", right: "\\]", display: true },
];
const draw = (near) => {
  for (const formula of near)
    if (formulas.delete(formula)) renderMathInElement(formula, { delimiters, throwOnError: true });
};
if (formulas.size > 0)
  load("vendor/katex/katex.min.js")
    .then(() => load("vendor/katex/auto-render.min.js"))
    .then(() => {
      whenNear(formulas, "25%", draw);
      addEventListener("beforeprint", () => draw(formulas));
    });

// 3.5 MB, loaded when the first of a page comes near.
const diagrams = [...document.querySelectorAll("pre.diagram")];
let mermaidIsThere;
whenNear(diagrams, "100%", async (near) => {
  await (mermaidIsThere ??= load("vendor/mermaid/mermaid.min.js"));
  const dark = document.body.dataset.mdColorScheme === "slate";
  // Its own background of a label on an edge leaves the text a contrast of 4.4.
  const themeVariables = dark ? { edgeLabelBackground: "#333333" } : {};
  mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "neutral", themeVariables });
  for (const source of near) {
    const { svg } = await mermaid.render(`diagram-${diagrams.indexOf(source)}`, source.textContent);
    const figure = document.createElement("div");
    figure.className = "diagram-drawn";
    figure.innerHTML = svg;
    source.hidden = true; // the text stays: it is what the evidence accounts for
    source.after(figure);
  }
});
