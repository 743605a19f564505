// Takes: what was spoken, each with its sound, its picture and its files.
import { Comparison } from "/page/compare.js";
import { History } from "/page/history.js";
import { draw, fromBase64, joined, LivePlayer, wav } from "/page/sound.js";
import { request, spoken } from "/page/stream.js";
import { button, make, word } from "/page/words.js";

const MOST_TAKES = 8;
const LONGEST_LINK = 7000;
const SUBTITLES = ["srt", "vtt", "lrc"];

const running = new Set();
const made = []; // takes on the page, the newest first
let last = null;
let panel = null;

/** Puts the pane into the page. */
export function mount(root) {
  const status = make("p", { role: "status", className: "vv-small" });
  const takes = make("div", { id: "vv-take-list" }, [
    make("p", { text: word("no_takes"), className: "vv-small", id: "vv-no-takes" }),
  ]);
  const comparison = new Comparison();
  const history = new History((form) => start(form));
  root.append(
    make("h2", { text: word("takes") }),
    status,
    takes,
    comparison.element,
    history.element,
  );
  panel = { status, takes, comparison, history };
}

/** A button of the form was pressed. Gives the seed that the form shall show. */
export function speak(kind, names, values) {
  const form = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  const shown = form.seed;
  if (kind === "again" && last) {
    start(last);
    return last.seed;
  }
  if (kind === "another" || form.seed == null || form.seed === "") form.seed = randomSeed();
  start(form);
  return kind === "another" ? form.seed : shown;
}

/** Speaks a sample of a voice, beside the button that asked for it. */
export async function sample(voice, text, asker) {
  asker.parentElement.querySelector("[role=alert]")?.remove();
  const work = new AbortController();
  running.add(work);
  asker.disabled = true;
  let player;
  try {
    for await (const event of spoken({ voice, text, seed: 0 }, work.signal)) {
      if (event.type === "start") player = new LivePlayer(event.sampling_rate);
      if (event.type === "audio") player.play(fromBase64(event.pcm));
    }
    asker.dataset.played = "yes";
    await player?.end();
  } catch (error) {
    player?.stop();
    if (!work.signal.aborted) {
      asker.after(make("p", { role: "alert", className: "vv-error", text: error.message }));
    }
  } finally {
    running.delete(work);
    asker.disabled = false;
  }
}

export function stopAll() {
  for (const work of running) work.abort();
}

/** Shows a fault that belongs to no take. */
export function tell(error) {
  panel.status.replaceChildren(make("span", { role: "alert", className: "vv-error", text: error.message }));
}

function randomSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

async function start(form) {
  stopAll();
  last = form;
  const work = new AbortController();
  running.add(work);
  const take = new Take(form, () => work.abort());
  panel.takes.querySelector("#vv-no-takes")?.remove();
  panel.takes.prepend(take.element);
  while (panel.takes.children.length > MOST_TAKES) panel.takes.lastChild.remove();
  for (const old of made.splice(MOST_TAKES - 1)) old.release(panel.comparison);
  made.unshift(take);
  panel.status.textContent = word("speaking");
  let player = null;
  work.signal.addEventListener("abort", () => player?.stop());
  try {
    const began = performance.now();
    for await (const event of spoken(request(form), work.signal)) {
      if (event.type === "start") {
        player = new LivePlayer(event.sampling_rate);
        take.rate = event.sampling_rate;
      } else if (event.type === "sentence") {
        take.sentences.push(event);
      } else if (event.type === "audio") {
        if (!take.pieces.length) take.element.dataset.first = performance.now() - began;
        const piece = fromBase64(event.pcm);
        take.pieces.push(piece);
        player.play(piece);
      } else if (event.type === "done") {
        take.element.dataset.last = performance.now() - began;
        take.finish(event, panel.comparison);
      }
    }
    panel.status.textContent = word("done");
    panel.history.add(form);
    await player?.end();
  } catch (error) {
    player?.stop();
    take.fail(work.signal.aborted ? word("stopped") : error.message, work.signal.aborted);
    panel.status.textContent = "";
  } finally {
    running.delete(work);
  }
}

class Take {
  constructor(form, stop) {
    this.form = form;
    this.pieces = [];
    this.sentences = [];
    this.rate = 0;
    this.about = make("p", { className: "vv-small", text: this.named() });
    this.place = make("div");
    this.stop = button(word("stop"), stop);
    this.element = make("article", { className: "vv-take", "data-state": "speaking" }, [
      make("h3", { text: shortened(form.text) }),
      this.about,
      this.place,
      this.stop,
    ]);
    this.element.dataset.seed = form.seed;
  }

  named() {
    const { voice, speaker, seed } = this.form;
    return [voice, speaker, `${word("seed")} ${seed}`].filter(Boolean).join(" · ");
  }

  finish(event, comparison) {
    const samples = joined(this.pieces);
    this.pieces = [];
    this.stop.remove();
    this.about.textContent = `${this.named()} · ${event.seconds.toFixed(2)} ${word("seconds")}`;
    this.url = URL.createObjectURL(wav(samples, this.rate));
    const canvas = make("canvas", { role: "img", "aria-label": word("wave") });
    const wave = make("div", { className: "vv-wave", tabindex: "0", role: "group", "aria-label": word("wave") }, [canvas]);
    const note = make("p", { className: "vv-small", role: "status" });
    this.place.append(
      make("audio", { controls: "", src: this.url, "aria-label": word("audio") }),
      wave,
      ...this.notes(),
      make("div", { className: "vv-buttons" }, [
        file("WAV", this.url, "speech.wav"),
        ...SUBTITLES.map((kind) => {
          const blob = new Blob([event.subtitles[kind]], { type: "text/plain;charset=utf-8" });
          return file(kind.toUpperCase(), URL.createObjectURL(blob), `speech.${kind}`);
        }),
        button(word("link"), () => this.copyLink(note), { "data-action": "link" }),
        button(word("as_a"), () => comparison.keep("a", this), { "data-action": "a" }),
        button(word("as_b"), () => comparison.keep("b", this), { "data-action": "b" }),
      ]),
      note,
    );
    this.element.dataset.state = "done";
    draw(canvas, samples, this.rate, this.sentences);
  }

  /** What was left out or guessed. */
  notes() {
    const notes = [...new Set(this.sentences.flatMap((sentence) => sentence.notes))];
    return notes.map((text) => make("p", { className: "vv-small", text }));
  }

  /** Lets go of the sound, unless it is compared. */
  release(comparison) {
    if (this.url && !comparison.has(this)) URL.revokeObjectURL(this.url);
  }

  fail(message, quiet) {
    this.stop.remove();
    this.element.dataset.state = quiet ? "stopped" : "failed";
    this.place.append(make("p", { role: quiet ? "status" : "alert", className: "vv-error", text: message }));
  }

  async copyLink(note) {
    const address = link(this.form);
    if (this.form.prompt) note.textContent = word("link_recording");
    else if (address.length > LONGEST_LINK) note.textContent = word("link_too_long");
    else {
      try {
        await navigator.clipboard.writeText(address);
        note.textContent = word("link_copied");
      } catch {
        note.textContent = word("link_shown");
      }
      note.append(" ", make("a", { href: address, text: shortened(address) }));
    }
  }
}

function link(form) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) {
    if (value != null && value !== "" && name !== "prompt") query.set(name, value);
  }
  return `${location.origin}${location.pathname}?${query}`;
}

function file(name, url, as) {
  return make("a", { className: "vv-button", href: url, download: as, text: `${word("download")} ${name}` });
}

function shortened(text) {
  const characters = [...(text || "").trim()];
  return characters.length > 80 ? `${characters.slice(0, 80).join("")}…` : characters.join("") || "—";
}
