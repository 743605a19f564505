// The page's own part: words in the reader's language, keys, and the doors that Gradio's buttons
// knock at.
import { speak, sample, stopAll, mount as mountTakes } from "/page/take.js";
import { word } from "/page/words.js";
import { followJobs, startBook, takeFile } from "/page/book.js";
import { lexicon, putWord, removeWord } from "/page/lexicon.js";
import { read, applyReadings, readToSpeak, toMixed } from "/page/readings.js";

const page = window.vinovits;

Object.assign(page, { speak, read, applyReadings, readToSpeak, toMixed });
Object.assign(page, { lexicon, putWord, removeWord, followJobs, startBook });

function putWords(root) {
  for (const element of root.querySelectorAll("[data-word]")) {
    if (!element.textContent) element.textContent = word(element.dataset.word);
  }
  const choice = root.querySelector("#vv-language");
  if (choice && !choice.dataset.ready) {
    choice.dataset.ready = "yes";
    choice.value = page.language;
    choice.addEventListener("change", () => chooseLanguage(choice.value));
  }
  const takes = root.querySelector("#vv-takes");
  if (takes && !takes.dataset.ready) {
    takes.dataset.ready = "yes";
    mountTakes(takes);
  }
}

function chooseLanguage(language) {
  try {
    localStorage.setItem("vinovits.language", language);
  } catch {
    // Cookies are off: the address remembers it.
  }
  const query = new URLSearchParams(location.search);
  query.set("lang", language);
  location.search = query.toString();
}

new MutationObserver(() => {
  putWords(document);
  if (document.title !== word("title")) document.title = word("title"); // Gradio has one of its own
}).observe(document.documentElement, {
  childList: true,
  subtree: true,
});
putWords(document);

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const inRead = document.activeElement?.closest("#vv-read-text");
    document.querySelector(inRead ? "#vv-read" : "#vv-speak")?.click();
    event.preventDefault();
  } else if (event.key === "Escape") {
    stopAll();
  }
});
document.addEventListener("change", (event) => {
  if (event.target.id === "vv-book-file") takeFile(event.target);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-sample]");
  if (button) sample(button.dataset.voice, button.dataset.sample, button);
});
