// Diagrams, drawn with a library that the site serves itself.
"use strict";

const beside = document.currentScript.src;
const load = (path) => new Promise((loaded) => {
  const script = document.createElement("script");
  document.head.append(Object.assign(script, { src: new URL(path, beside).href, onload: loaded }));
});

// 3.5 MB, loaded when the first of a page comes near; each is drawn then: many a reader does not scroll that far.
const diagrams = [...document.querySelectorAll("pre.diagram")];
let mermaidIsThere;
const draw = async (entries, watch) => {
  const near = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
  if (near.length === 0) return;
  near.forEach((element) => watch.unobserve(element));
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
};
const watch = new IntersectionObserver(draw, { rootMargin: "100%" });
diagrams.forEach((element) => watch.observe(element));
