// Formulas and diagrams, drawn with libraries that the site serves itself.
"use strict";

const beside = document.currentScript.src;
const load = (path) => new Promise((loaded) => {
  const script = document.createElement("script");
  document.head.append(Object.assign(script, { src: new URL(path, beside).href, onload: loaded }));
});

// A library is loaded on the pages that need it, once they are there: formulas 78 KB compressed, diagrams 3.5 MB.
const formulas = [...document.querySelectorAll(".arithmatex")];
const delimiters = [
  { left: "\\(", right: "\\)", display: false },
  { left: "\\[", right: "\\]", display: true },
];
// A few at a time: the page answers in between.
const draw = () => {
  for (const end = performance.now() + 10; formulas.length > 0 && performance.now() < end;)
    renderMathInElement(formulas.shift(), { delimiters, throwOnError: true });
  if (formulas.length > 0) setTimeout(draw);
};
if (formulas.length > 0)
  load("vendor/katex/katex.min.js")
    .then(() => load("vendor/katex/auto-render.min.js"))
    .then(draw);

const diagrams = [...document.querySelectorAll("pre.diagram")];
// When the first comes near the window: many a reader does not scroll that far.
const near = new IntersectionObserver((entries) => {
  if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
  near.disconnect();
  load("vendor/mermaid/mermaid.min.js").then(async () => {
    const dark = document.body.dataset.mdColorScheme === "slate";
    // Its own background of a label on an edge leaves the text a contrast of 4.4.
    const themeVariables = dark ? { edgeLabelBackground: "#333333" } : {};
    mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "neutral", themeVariables });
    for (const [index, source] of diagrams.entries()) {
      const { svg } = await mermaid.render(`diagram-${index}`, source.textContent);
      const figure = document.createElement("div");
      figure.className = "diagram-drawn";
      figure.innerHTML = svg;
      source.hidden = true; // the text stays: it is what the evidence accounts for
      source.after(figure);
    }
  });
}, { rootMargin: "100%" });
for (const diagram of diagrams) near.observe(diagram);
