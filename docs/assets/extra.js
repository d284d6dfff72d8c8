// Formulas and diagrams, drawn with libraries that the site serves itself.
"use strict";

document.querySelectorAll(".arithmatex").forEach((element) => {
  renderMathInElement(element, {
    delimiters: [
      { left: "\\(", right: "\\)", display: false },
      { left: "\\[", right: "\\]", display: true },
    ],
    throwOnError: true,
  });
});

// The library weighs 3.5 MB: it is loaded on pages with a diagram only.
const diagrams = [...document.querySelectorAll("pre.diagram")];
if (diagrams.length > 0) {
  const library = document.createElement("script");
  library.src = new URL("vendor/mermaid/mermaid.min.js", document.querySelector('script[src$="assets/extra.js"]').src);
  library.onload = async () => {
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
  };
  document.head.append(library);
}
