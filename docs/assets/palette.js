// Light or dark: as the reader chose, or else as the system says. What is chosen is kept where the theme keeps it.
"use strict";

{
  const form = document.querySelector("form[data-palette]");
  const inputs = [...form.querySelectorAll("input")];
  const names = ["media", "scheme", "primary", "accent"];
  const color = (input) => Object.fromEntries(names.map((name) => [name, input.getAttribute(`data-md-color-${name}`)]));
  let shown;
  // Only what changes is written: each change of these attributes styles the whole page anew.
  const show = (index) => {
    for (const [name, value] of Object.entries(color(inputs[index])))
      if (document.body.getAttribute(`data-md-color-${name}`) !== value) document.body.setAttribute(`data-md-color-${name}`, value);
    inputs.forEach((input, other) => (input.nextElementSibling.hidden = other !== index));
    shown = index;
  };
  const choose = (index) => {
    show(index);
    __md_set("__palette", { index, color: color(inputs[index]) });
  };
  const system = () => Math.max(0, inputs.findIndex((input) => matchMedia(color(input).media).matches));

  show(__md_get("__palette")?.index ?? system());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => __md_get("__palette") ?? show(system()));
  inputs.forEach((input, index) => input.addEventListener("change", () => choose(index)));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const next = inputs[(shown + 1) % inputs.length];
    next.click();
    next.focus();
  });
  // The browser's own bars take the header's colour; asked for at the end, when nothing is to be laid out for it.
  addEventListener("load", () => {
    const meta = document.createElement("meta");
    const header = document.querySelector(".md-header");
    document.head.append(Object.assign(meta, { name: "theme-color", content: getComputedStyle(header).backgroundColor }));
  });
}
