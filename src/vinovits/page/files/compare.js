// Two takes side by side: switching goes on at the same place.
import { button, make, word } from "/page/words.js";

export class Comparison {
  constructor() {
    this.takes = {};
    this.sounds = { a: new Audio(), b: new Audio() };
    this.plays = {};
    for (const slot of ["a", "b"]) {
      this.plays[slot] = button(word(`play_${slot}`), () => this.play(slot), { "data-play": slot });
      this.plays[slot].disabled = true;
    }
    this.differences = make("div", { className: "vv-small" }, [word("compare_hint")]);
    this.element = make("section", { className: "vv-compare", "aria-labelledby": "vv-compare-title" }, [
      make("h2", { text: word("compare"), id: "vv-compare-title" }),
      make("div", { className: "vv-buttons" }, [
        this.plays.a,
        this.plays.b,
        button(word("pause"), () => this.pause()),
      ]),
      this.differences,
    ]);
  }

  keep(slot, take) {
    this.pause();
    this.takes[slot] = take;
    this.sounds[slot].src = take.url;
    this.plays[slot].disabled = false;
    this.show();
  }

  has(take) {
    return Object.values(this.takes).includes(take);
  }

  play(slot) {
    const other = slot === "a" ? "b" : "a";
    const sound = this.sounds[slot];
    if (!this.sounds[other].paused) {
      this.sounds[other].pause();
      sound.currentTime = Math.min(this.sounds[other].currentTime, sound.duration || 0);
    } else if (sound.ended) {
      sound.currentTime = 0;
    }
    sound.play();
    this.plays[slot].setAttribute("aria-pressed", "true");
    this.plays[other].setAttribute("aria-pressed", "false");
  }

  pause() {
    for (const sound of Object.values(this.sounds)) sound.pause();
  }

  show() {
    const { a, b } = this.takes;
    if (!a || !b) return;
    const names = Object.keys(a.form).filter((name) => (a.form[name] ?? "") !== (b.form[name] ?? ""));
    this.differences.replaceChildren(
      ...(names.length
        ? names.map((name) =>
            make("p", { text: `${page(name)}: A ${a.form[name] ?? "—"} · B ${b.form[name] ?? "—"}` }),
          )
        : [word("no_difference")]),
    );
  }
}

const page = (name) => word(name).split(/[:：]/)[0];
