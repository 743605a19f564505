// What was spoken before: the settings, kept in this browser only.
import { button, make, word } from "/page/words.js";

const KEY = "vinovits.history";
const MOST = 30;

export class History {
  constructor(speakAgain) {
    this.speakAgain = speakAgain;
    this.list = make("ul", { className: "vv-history" });
    this.element = make("details", { id: "vv-history" }, [
      make("summary", { text: word("history") }),
      this.list,
      button(word("forget"), () => this.write([])),
    ]);
    this.show(this.read());
  }

  add(form) {
    if (form.prompt) return; // the server forgets recordings
    const same = JSON.stringify(form);
    const others = this.read().filter((one) => JSON.stringify(one) !== same);
    this.write([form, ...others].slice(0, MOST));
  }

  read() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY));
      return Array.isArray(kept) ? kept : [];
    } catch {
      return [];
    }
  }

  write(forms) {
    try {
      localStorage.setItem(KEY, JSON.stringify(forms));
    } catch {
      // Cookies are off or the store is full: it lasts as long as the page does.
    }
    this.show(forms);
  }

  show(forms) {
    this.list.replaceChildren(
      ...(forms.length
        ? forms.map((form) =>
            make("li", {}, [
              button(`${form.text} · ${form.voice} · ${word("seed")} ${form.seed}`, () => this.speakAgain(form)),
            ]),
          )
        : [make("li", { text: word("no_history") })]),
    );
  }
}
