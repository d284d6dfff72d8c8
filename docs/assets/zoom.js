// A figure opens as large as the window: by a click, or by Enter on the keyboard; Escape or a click closes it.
"use strict";

const zoomable = document.querySelectorAll(".md-content article img");
if (zoomable.length > 0) {
  const dialog = document.createElement("dialog");
  dialog.className = "zoom";
  const large = document.createElement("img");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "关闭";
  dialog.append(close);
  dialog.addEventListener("click", () => dialog.close());
  document.body.append(dialog);

  for (const figure of zoomable) {
    const open = document.createElement("button");
    open.type = "button";
    open.className = "zoom-open";
    open.title = "放大";
    figure.replaceWith(open);
    open.append(figure);
    open.addEventListener("click", () => {
      large.src = figure.src;
      large.alt = figure.alt;
      dialog.prepend(large); // not before: a picture without a source is a broken one
      dialog.showModal(); // keeps the focus inside, and gives it back to the figure
    });
  }
}
