// Words with their readings: heard one by one, changed, and put into the text.
import { ask, fault } from "/page/api.js";
import { sample, tell } from "/page/take.js";
import { button, make, word } from "/page/words.js";

let shown = null; // the text and the rows that are shown

/** Shows how a text is read. */
export async function read(voice, text) {
  const place = document.getElementById("vv-readings");
  try {
    show(place, voice, text, await ask("/api/read", "POST", { text: text ?? "", voice }));
  } catch (error) {
    place.replaceChildren(fault(error));
    shown = null;
  }
  return text;
}

function show(place, voice, text, { sentences }) {
  const rows = [];
  const body = make("tbody");
  for (const part of sentences) {
    for (const one of part.words) {
      if (one.punctuation) continue;
      const field = make("input", {
        value: one.reading,
        "aria-label": `${word("reading")}: ${one.text}`,
        lang: one.language,
        size: Math.max(8, one.reading.length + 1),
      });
      const listen = button("▶", () => sample(voice, marked(one.text, field.value), listen), {
        "aria-label": `${word("listen")}: ${one.text}`,
      });
      rows.push({ ...one, field });
      body.append(
        make("tr", {}, [
          make("th", { scope: "row", text: one.text }),
          make("td", {}, [field]),
          make("td", {}, [listen]),
          make("td", { text: one.phones.join(" ") }),
          make("td", { text: `${one.language} · ${one.source}` }),
        ]),
      );
    }
  }
  const heads = ["word", "reading", "listen", "phones", "source"];
  const table = make("table", {}, [
    make("caption", { text: word("readings") }),
    make("thead", {}, [
      make("tr", {}, heads.map((key) => make("th", { scope: "col", text: word(key) }))),
    ]),
    body,
  ]);
  const notes = sentences.flatMap((part) => part.notes);
  place.replaceChildren(
    make("div", { className: "vv-scroll", tabindex: "0", role: "group", "aria-label": word("readings") }, [table]),
    ...notes.map((note) => make("p", { className: "vv-small", text: note })),
  );
  shown = { text, rows };
}

const marked = (written, reading) => (reading ? `[${written}|${reading}]` : written);

/** The text with the readings that were changed; reads it anew. */
export async function applyReadings(voice, text) {
  if (shown === null || shown.text !== text) return read(voice, text);
  const characters = [...text]; // places count characters, as Python does
  let place = characters.length;
  let changed = "";
  // A word of the text may be read as several: they are changed together.
  for (let i = shown.rows.length - 1; i >= 0; ) {
    let first = i;
    while (first > 0 && shown.rows[first - 1].end_char > shown.rows[i].start_char) first--;
    const group = shown.rows.slice(first, i + 1);
    const start = Math.min(...group.map((row) => row.start_char));
    const end = Math.max(...group.map((row) => row.end_char));
    const isChanged = group.some((row) => row.field.value.trim() !== row.reading);
    const written = characters.slice(start, end).join("");
    const reading = group.map((row) => row.field.value.trim()).join(" ");
    const now = isChanged ? marked(inner(written), reading) : written;
    changed = now + characters.slice(end, place).join("") + changed;
    place = start;
    i = first - 1;
  }
  const result = characters.slice(0, place).join("") + changed;
  await read(voice, result);
  return result;
}

/** The word of one that has a reading already. */
const inner = (written) => /^\[([^|\]]*)\|[^\]]*\]$/.exec(written)?.[1] ?? written;

/** Takes the text to the tab Speak. */
export function readToSpeak(voice, text) {
  document.querySelector('#vv-tabs button[role="tab"]')?.click();
  return text;
}

const TAGS = { zh: "<zh>", ja: "<jp>", en: "<en>" };

/** The text as a turn of upstream's, with its languages written out; and the choice "mixed". */
export async function toMixed(voice, speaker, text, language) {
  let sentences;
  try {
    ({ sentences } = await ask("/api/read", "POST", { text: text ?? "", voice }));
  } catch (error) {
    tell(error);
    return [text, language];
  }
  const characters = [...text];
  const pieces = [];
  let place = 0;
  let spoken = "";
  for (const one of sentences.flatMap((part) => part.words)) {
    if (one.punctuation || one.language === spoken) continue;
    const start = pieces.length ? one.start_char : 0;
    pieces.push(characters.slice(place, start).join(""), TAGS[one.language]);
    place = start;
    spoken = one.language;
  }
  return [`[${speaker || voice}]${pieces.join("")}${characters.slice(place).join("").trimEnd()}`, "mixed"];
}
