// Copying: each block exactly as it ran, a block with all that it needs, the page as Markdown.
// The theme copies `data-clipboard-text` of the button that is pressed and says so; here that text is made from the page.
"use strict";

const shown = (block) => block.querySelector("pre > code:not(.linenos code)").textContent.replace(/^\n+|\n+$/g, "");

// Of a listing of a console the commands: what stands behind a prompt.
const code = (block) => {
  if (!block.matches(".language-console")) return shown(block);
  return shown(block).split("\n").filter((line) => /^[$>] /.test(line)).map((line) => line.slice(2)).join("\n");
};

// A block and the blocks of its module above it, joined as the script of the page is.
const complete = (block) => {
  const module = [...document.querySelectorAll(`[data-module="${block.dataset.module}"]`)];
  const before = module.slice(0, module.indexOf(block)).filter((other) => !("aside" in other.dataset));
  const preamble = module.flatMap((other) => other.dataset.preamble ?? []);
  return [...preamble, ...[...before, block].map(code)].join("\n\n") + "\n";
};

document.querySelector(".md-dialog__inner").setAttribute("role", "status"); // read out, not only shown

// Before the theme's own listener, which reads the text from the button.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".md-code__button");
  if (button?.matches("[data-clipboard-text]")) {
    const block = button.closest(".highlight");
    button.dataset.clipboardText = button.dataset.mdType === "complete" ? complete(block) : code(block);
  }
}, true);

document.querySelectorAll(".takeaway__copy").forEach((button) => {
  const file = button.parentElement.querySelector('a[href$="index.md"]').href;
  button.hidden = false;
  button.addEventListener("click", async () => {
    // A promise, because some browsers forget the click while the file comes.
    const text = fetch(file).then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)));
    const item = new ClipboardItem({ "text/plain": text.then((words) => new Blob([words], { type: "text/plain" })) });
    await navigator.clipboard.write([item]).then(
      () => alert$.next("已复制 Markdown"),
      () => alert$.next("没有复制成：请打开旁边的 Markdown 文件"),
    );
  });
});
